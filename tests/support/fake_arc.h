/* tests/support/fake_arc.h -- io/aws with an ARC cluster of five endpoints behind it, which fail as
 * they are told, and a loop of one timer.  Nothing is answered before fake_arc_answer_all. */
#ifndef TESTS_SUPPORT_FAKE_ARC_H
#define TESTS_SUPPORT_FAKE_ARC_H

#include <stdbool.h>

#include "dnsflip/io/aws.h"
#include "dnsflip/model/limits.h"

#define FAKE_ARC_CONTROLS 3
#define FAKE_ARC_ASKED_MAX 64

enum endpoint_mood {
    MOOD_WELL = 0,
    MOOD_DOWN,        /* nothing reaches it */
    MOOD_UNAVAILABLE, /* EndpointTemporarilyUnavailableException */
    MOOD_DEAF_AFTER,  /* takes a change and dies before it answers */
    MOOD_LOST_AFTER,  /* so too, and nothing reaches it from then on */
    MOOD_BABBLING,    /* answers what is not JSON */
    MOOD_REFUSES,     /* a safety rule refuses every change */
    MOOD_DENIES,      /* no permission */
};

struct fake_arc {
    enum endpoint_mood moods[ARC_ENDPOINTS_MAX];
    bool is_on[FAKE_ARC_CONTROLS];
    unsigned lag;       /* so many states are read as they were before the last change */
    unsigned n_updates; /* transactions that were carried out */
    unsigned asked[FAKE_ARC_ASKED_MAX]; /* which endpoint, question by question */
    unsigned n_asked;
    struct aws_call *pending; /* NULL = none */
};
extern struct fake_arc fake_arc;

extern const char *const fake_arc_arns[FAKE_ARC_CONTROLS];

/* Answers what is asked until nothing is. */
void fake_arc_answer_all(void);

/* Lets the timer's time pass; false if it is not set. */
bool fake_arc_fire(void);

#endif
