/* dnsflip/judge_state.h -- the judge's own state, shared by judge*.c only. */
#ifndef DNSFLIP_JUDGE_STATE_H
#define DNSFLIP_JUDGE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/config/reload.h"
#include "dnsflip/ctl/judge_ops.h"
#include "dnsflip/engine/engine.h"
#include "dnsflip/io/io.h"
#include "dnsflip/kept_view.h"
#include "dnsflip/link.h"

struct counters;
struct ctl_server;
struct hooks;
struct judge_survey;
struct http_server;
struct journal;
struct kept_writer;
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
    int secrets_fd;           /* owned, -1 = none */
    const struct view *view;  /* owned */
    const struct page *words; /* owned */
    struct page *page;        /* the same, writable: NULL unless this judge made it */
    uint64_t generation;      /* 0 = none */
    uint32_t serial;
    uint32_t pinned; /* serial of the next one, which could pass one that nobody knows; 0 = free */
};

/* What a pair answers with although the settings in use would be rendered otherwise: a view's file,
 * borrowed; NULL = what the settings say. */
struct judge_answers {
    const void *bytes;
    size_t len;
};

/* One configuration with everything made from it. */
struct judge_site {
    struct settings *settings;   /* owned */
    struct provider **providers; /* owned, each too; settings->n_providers */
    struct judge_pair pair;
    uint32_t *other_groups; /* owned, while a hand-over lasts: see struct store_pages */
    uint8_t *other_index;
};

/* A reload under way: judge_reload.c and judge_accept.c. */
struct judge_reload {
    struct reload_request request;
    struct reload_adoption *adoptions; /* owned; those of request */
    reload_done *done;                 /* NULL = answered, or nobody waits */
    void *arg;
    size_t n_adopting; /* adoptions that are not durable yet, and one while they are begun */
    bool is_adoption_lost;
    uint32_t *by_group; /* owned; names that move, by group of the settings in use */
    /* what the engine asked for last, done in a turn of its own */
    struct loop_timer *timer;
    char configuration[SETTINGS_DIGEST_BYTES]; /* to be handed over, "" = nothing is */
    char dropped[REASON_TEXT_BYTES];           /* why nothing will be, "" = nothing was dropped */
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
    struct judge_survey *survey; /* owned; NULL but between its two halves */
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
    struct judge_reload reload;
    struct reload_report last_reload;
    struct buf reload_text;           /* of the last report */
    char accept[RELOAD_DIGEST_BYTES]; /* what it offers to accept, "" = nothing */
    const char *run_accept;           /* dnsflip run --accept, "" = not given */
    struct kept_writer *kept_writer;
    bool is_keep_failed; /* the last try to write state_dir/view */
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
                                                        const struct judge_answers *answers,
                                                        struct judge_pair *out, struct err *err);
/* That every adopted group of settings has the cluster that the journal says is active. */
__attribute__((warn_unused_result)) int
judge_pair_check(const struct settings *s, const struct ledger *ledger, struct err *err);
/* The cluster that a group's names answer with, NULL if the pair does not serve them. */
const char *judge_pair_cluster(const struct judge_pair *pair, const char *group);
/* Of the settings it was made of; false if it does not say. */
bool judge_pair_digest(const struct judge_pair *pair, char out[static SETTINGS_DIGEST_BYTES]);
__attribute__((warn_unused_result)) int judge_pair_send(const struct judge_pair *pair,
                                                        struct err *err);

/* ---- judge_survey.c: what the secondaries say before there is a pair ----------------------------
 */
/* Asks them; kept then says above which serial the next one must be, or that it must not leap. */
__attribute__((warn_unused_result)) int judge_survey(struct judge *j, struct judge_pair *kept,
                                                     struct err *err);
void judge_survey_apply(struct judge *j); /* once pair and engine are made, before it is sent */

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
void judge_reload(void *judge, const struct reload_request *request, reload_done *done, void *arg);
void judge_reload_signalled(struct judge *j); /* SIGHUP */
/* The end of the reload under way; text may be that of j->reload_text. */
void judge_reload_report(struct judge *j, int exit, const char *text);
void judge_reload_drop(struct judge *j, int exit, const char *text); /* ... and next is let go */
/* Puts the words of a difference that wants to be accepted in front of it. */
void judge_reload_describe(struct judge *j, const char *head,
                           const struct config_report *differences);
/* Next becomes what the face answers with; judge_reload_adopted or _failed comes later. */
__attribute__((warn_unused_result)) int judge_reload_hand_over(struct judge *j, struct err *err);
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

/* ---- judge_accept.c: a reload that moves names, as operations -----------------------------------
 */
/* Of a reload that loaded: begins what it needs, or its exit code with j->reload_text set. */
__attribute__((warn_unused_result)) int judge_accept(struct judge *j, size_t n_moves);
void judge_accept_hand_over(void *judge, const char *configuration); /* engine_deps */
void judge_accept_dropped(void *judge, const char *why);

/* ---- judge_truth.c: what was answered before, against the file ----------------------------------
 */
/* The configuration that this start runs with: the file, or the one before if a name would move.
 * answers then lie in kept (the caller's, whatever comes back) or in the surviving pair. */
__attribute__((warn_unused_result)) int
judge_truth_find(struct judge *j, const struct judge_pair *surviving, struct kept_view *kept,
                 struct judge_answers *answers, struct err *err);
void judge_truth_tell(struct judge *j); /* that a retarget is pending, once the engine exists */
void judge_truth_save(struct judge *j); /* the face answers with j->site */
__attribute__((warn_unused_result)) int judge_truth_start(struct judge *j, struct err *err);

/* ---- judge_http.c
 * --------------------------------------------------------------------------------- */
__attribute__((warn_unused_result)) int judge_http_start(struct judge *j, struct err *err);
void judge_http_face(const void *judge, struct judge_face *out);

#endif
