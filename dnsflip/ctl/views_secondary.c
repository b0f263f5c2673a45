/* dnsflip/ctl/views_secondary.c -- the secondaries as JSON. */
#include "dnsflip/ctl/views.h"

static void add_serial(cJSON *view, const char *name, uint32_t serial, bool is_known)
{
    if (is_known)
        (void)cJSON_AddNumberToObject(view, name, serial);
    else
        (void)cJSON_AddNullToObject(view, name);
}

static cJSON *secondary_view(const struct secondary_status *s)
{
    cJSON *view = cJSON_CreateObject();
    char addr[INET_TEXT_BYTES];

    (void)cJSON_AddStringToObject(view, "zone", s->zone);
    (void)cJSON_AddStringToObject(view, "address", inet_format_addr(&s->addr, addr));
    (void)cJSON_AddStringToObject(view, "state", secondary_state_name(s->state));
    views_add_wall(view, "since", s->since);
    add_serial(view, "serial", s->serial, s->heard.ms != 0);
    (void)cJSON_AddNumberToObject(view, "ours", s->ours);
    (void)cJSON_AddNumberToObject(view, "behind", secondary_behind(s));
    views_add_wall(view, "heard", s->heard);
    views_add_text(view, "detail", s->read_detail);
    cJSON *notify = cJSON_AddObjectToObject(view, "notify");
    (void)cJSON_AddBoolToObject(notify, "under_way", s->is_being_told);
    (void)cJSON_AddNumberToObject(notify, "series", (double)s->notifies);
    (void)cJSON_AddNumberToObject(notify, "tries", (double)s->tries);
    (void)cJSON_AddNumberToObject(notify, "failures", (double)s->failures);
    views_add_text(notify, "detail", s->notify_detail);
    return view;
}

void views_add_secondaries(const struct engine *e, cJSON *object)
{
    cJSON *list = cJSON_AddArrayToObject(object, "secondaries");

    for (size_t i = 0; i < engine_secondaries(e); i++) {
        struct secondary_status s;

        engine_secondary_status(e, i, &s);
        (void)cJSON_AddItemToArray(list, secondary_view(&s));
    }
}
