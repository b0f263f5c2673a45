#include "dnsflip/ctl/http.h"

#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/secret.h"
#include "dnsflip/ctl/judge_ops.h"
#include "dnsflip/ctl/metrics.h"
#include "dnsflip/io/http_server.h"

struct ctl_http {
    struct engine *engine;
    const struct judge_ops *judge;
    struct secret *token;       /* owned; NULL = none */
    struct http_server *server; /* owned */
    bool had_first_round;
};

/* Has every probe run once?  Once true it stays so. */
static bool had_first_round(struct ctl_http *http)
{
    for (size_t i = 0; !http->had_first_round && i < engine_probes(http->engine); i++) {
        struct probe_status p;

        engine_probe_status(http->engine, i, &p);
        if (p.runs == 0)
            return false;
    }
    http->had_first_round = true;
    return true;
}

static void answer_ready(struct ctl_http *http, struct http_server_reply *reply)
{
    struct judge_face f = { .is_ready = false };
    const char *missing = NULL;

    http->judge->face(http->judge->judge, &f);
    if (!f.is_running || !f.is_ready)
        missing = "the face does not serve the pair yet";
    else if (!had_first_round(http))
        missing = "the first round of probes is not over";
    reply->status = missing == NULL ? 200 : 503;
    (void)buf_printf(&reply->body, "%s\n", missing == NULL ? "ready" : missing);
}

static void on_request(void *arg, const char *path, struct http_server_reply *reply)
{
    struct ctl_http *http = arg;

    if (strcmp(path, "/healthz") == 0) {
        reply->status = 200;
        (void)buf_puts(&reply->body, "the judge lives\n");
    } else if (strcmp(path, "/readyz") == 0) {
        answer_ready(http, reply);
    } else if (strcmp(path, "/metrics") == 0) {
        reply->status = 200;
        reply->content_type = METRICS_CONTENT_TYPE;
        metrics_write(http->engine, http->judge, &reply->body);
    } else {
        reply->status = 404;
        (void)buf_puts(&reply->body, "/healthz /readyz /metrics\n");
    }
}

int ctl_http_new(struct loop *loop, int listen_fd, const char *token_file, struct engine *engine,
                 const struct judge_ops *judge, struct ctl_http **out, struct err *err)
{
    struct ctl_http *http = mem_zalloc(sizeof(*http));

    *out = NULL;
    http->engine = engine;
    http->judge = judge;
    if (token_file[0] != '\0' && secret_read(token_file, &http->token, err) != 0) {
        (void)err_wrap(err, "node.http_token_file");
        ctl_http_free(http);
        return -1;
    }
    if (http_server_new(loop, listen_fd, http->token, on_request, http, &http->server, err) != 0) {
        ctl_http_free(http);
        return -1;
    }
    *out = http;
    return 0;
}

void ctl_http_free(struct ctl_http *http)
{
    if (http == NULL)
        return;
    http_server_free(http->server);
    secret_free(http->token);
    mem_free(http);
}
