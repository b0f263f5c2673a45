#include "dnsflip/io/io.h"

#include <stddef.h>

#include "dnsflip/io/dns_client.h"
#include "dnsflip/io/http.h"
#include "dnsflip/io/web.h"

int io_init(struct io *io, struct loop *loop, struct err *err)
{
    *io = (struct io){ .loop = loop };
    if (http_new(loop, &io->http, err) != 0)
        return -1;
    if (web_new(loop, &io->web, err) != 0) {
        http_free(io->http);
        return -1;
    }
    if (dns_client_new(loop, &io->dns_client, err) != 0) {
        web_free(io->web);
        http_free(io->http);
        return -1;
    }
    return 0;
}

void io_fini(struct io *io)
{
    http_free(io->http);
    web_free(io->web);
    dns_client_free(io->dns_client);
    io->http = NULL;
    io->web = NULL;
    io->dns_client = NULL;
}
