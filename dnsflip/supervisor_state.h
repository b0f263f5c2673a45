/* dnsflip/supervisor_state.h -- what supervisor.c (deaths, stops, the loop) and
 * supervisor_messages.c (what the other two say and are told) share. */
#ifndef DNSFLIP_SUPERVISOR_STATE_H
#define DNSFLIP_SUPERVISOR_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/link.h"
#include "dnsflip/supervisor_child.h"
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

struct supervisor {
    enum supervisor_stage stage;
    struct mono kill_at; /* in the stop stages: when patience ends */
    int exit_code;
    int signals; /* owned: signalfd */
    struct supervisor_program judge_program, face_program;
    struct supervisor_child judge, face;
    struct supervisor_sockets sockets;
    uint64_t face_changes;          /* the sockets.changes that the face has */
    struct supervisor_pair kept;    /* the face answers with it, or will as soon as it is back */
    struct supervisor_pair offered; /* the judge's newest; neither adopted nor refused yet */
    unsigned offer_deaths;          /* faces that died before they had adopted it */
    bool is_judge_greeted;          /* the judge that runs now has been told what is kept */
    bool is_kept_asked;             /* a judge said hello and has to wait for that */
    int counters;                   /* owned: the face's; -1 = none yet */
};

/* To the judge.  One that is dead or does not read misses it: its next start begins with HELLO. */
void supervisor_tell_judge(struct supervisor *s, const struct link_message *m, const int fds[],
                           size_t n_fds);

/* The pair on offer will not be adopted, for the reason in text: says so to the judge.  Nothing if
 * there is none. */
void supervisor_withdraw_offer(struct supervisor *s, const char *text);

/* Starts the face with the sockets and the pairs at hand, or sets when to try again. */
void supervisor_start_face(struct supervisor *s, struct mono now);

/* Sends LINK_STOP to the face, which runs. */
void supervisor_stop_face(struct supervisor *s);

/* Carries out what c, the judge or the face, has sent.  At its end, or if it talks nonsense, c is
 * killed; SIGCHLD follows. */
void supervisor_hear(struct supervisor *s, struct supervisor_child *c, struct mono now);

#endif
