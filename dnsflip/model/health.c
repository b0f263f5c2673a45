#include "dnsflip/model/health.h"

#include <stddef.h>

const char *health_status_name(enum health_status s)
{
    switch (s) {
    case HEALTH_UNKNOWN:
        return "unknown";
    case HEALTH_UP:
        return "up";
    case HEALTH_DOWN:
        return "down";
    }
    return NULL;
}
