/* dnsflip/lab/site.h -- the folder of one lab: its addresses and ports, and the files that a person
 * would have written. */
#ifndef DNSFLIP_LAB_SITE_H
#define DNSFLIP_LAB_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/inet.h"
#include "dnsflip/model/limits.h"

#define SITE_ZONE "dr.example.test"
#define SITE_DOMAIN "airflow." SITE_ZONE
#define SITE_GROUP "prod"
#define SITE_DEPLOYMENTS 80
#define SITE_DEPLOYMENTS_MAX 1000
#define SITE_CLASSES 3 /* hostnames of a Deployment: UI, API, Remote Execution API */
#define SITE_DIR_BYTES 96

/* The processes that stand in for what is outside. */
enum site_place {
    SITE_USE1 = 0,
    SITE_USW2,
    SITE_DATABASE,  /* neither cluster's: the proof of a promotion; the first reference */
    SITE_ELSEWHERE, /* the second reference */
};
#define SITE_PLACES (SITE_ELSEWHERE + 1)

struct site {
    char dir[SITE_DIR_BYTES]; /* absolute */
    bool is_temporary;        /* made by site_make: removed at the end */
    unsigned deployments;
    struct inet_addr places[SITE_PLACES];
    int listen_fds[SITE_PLACES]; /* -1 = none */
    struct inet_addr dns, http;
};

const char *site_place_name(enum site_place place); /* "use1" ... */

/* Makes the folder (dir NULL: a fresh one among the temporary files), takes the ports, listens. */
__attribute__((warn_unused_result)) int site_make(struct site *site, const char *dir,
                                                  unsigned deployments, struct err *err);

/* Writes dnsflip.yaml and static.zone. program: of the hooks. */
__attribute__((warn_unused_result)) int site_write(const struct site *site, const char *program,
                                                   struct err *err);

/* Removes a temporary folder with all that is in it. */
void site_remove(const struct site *site);

/* DIR/name.  Returns out. */
const char *site_path(const char *dir, const char *name, char out[static PATH_BYTES]);

/* The folder of the one lab of this user that runs now.  Fails if there is none, or several. */
__attribute__((warn_unused_result)) int site_find(char out[static SITE_DIR_BYTES], struct err *err);

/* Hostname i of deployments * SITE_CLASSES.  Returns out. */
const char *site_hostname(size_t i, char out[static HOSTNAME_BYTES]);

#endif
