/* dnsflip/judge_state.h -- the judge's own state, shared by judge*.c only. */
#ifndef DNSFLIP_JUDGE_STATE_H
#define DNSFLIP_JUDGE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/ctl/judge_ops.h"
#include "dnsflip/engine/engine.h"
#include "dnsflip/io/io.h"
#include "dnsflip/link.h"

struct counters;
struct ctl_server;
struct hooks;
struct http_server;
struct journal;
struct ledger;
struct page;
struct provider;
struct secondaries;
struct secret;
struct view;

#define JUDGE_LINK_MS 10000         /* the supervisor answers within this, or it is broken */
#define JUDGE_RELOAD_MS INT64_C(50) /* between two looks whether a reload may be finished */

/* A view and the page that goes with it. */
struct judge_pair {
    int view_fd, page_fd;     /* owned, -1 = none */
    int secrets_fd;           /* owned, -1 = none: there are no keys */
    const struct view *view;  /* owned */
    const struct page *words; /* owned */
    struct page *page;        /* the same, writable: NULL unless this judge made it */
    uint64_t generation;      /* 0 = none */
    uint32_t serial;
};

/* One configuration with everything made from it. */
struct judge_site {
    struct settings *settings;   /* owned */
    struct provider **providers; /* owned, each too; settings->n_providers */
    struct judge_pair pair;
    uint32_t *other_groups; /* owned, while a hand-over lasts: see struct local_pages */
    uint8_t *other_index;
};

struct judge {
    const char *config_path;
    struct loop *loop;
    struct loop_fd *link_watch;
    struct io io;
    struct journal *journal;
    struct ledger *ledger;
    struct hooks *hooks;
    struct secondaries *secondaries;
    struct engine *engine;
    struct ctl_server *ctl;
    struct http_server *http;
    struct secret *http_token;
    struct judge_ops ops;
    int control_fd, http_fd;         /* owned, -1 = none */
    const struct counters *counters; /* of the running face, NULL = none */
    struct judge_site site;          /* in use */
    struct judge_site next;          /* of a reload under way; settings NULL = none */
    struct judge_site retired;       /* the one before: calls of its last turn may still end */
    bool is_next_adopted;            /* the face serves next; the engine follows when it may */
    struct loop_timer *reload_timer;
    struct reload_report last_reload;
    struct buf reload_text;
    void (*reload_done)(void *arg, int exit, const char *text);
    void *reload_arg;
    void (*upgrade_done)(void *arg, int exit, const char *text);
    void *upgrade_arg;
    uint32_t upgrades; /* since the service was started */
    /* what the last awaited message brought */
    struct link_message reply;
    int reply_fds[FDPASS_FDS_MAX];
    size_t n_reply_fds;
    bool is_ready; /* LINK_READY was sent */
    bool is_stopping;
    struct loop_timer *stop_timer; /* the disk may hang: then without the last entry */
    int exit;                      /* the program's exit code */
};

/* ---- judge_link.c: the supervisor's messages ----------------------------------------------------
 */
__attribute__((warn_unused_result)) int
judge_link_send(const struct link_message *m, const int fds[], size_t n_fds, struct err *err);
/* Waits for a message of that kind; others are obeyed on the way.  LINK_ERROR fails. */
__attribute__((warn_unused_result)) int judge_link_await(struct judge *j, enum link_kind kind,
                                                         struct err *err);
void judge_link_watch(struct judge *j);
/* Records what it must, then ends the loop. */
void judge_link_stop(struct judge *j);
/* Binds all that settings want; DNS sockets stay with the supervisor. */
__attribute__((warn_unused_result)) int judge_link_bind(struct judge *j, const struct settings *s,
                                                        struct err *err);

/* ---- judge_pair.c: views and pages --------------------------------------------------------------
 */
void judge_pair_drop(struct judge_pair *pair);
/* What has nothing yet to drop. */
#define JUDGE_PAIR_NONE ((struct judge_pair){ .view_fd = -1, .page_fd = -1, .secrets_fd = -1 })
/* The pair that the supervisor kept from an earlier judge, read-only; none if it is unusable.
 * Takes the descriptors over; secrets_fd -1 = it has none. */
void judge_pair_keep(struct judge_pair *pair, int view_fd, int page_fd, int secrets_fd);
/* A new pair of settings, its page filled with what is served now (kept), else the journal. */
__attribute__((warn_unused_result)) int judge_pair_make(const struct settings *s,
                                                        const struct ledger *ledger,
                                                        const struct judge_pair *kept,
                                                        struct judge_pair *out, struct err *err);
__attribute__((warn_unused_result)) int judge_pair_send(const struct judge_pair *pair,
                                                        struct err *err);

/* ---- judge_site.c: a configuration and what is made from it -------------------------------------
 */
void judge_site_drop(struct judge_site *site);
__attribute__((warn_unused_result)) int judge_site_open(struct judge *j, struct judge_site *site,
                                                        struct err *err);
/* Its providers write its own page and, with other not NULL, that one's too. */
void judge_site_wire(const struct judge *j, struct judge_site *site,
                     const struct judge_site *other);
void judge_site_counters(struct judge_site *site, const struct counters *counters);
/* All problems of a file in out, one a line; warnings are logged. */
__attribute__((warn_unused_result)) int judge_site_load(const char *path, struct settings **out,
                                                        struct buf *problems);

/* ---- judge_reload.c
 * ------------------------------------------------------------------------------- */
void judge_reload(void *judge, const char *actor,
                  void (*done)(void *arg, int exit, const char *text), void *arg);
void judge_reload_adopted(struct judge *j, uint64_t generation);
void judge_reload_failed(struct judge *j, uint64_t generation, const char *text);

/* ---- judge_upgrade.c
 * ------------------------------------------------------------------------------ */
void judge_upgrade(void *judge, const char *actor,
                   void (*done)(void *arg, int exit, const char *text), void *arg);
/* version may take over: stops, or says why not. */
void judge_upgrade_leave(struct judge *j, const char *version);
/* It will not; fds: a file with the reason. */
void judge_upgrade_refused(struct judge *j, const int fds[], size_t n_fds);

/* ---- judge_http.c
 * --------------------------------------------------------------------------------- */
__attribute__((warn_unused_result)) int judge_http_start(struct judge *j, struct err *err);
void judge_http_face(const void *judge, struct judge_face *out);

#endif
