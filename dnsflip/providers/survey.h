/* dnsflip/providers/survey.h -- which cluster do the names of a zone's groups answer with at one
 * name server?  Asked of a sample of each group's names, since one version of a zone moves a group
 * as a whole. */
#ifndef DNSFLIP_PROVIDERS_SURVEY_H
#define DNSFLIP_PROVIDERS_SURVEY_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/model/settings.h"

struct io;
struct survey;

#define SURVEY_UDP_MAX 100    /* names; more of them go over TCP: servers limit their UDP answers */
#define SURVEY_NAMES_MAX 32   /* of one group, spread over all of them */
#define SURVEY_TOTAL_MAX 4096 /* names of one survey; every group has at least one */
#define SURVEY_TIMEOUT_MS INT64_C(2000)

/* What one group's names say there. */
struct survey_group {
    uint32_t group;   /* index into settings.groups */
    uint32_t asked;   /* names */
    uint32_t unread;  /* ... that brought no answer */
    uint32_t absent;  /* ... that the server does not know: its zone is from before or after them */
    uint32_t strange; /* ... with what no cluster has */
    uint32_t names[CLUSTERS_MAX]; /* the others, by the first place that has what they answer */
    uint32_t places; /* bit p: all that were read and known answer as place p does; 0 = no place */
};

/* groups: those with names in the zone, in order; the callee's until it returns. */
typedef void survey_done(void *arg, const struct survey_group groups[], size_t n);

/* Asks server about the zone of settings->providers[provider]; done runs once, never before this
 * returns, unless cancelled.  settings and io are borrowed until then. */
struct survey *survey_start(struct io *io, const struct settings *settings, unsigned provider,
                            const struct inet_addr *server, survey_done *done, void *arg);
/* "answers usw2" and the like. */
void survey_words(const struct settings *settings, const struct survey_group *g, char *out,
                  size_t cap);
void survey_cancel(struct survey *survey); /* NULL does nothing */

#endif
