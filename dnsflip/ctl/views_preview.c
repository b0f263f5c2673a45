/* dnsflip/ctl/views_preview.c -- what a plan's steps would do to the live records, as JSON. */
#include <string.h>

#include "dnsflip/ctl/views.h"
#include "dnsflip/engine/engine.h"
#include "dnsflip/model/preview.h"

static void add_name(void *arg, const char *name, const char *zone, const char *live)
{
    cJSON *one = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(one, "name", name);
    views_add_text(one, "zone", zone);
    views_add_text(one, "records", live);
    (void)cJSON_AddItemToArray(arg, one);
}

static void add_zones(cJSON *live, const struct preview *p)
{
    cJSON *list = cJSON_AddArrayToObject(live, "zones");

    for (size_t i = 0; i < p->n_zones; i++) {
        cJSON *one = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(one, "id", p->zones[i].id);
        (void)cJSON_AddStringToObject(one, "name", p->zones[i].name);
        (void)cJSON_AddBoolToObject(one, "private", p->zones[i].is_private);
        views_add_text(one, "accelerated_recovery", p->zones[i].accelerated);
        (void)cJSON_AddItemToArray(list, one);
    }
}

void views_add_previews(cJSON *view, const struct engine *e, const struct plan *plan)
{
    cJSON *steps = cJSON_GetObjectItemCaseSensitive(view, "steps");

    for (unsigned i = 0; i < plan->n_steps; i++) {
        cJSON *names = cJSON_CreateArray();
        struct preview p;

        if (!engine_preview(e, &plan->steps[i], &p, add_name, names)) {
            cJSON_Delete(names);
            continue;
        }
        cJSON *live = cJSON_AddObjectToObject(cJSON_GetArrayItem(steps, (int)i), "live");

        (void)cJSON_AddBoolToObject(live, "is_read", p.is_read);
        (void)cJSON_AddNumberToObject(live, "age_ms", (double)p.age_ms);
        (void)cJSON_AddNumberToObject(live, "moved", p.moved);
        (void)cJSON_AddNumberToObject(live, "there", p.there);
        (void)cJSON_AddNumberToObject(live, "batches", p.batches);
        (void)cJSON_AddNumberToObject(live, "requests", p.requests);
        (void)cJSON_AddNumberToObject(live, "elements_most", p.elements);
        (void)cJSON_AddNumberToObject(live, "characters_most", p.characters);
        (void)cJSON_AddNumberToObject(live, "submit_ms", (double)p.submit_ms);
        (void)cJSON_AddNumberToObject(live, "settle_ms", (double)p.settle_ms);
        (void)cJSON_AddNumberToObject(live, "cache_ms", (double)p.cache_ms);
        views_add_text(live, "refusal", p.refusal);
        add_zones(live, &p);
        (void)cJSON_AddItemToObject(live, "names", names);
    }
}
