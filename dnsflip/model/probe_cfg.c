#include "dnsflip/model/probe_cfg.h"

#include <stddef.h>

const char *endpoint_class_name(enum endpoint_class c)
{
    switch (c) {
    case CLASS_UI:
        return "ui";
    case CLASS_API:
        return "api";
    case CLASS_REMOTE_EXECUTION:
        return "remote-execution";
    case CLASS_CUSTOM:
        return "custom";
    }
    return NULL;
}
