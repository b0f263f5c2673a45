#include "dnsflip/model/transfer_key.h"

#include <strings.h>

const char *transfer_algorithm_name(enum transfer_algorithm algorithm)
{
    switch (algorithm) {
    case TRANSFER_HMAC_SHA256:
        return "hmac-sha256";
    case TRANSFER_HMAC_SHA384:
        return "hmac-sha384";
    case TRANSFER_HMAC_SHA512:
        return "hmac-sha512";
    }
    return NULL;
}

enum transfer_algorithm transfer_algorithm_find(const char *name)
{
    for (int i = TRANSFER_HMAC_SHA256; i <= TRANSFER_HMAC_SHA512; i++) {
        if (strcasecmp(transfer_algorithm_name((enum transfer_algorithm)i), name) == 0)
            return (enum transfer_algorithm)i;
    }
    return 0;
}
