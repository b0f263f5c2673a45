#include "dnsflip/providers/provider.h"

#include <string.h>

const struct provider_ops *provider_find(const char *kind)
{
    for (size_t i = 0; provider_kinds[i] != NULL; i++) {
        if (strcmp(provider_kinds[i]->kind, kind) == 0)
            return provider_kinds[i];
    }
    return NULL;
}
