/* dnsflip/lab/pages.h -- what an Airflow-shaped cluster answers to a path: UI, API and Remote
 * Execution API of Airflow 3, all healthy, or not.  Pure. */
#ifndef DNSFLIP_LAB_PAGES_H
#define DNSFLIP_LAB_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "dnsflip/base/wall.h"
#include "dnsflip/model/limits.h"

#define PAGES_BODY_BYTES 1024

struct pages_state {
    bool has_scheduler; /* one lives: a cluster that was not promoted has none */
    bool is_unhealthy;  /* the metadata database is lost; the HTTP status stays 200 all the same */
    char primary[NAME_BYTES]; /* of a database: the cluster that it takes writes from; "" = none */
};

struct pages_reply {
    int status;               /* 200, 404, 500 */
    const char *content_type; /* static */
    char body[PAGES_BODY_BYTES];
};

/* path: as sent, a query may follow.  now: of the heartbeats. */
void pages_answer(const struct pages_state *state, const char *path, struct wall now,
                  struct pages_reply *out);

/* The words behind a status code. */
const char *pages_status_text(int status);

#endif
