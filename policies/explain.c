#include "policies/explain.h"

#include <string.h>

#include "dnsflip/base/str.h"

#define MS_PER_S 1000

static const char *name_of(const char *const names[], int8_t place)
{
    return place < 0 ? "no cluster" : names[place];
}

/* From one second on, parts of a second only distract. */
static const char *duration(int64_t ms, char out[static STR_DURATION_BYTES])
{
    if (ms == 0)
        return "0s";
    return str_format_duration(ms < MS_PER_S ? ms : ms - ms % MS_PER_S, out);
}

/* What is still missing is never shown as less than it is. */
static const char *remainder_of(int64_t ms, char out[static STR_DURATION_BYTES])
{
    return duration(ms < MS_PER_S ? ms : ms + MS_PER_S - 1, out);
}

/* The reasons that hold a number or a rule's words; false if reason is none of them. */
static bool explain_valued(const struct decision_reason *reason, const char *name, char *out)
{
    char text[STR_DURATION_BYTES];

    switch (reason->why) {
    case WHY_ACTIVE_DOWN:
        (void)str_format(out, EXPLAIN_BYTES, "%s is down, for %s so far", name,
                         duration(reason->value, text));
        return true;
    case WHY_MIN_OUTAGE:
        (void)str_format(out, EXPLAIN_BYTES, "%s must be down for another %s to reach min_outage",
                         name, remainder_of(reason->value, text));
        return true;
    case WHY_OUTAGE_LONG_ENOUGH:
        (void)str_format(out, EXPLAIN_BYTES, "%s has been down for %s, at least min_outage", name,
                         duration(reason->value, text));
        return true;
    case WHY_GUARD: {
        const struct guard_rule_info *info = guard_rule_info(reason->guard);

        (void)str_format(out, EXPLAIN_BYTES, "%s vetoes: %s", info->name, info->text);
        return true;
    }
    case WHY_ACTIVE_UP:
    case WHY_ACTIVE_UNKNOWN:
    case WHY_NO_DESTINATION:
    case WHY_BOTH_DOWN:
    case WHY_CANDIDATE_DOWN:
    case WHY_CANDIDATE_UNKNOWN:
    case WHY_CANDIDATE_FENCED:
    case WHY_CANDIDATE_CHOSEN:
    case WHY_MODE_OBSERVE:
    case WHY_MODE_ADVISE:
    case WHY_NOT_ADOPTED:
        break;
    }
    return false;
}

const char *explain_reason(const struct decision_reason *reason, const char *const names[],
                           char out[static EXPLAIN_BYTES])
{
    /* Behind the cluster's name, or the whole sentence of a reason that is about no cluster. */
    static const char *const plain[WHYS] = {
        [WHY_ACTIVE_UP] = " is up",
        [WHY_ACTIVE_UNKNOWN] = " may be up or down: not knowing moves nothing",
        [WHY_NO_DESTINATION] = "no other cluster is known to be up as a standby and not fenced",
        [WHY_BOTH_DOWN] = "every other cluster that is not fenced is down as well",
        [WHY_CANDIDATE_DOWN] = " is passed over: down as a standby",
        [WHY_CANDIDATE_UNKNOWN] = " is passed over: it is not known whether it is up as a standby",
        [WHY_CANDIDATE_FENCED] = " is passed over: fenced until an operator says rejoin",
        [WHY_CANDIDATE_CHOSEN] = " is the first in order that is up as a standby and not fenced",
        [WHY_MODE_OBSERVE] = "the group only observes",
        [WHY_MODE_ADVISE] = "the group only advises",
        [WHY_NOT_ADOPTED] = "the journal does not know which cluster is active: adopt the group",
    };
    const char *name = name_of(names, reason->cluster);

    if (!explain_valued(reason, name, out))
        (void)str_format(out, EXPLAIN_BYTES, "%s%s", reason->cluster < 0 ? "" : name,
                         plain[reason->why]);
    return out;
}

/* The reason that only the mode was in the way, or NULL. */
static const char *mode_text(const struct decision *d)
{
    for (uint8_t i = 0; i < d->n_reasons; i++) {
        if (d->reasons[i].why == WHY_MODE_OBSERVE)
            return "observes";
        if (d->reasons[i].why == WHY_MODE_ADVISE)
            return "advises";
    }
    return NULL;
}

const char *explain_decision(const struct decision *d, const char *const names[],
                             char out[static EXPLAIN_BYTES])
{
    const char *mode = mode_text(d);

    if (d->kind == DECISION_MOVE)
        (void)str_format(out, EXPLAIN_BYTES, "move %s -> %s", name_of(names, d->from),
                         name_of(names, d->to));
    else if (d->would_move && mode != NULL)
        (void)str_format(out, EXPLAIN_BYTES, "stay on %s (would move to %s, but the group only %s)",
                         name_of(names, d->from), name_of(names, d->to), mode);
    else
        (void)str_format(out, EXPLAIN_BYTES, "stay on %s", name_of(names, d->from));
    return out;
}

/* Behind the veto's words: the way out. */
static void explain_way_out(const struct guard_rule_info *info, bool is_auto, char *out)
{
    size_t len = strlen(out);
    const char *way = info->ended_by;

    if (info->may_override && !is_auto)
        (void)str_format(out + len, EXPLAIN_BYTES - len,
                         "; %s%slift it with --override %s --reason TEXT", way,
                         way[0] != '\0' ? ", or " : "", info->name);
    else if (way[0] != '\0')
        (void)str_format(out + len, EXPLAIN_BYTES - len, "; end it with %s", way);
}

const char *explain_guard(const struct guard_result *g, enum verb verb,
                          char out[static EXPLAIN_BYTES])
{
    const struct guard_rule_info *info = guard_rule_info(g->rule);
    const char *by = verb_name(verb);

    switch (g->effect) {
    case GUARD_NOT_ASKED:
        (void)str_format(out, EXPLAIN_BYTES, "%s has nothing against %s", info->name, by);
        break;
    case GUARD_WARN:
        (void)str_format(out, EXPLAIN_BYTES, "%s warns %s: %s", info->name, by, info->text);
        break;
    case GUARD_VETO:
        (void)str_format(out, EXPLAIN_BYTES, "%s %s %s: %s", info->name,
                         g->is_lifted ? "is overridden for" : "vetoes", by, info->text);
        if (!g->is_lifted)
            explain_way_out(info, verb == VERB_AUTO, out);
        break;
    }
    return out;
}

/* Appends one class; a class without endpoints has nothing to tell. */
static void explain_count(const char *name, const struct class_count *c, char *out)
{
    size_t len = strlen(out);

    if (c->n == 0)
        return;
    (void)str_format(out + len, EXPLAIN_BYTES - len, "%s%s %u of %u down", len > 0 ? ", " : "",
                     name, (unsigned)c->down, (unsigned)c->n);
    len = strlen(out);
    if (c->unknown > 0)
        (void)str_format(out + len, EXPLAIN_BYTES - len, ", %u unknown", (unsigned)c->unknown);
    len = strlen(out);
    (void)str_format(out + len, EXPLAIN_BYTES - len, " (limit %u)", (unsigned)c->threshold);
}

const char *explain_view(const struct cluster_view *v, char out[static EXPLAIN_BYTES])
{
    out[0] = '\0';
    for (int i = 0; i < ENDPOINT_CLASSES; i++)
        explain_count(endpoint_class_name((enum endpoint_class)i), &v->classes[i], out);
    explain_count("critical", &v->critical, out);
    if (out[0] == '\0')
        (void)str_copy(out, EXPLAIN_BYTES, "no endpoints");
    return out;
}
