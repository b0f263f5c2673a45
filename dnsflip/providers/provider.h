/* dnsflip/providers/provider.h -- a way to move names: one small const vtable per kind.
 * Async contract: done runs exactly once, never before the call returned, unless cancelled. */
#ifndef DNSFLIP_PROVIDERS_PROVIDER_H
#define DNSFLIP_PROVIDERS_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/inet.h"
#include "dnsflip/model/plan.h"
#include "dnsflip/model/preview.h"
#include "dnsflip/model/settings.h"

struct io;
struct provider;
struct provider_call;

#define PROVIDER_TOKEN_BYTES OPERATION_TOKEN_BYTES
#define PROVIDER_SERVERS_MAX (LISTENS_MAX + SECONDARIES_MAX)

/* Which cluster the live records of a group belong to. */
enum live_status {
    LIVE_UNREADABLE = 0, /* err says why: the journal is believed, automatic writes are vetoed */
    LIVE_ABSENT,         /* no records there at all */
    LIVE_ONE,            /* every name answers with the cluster at place */
    LIVE_MIXED,          /* some here, some there, or with what no cluster has */
    LIVE_OVERTAKEN,      /* our own answers are place's, but a copy of the records that is newer
                            than ours says otherwise: err tells */
};

struct live {
    enum live_status status;
    int8_t place;                 /* LIVE_ONE, LIVE_OVERTAKEN */
    uint32_t epoch;               /* newest seen; 0 = the provider keeps none */
    uint32_t names[CLUSTERS_MAX]; /* LIVE_MIXED: how many names per place */
    uint32_t strange;             /* LIVE_MIXED: names with other records */
    char foreign[ERR_TEXT_BYTES]; /* who else says that a record is his; "" = nobody */
    struct err err; /* LIVE_UNREADABLE, LIVE_OVERTAKEN: why; else where it is known from, or "" */
};

enum found { FOUND_APPLIED = 0, FOUND_PARTIAL, FOUND_NOT_APPLIED, FOUND_OTHER, FOUND_UNREADABLE };

typedef void provider_read_done(void *arg, const struct live *live);
/* token: what settle needs to know the changes again; journalled.  err NULL on success.  err with a
 * token: the step was applied in part, or may have been; err without: nothing was changed, and with
 * ERR_CONFLICT the records are not what the step expects. */
typedef void provider_submit_done(void *arg, const char *token, const struct err *err);
typedef void provider_settle_done(void *arg, const struct err *err); /* NULL: settled */
typedef void provider_find_done(void *arg, enum found found, const char *detail);

/* What happens to a group's names when dnsflip is dead, for people. */
struct silence {
    bool moves_traffic;
    char text[REASON_TEXT_BYTES];
};

struct provider_ops {
    const char *kind;
    /* NULL or what is wrong with it. */
    const char *(*problem)(const struct provider_cfg *cfg);
    /* settings and the index of the provider in it are borrowed until close. */
    int (*open)(const struct settings *settings, unsigned index, struct io *io,
                struct provider **out, struct err *err);
    /* believed: the place that should be there, -1 = not known: the text of live.err names the
     * first record that is otherwise. */
    struct provider_call *(*read)(struct provider *p, uint32_t group, int8_t believed,
                                  provider_read_done *done, void *arg);
    /* PURE: appends the steps that carry changes[0..n) to plan. */
    int (*plan)(const struct settings *settings, unsigned index,
                const struct target_change changes[], size_t n, struct plan *plan, struct err *err);
    /* PURE: where traffic goes if we are dead. */
    void (*silence)(const struct settings *settings, unsigned index, uint32_t group,
                    struct silence *out);
    /* PURE: the servers verification asks, out[PROVIDER_SERVERS_MAX]; returns how many. */
    size_t (*servers)(const struct settings *settings, unsigned index, struct inet_addr out[]);
    /* The servers to ask about name, learned since open, where the settings name none; out as
     * above. NULL: there are none but those of the settings. */
    size_t (*learned)(const struct provider *p, const char *name, struct inet_addr out[]);
    /* The change may be made before this returns; done tells. */
    struct provider_call *(*submit)(struct provider *p, const struct step *step,
                                    provider_submit_done *done, void *arg);
    struct provider_call *(*settle)(struct provider *p, const struct step *step, const char *token,
                                    provider_settle_done *done, void *arg);
    struct provider_call *(*find)(struct provider *p, const struct step *step,
                                  provider_find_done *done, void *arg);
    /* NULL: the settings say all there is to say. */
    void (*preview)(struct provider *p, const struct step *step, struct preview *out,
                    preview_look *each, void *arg);
    void (*cancel)(struct provider_call *call);
    void (*close)(struct provider *p);
    /* PURE: how often others may change the live records unseen; NULL = nobody else can. */
    int64_t (*refresh_ms)(const struct provider_cfg *cfg);
    int64_t submit_ms, settle_ms; /* deadlines of submit and settle */
};

struct provider {
    const struct provider_ops *ops;
};

struct provider_call {
    const struct provider_ops *ops;
};

extern const struct provider_ops provider_local;
extern const struct provider_ops provider_beacon;
extern const struct provider_ops provider_route53;
extern const struct provider_ops provider_arc;

/* All kinds, ended by NULL. */
extern const struct provider_ops *const provider_kinds[];

/* For plan: appends a step of the provider that moves n names as the plan says, without its texts;
 * the plan's.  NULL: ERR_LIMIT. */
struct step *provider_add_step(unsigned index, size_t n, struct plan *plan, struct err *err);

/* The kind of that name, or NULL. */
const struct provider_ops *provider_find(const char *kind);

#endif
