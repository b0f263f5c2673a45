/* dnsflip/providers/secondaries_state.h -- the secondaries' own state, shared by secondaries* only.
 */
#ifndef DNSFLIP_PROVIDERS_SECONDARIES_STATE_H
#define DNSFLIP_PROVIDERS_SECONDARIES_STATE_H

#include "dnsflip/base/mono.h"
#include "dnsflip/providers/notify_message.h"
#include "dnsflip/providers/secondaries.h"

struct dns_ask;
struct dns_exchange;
struct loop_timer;
struct survey;
struct survey_group;

struct secondary_zone {
    uint8_t provider;
    const char *name; /* borrowed from the settings */
    uint32_t serial;  /* as served; 0 = not looked at yet */
    bool is_unheard;  /* nobody has told its serial, and that matters: secondaries_unheard */
    uint32_t *groups; /* owned: whose epochs make the serial */
    uint32_t n_groups;
};

struct secondary {
    struct secondaries *all;
    struct secondary_zone *zone; /* borrowed */
    struct secondary_status status;
    bool is_lag_told; /* in the log */
    /* reading its SOA back */
    struct dns_ask *ask;           /* in flight, NULL = none */
    struct loop_timer *read_timer; /* owned */
    int64_t read_ms;               /* the last wait; 0 = read at once */
    /* what it answers while it is ahead */
    struct survey *survey;     /* in flight, NULL = none */
    struct survey_group *view; /* owned; NULL = not known, or of no interest */
    size_t n_view;
    uint32_t view_serial; /* of theirs that view, or the survey in flight, is of */
    bool is_rival;        /* some group answers otherwise than here */
    /* telling it */
    struct dns_exchange *exchange;   /* owned, NULL = no series is under way, or no way there */
    struct loop_timer *notify_timer; /* owned */
    unsigned tries;                  /* of the series under way */
    struct notify_message notify;
    const struct transfer_key *keys; /* borrowed from the settings; none: NOTIFY is not signed */
    size_t n_keys;
    size_t key_at;   /* the one that it answered to, or that is tried */
    bool has_source; /* it knows its primary by this address */
    struct inet_ip source;
};

struct secondary_note {
    uint32_t group;
    struct page_word word;
    struct live live;
};

struct secondaries {
    struct io *io;                   /* borrowed */
    const struct settings *settings; /* borrowed, NULL = none yet */
    const struct page *page;         /* borrowed */
    uint32_t view_serial;
    bool is_serving;
    bool is_all_told_anew;        /* by the next turn, whether a serial changed or not */
    struct secondary_zone *zones; /* owned */
    size_t n_zones;
    struct secondary *list; /* owned */
    size_t n;
    struct secondary_note *notes; /* owned */
    size_t n_notes;
    bool is_vetoed;                  /* by zones that are unheard */
    struct loop_timer *belief_timer; /* owned */
    struct loop_timer *change_timer; /* owned */
    secondaries_event *event;
    void *event_arg;
};

/* ---- secondaries.c --------------------------------------------------------------------------- */
/* Judges what it told last against the serial we have. */
void secondary_judge(struct secondary *x);
void secondary_set(struct secondary *x, enum secondary_state state);
void secondary_tell(const struct secondary *x, enum secondary_state was); /* the listener */

/* ---- secondaries_read.c ---------------------------------------------------------------------- */
void secondary_read_start(struct secondary *x);
void secondary_read_soon(struct secondary *x); /* our serial has changed: look at once, and often */
void secondary_read_stop(struct secondary *x);

/* ---- secondaries_truth.c --------------------------------------------------------------------- */
/* It told a serial: true if what it answers must be known before that can be judged; the judgement
 * comes then. */
bool secondary_survey(struct secondary *x);
void secondary_survey_drop(struct secondary *x);
void secondaries_truth_fini(struct secondaries *s);

/* ---- secondaries_notify.c -------------------------------------------------------------------- */
void secondary_notify_start(struct secondary *x); /* a new series, in the place of one under way */
void secondary_notify_stop(struct secondary *x);  /* it need not be told any more */
void secondary_notify_fini(struct secondary *x);
/* The address of ours by which a server knows its primary; false: the kernel's choice will do. */
bool secondary_source(const struct local_cfg *cfg, const struct inet_ip *server,
                      struct inet_ip *out);

#endif
