/* dnsflip/supervisor_state.h -- what supervisor.c (deaths, stops, the loop), supervisor_messages.c
 * (what the other two say and are told), supervisor_upgrade.c (another program is to take over) and
 * supervisor_take_over.c (this one takes over) share. */
#ifndef DNSFLIP_SUPERVISOR_STATE_H
#define DNSFLIP_SUPERVISOR_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/link.h"
#include "dnsflip/supervisor.h"
#include "dnsflip/supervisor_child.h"
#include "dnsflip/supervisor_formats.h"
#include "dnsflip/supervisor_hand_over.h"
#include "dnsflip/supervisor_notify.h"
#include "dnsflip/supervisor_pulse.h"
#include "dnsflip/supervisor_sockets.h"

#define SUPERVISOR_OFFER_TRIES                                                                     \
    2 /* faces that may die over a pair: the first may have had bad luck */

struct supervisor_pair {
    int fds[LINK_PAIR_FDS_MAX]; /* owned, n_fds in use: view, page, secrets */
    size_t n_fds;
    uint64_t generation; /* 0 = there is none */
};

enum supervisor_stage {
    STAGE_FIRST_START, /* until LINK_READY: a judge that dies ends the program */
    STAGE_RUN,
    STAGE_STOP_JUDGE, /* asked to stop; the face goes on answering */
    STAGE_STOP_FACE,
    STAGE_DONE,
};

enum supervisor_upgrade_stage {
    UPGRADE_NONE = 0,
    UPGRADE_CHECK_FACE, /* the new face is asked which formats it knows */
    UPGRADE_CHECK_MAIN, /* the new program too, and whether it could start here */
    UPGRADE_STOP_JUDGE, /* it is asked to leave; then the new program is executed */
};

struct supervisor_upgrade {
    enum supervisor_upgrade_stage stage;
    bool is_judges; /* the judge asked, and waits for the outcome */
    struct supervisor_program main, face;
    struct supervisor_formats main_formats, face_formats;
    struct supervisor_child checker;
    int report;         /* owned: what the checker prints; -1 = none */
    struct mono due_at; /* when patience with this stage ends */
};

/* After an upgrade: the face of before answers until the new one has a pair. */
struct supervisor_take_over {
    struct supervisor_child leaver;    /* the face of before; pid 0 = there is none (any more) */
    bool is_leaver_told;               /* the new face has a pair and the sockets */
    bool is_kept_refused;              /* by the new face: the new judge makes another pair first */
    uint64_t adopted;                  /* told to the judge when the leaver is gone; 0 = none */
    struct supervisor_programs before; /* owned: to go back to; -1 = no way back */
    struct mono due_at;                /* when patience with the face, or its leaver, ends */
};

struct supervisor {
    const struct supervisor_options *options;
    struct supervisor_formats formats; /* of this program */
    char path[PATH_MAX];               /* where it is installed */
    uint64_t count;                    /* upgrades since the service was started */
    struct supervisor_upgrade upgrade;
    struct supervisor_take_over take_over;
    enum supervisor_stage stage;
    struct mono kill_at; /* in the stop stages: when patience ends */
    int exit_code;
    int signals; /* owned: signalfd */
    struct supervisor_program judge_program, face_program;
    struct supervisor_child judge, face;
    struct supervisor_sockets sockets;
    uint64_t face_changes;           /* the sockets.changes that the face has */
    struct supervisor_pair kept;     /* the face answers with it, or will as soon as it is back */
    struct supervisor_pair offered;  /* the judge's newest; neither adopted nor refused yet */
    unsigned offer_deaths;           /* faces that died before they had adopted it */
    bool is_judge_greeted;           /* the judge that runs now has been told what is kept */
    bool is_kept_asked;              /* a judge said hello and has to wait for that */
    int counters;                    /* owned: the face's; -1 = none yet */
    struct supervisor_pulse pulse;   /* the face's */
    struct mono tick;                /* when its pulse is felt next */
    struct supervisor_notify notify; /* the service manager */
    bool is_manager_untold;          /* of the newest news */
    bool is_reloading;               /* SIGHUP came, LINK_RELOADED not yet */
    char reload_refusal[LINK_TEXT_BYTES]; /* of the last reload; empty = it was none */
};

/* To the judge.  One that is dead or does not read misses it: its next start begins with HELLO. */
void supervisor_tell_judge(struct supervisor *s, const struct link_message *m, const int fds[],
                           size_t n_fds);

/* The pair on offer will not be adopted, for the reason in text: says so to the judge.  Nothing if
 * there is none. */
void supervisor_withdraw_offer(struct supervisor *s, const char *text);

/* Sends the sockets to the face, if it runs, has not got them yet, and owns them. */
void supervisor_send_sockets(struct supervisor *s);

/* Starts the face with the sockets and the pairs at hand, or sets when to try again. */
void supervisor_start_face(struct supervisor *s, struct mono now);

/* Sends LINK_STOP to the face, which runs. */
void supervisor_stop_face(struct supervisor *s);

/* Tells the judge that every thread of the face has passed its quiet point on a pair. */
void supervisor_tell_adopted(struct supervisor *s, uint64_t generation);
/* Finds out who is to be told how the service is; once a turn feels the face's pulse when that is
 * due and tells the news.  Returns the milliseconds until it is due again. */
__attribute__((warn_unused_result)) int supervisor_watch_open(struct supervisor *s,
                                                              struct err *err);
int64_t supervisor_watch(struct supervisor *s, struct mono now);

/* Carries out what c, the judge or the face, has sent.  At its end, or if it talks nonsense, c is
 * killed; SIGCHLD follows. */
void supervisor_hear(struct supervisor *s, struct supervisor_child *c, struct mono now);

/* ---- supervisor_upgrade.c ------------------------------------------------------------------- */

/* Somebody wants the installed program to take over; is_judges: the judge did, and is told. */
void supervisor_upgrade_begin(struct supervisor *s, bool is_judges, struct mono now);

/* The checker has been waited for. */
void supervisor_upgrade_checked(struct supervisor *s, int status, struct mono now);

/* The upgrade under way, if any, will not be, for the reason in text: says so. */
void supervisor_upgrade_refuse(struct supervisor *s, const char *text);

/* Goes on as far as it may, and that is where this program may end.  Returns in how many
 * milliseconds to ask again; INT32_MAX: when something happens. */
int64_t supervisor_upgrade_due(struct supervisor *s, struct mono now);

/* Executes next in the place of this process: returns only if that fails.  before: the programs to
 * go back to. */
void supervisor_execute(struct supervisor *s, const struct supervisor_programs *next,
                        const struct supervisor_programs *before, struct err *err);

/* ---- supervisor_take_over.c ----------------------------------------------------------------- */

/* Whether no judge may run now: one face answers, and it is not yet known which. */
bool supervisor_holds_judge(const struct supervisor *s);

/* Whether the sockets are still the face's of before. */
bool supervisor_holds_sockets(const struct supervisor *s);

/* Takes over what another program left: 1 if there is something, 0 if not, -1 on failure. */
__attribute__((warn_unused_result)) int supervisor_take_over(struct supervisor *s, struct mono now,
                                                             struct err *err);

/* The new face has a pair: it gets the sockets, and the one of before is told to leave. */
void supervisor_take_over_adopted(struct supervisor *s, struct mono now);

/* The face of before has been waited for. */
void supervisor_take_over_left(struct supervisor *s, int status);

/* As supervisor_upgrade_due. */
int64_t supervisor_take_over_due(struct supervisor *s, struct mono now);

#endif
