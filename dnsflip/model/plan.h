/* dnsflip/model/plan.h -- stage 5's output: what one move of one group changes, step by step. */
#ifndef DNSFLIP_MODEL_PLAN_H
#define DNSFLIP_MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/model/decision.h"
#include "dnsflip/model/target.h"

/* One hostname's records, before and after.  Pointers are borrowed from the settings. */
struct target_change {
    uint32_t hostname; /* index into group.hostnames */
    const struct target *before, *after;
    bool loses_a, loses_aaaa; /* a family that the destination lacks: withdrawn in the same step */
};

#define STEPS_MAX 64
#define STEP_TEXT_BYTES 160

/* One call to one provider. For "local": one store of one word.  A plain value. */
struct step {
    uint8_t provider;              /* index into settings.providers */
    uint32_t group;                /* index into settings.groups */
    uint8_t from, to;              /* places in the group's order */
    uint32_t epoch;                /* after the step */
    bool takes_foreign;            /* OVERRIDE_FOREIGN_OWNER */
    uint32_t first, n;             /* which of the plan's changes it carries */
    char text[STEP_TEXT_BYTES];    /* for people */
    char inverse[STEP_TEXT_BYTES]; /* what would undo it, for people */
};

struct plan {
    enum verb verb;
    uint32_t group;  /* index into settings.groups */
    int8_t from, to; /* places in the group's order */
    struct step steps[STEPS_MAX];
    uint8_t n_steps;
    uint32_t n_names; /* changes */
    int64_t apply_ms; /* expected, all steps */
    struct guard_result guards[GUARD_RULES];
};

#endif
