#include "dnsflip/providers/arc_message.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/str.h"

void arc_message_get(const char *arn, struct buf *out)
{
    (void)buf_puts(out, "{\"RoutingControlArn\":");
    buf_add_json(out, arn);
    (void)buf_putc(out, '}');
}

void arc_message_update(const struct arc_cfg *cfg, unsigned on, struct buf *out)
{
    (void)buf_puts(out, "{\"UpdateRoutingControlStateEntries\":[");
    for (unsigned i = 0; i < cfg->n_controls; i++) {
        (void)buf_puts(out, i > 0 ? ",{\"RoutingControlArn\":" : "{\"RoutingControlArn\":");
        buf_add_json(out, cfg->controls[i].arn);
        (void)buf_printf(out, ",\"RoutingControlState\":\"%s\"}", i == on ? "On" : "Off");
    }
    (void)buf_puts(out, "]}");
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text != NULL ? text : "";
}

int arc_message_state(const char *body, size_t n, const char *arn, bool *is_on, struct err *err)
{
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(body, n, &end, false);

    while (root != NULL && end < body + n && strchr(" \t\r\n", *end) != NULL && *end != '\0')
        end++;
    bool is_whole = root != NULL && end == body + n;
    const char *state = is_whole ? text_of(root, "RoutingControlState") : "";
    int rc = 0;

    *is_on = strcmp(state, "On") == 0;
    if (!is_whole)
        rc = err_set(err, ERR_REMOTE, "the answer is not JSON");
    else if (strcmp(text_of(root, "RoutingControlArn"), arn) != 0)
        rc = err_set(err, ERR_REMOTE, "the answer is not about the routing control asked for");
    else if (!*is_on && strcmp(state, "Off") != 0)
        rc = err_set(err, ERR_REMOTE, "the state of a routing control is '%.20s', not On or Off",
                     state);
    cJSON_Delete(root);
    return rc;
}

const char *arc_message_url(const char *url, char *out, size_t cap, char *path, size_t path_cap)
{
    const char *authority = NULL;

    if (str_starts(url, "https://"))
        authority = url + strlen("https://");
    else if (str_starts(url, "http://"))
        authority = url + strlen("http://");
    if (authority == NULL)
        return "does not start with https:// or http://";

    size_t n = strcspn(authority, "/?#");
    const char *rest = authority + n;
    size_t n_rest = strlen(rest);

    if (n == 0 || strcspn(url, " @\"<>\\^`{|}%") != strlen(url))
        return "is not https://HOST[:PORT][/PATH]";
    if (strpbrk(rest, "?#") != NULL)
        return "has a query or a fragment";
    while (n_rest > 0 && rest[n_rest - 1] == '/')
        n_rest--;
    if (!str_format(out, cap, "%.*s", (int)(rest - url), url) ||
        !str_format(path, path_cap, "%.*s/", (int)n_rest, rest))
        return "is too long";
    return NULL;
}
