/* dnsflip/engine/switcher_record.c -- what the journal gets of an operation: the intent before the
 * first effect, each hook before it begins, each change when it is acknowledged, the outcome. */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/switcher_state.h"

static struct journal_entry entry_of(const struct switcher *s, enum entry_kind kind)
{
    struct journal_entry entry = { .kind = kind,
                                   .verb = s->op.verb,
                                   .state = s->op.state,
                                   .epoch = s->op.epoch,
                                   .step = s->op.step,
                                   .is_forced = s->op.is_forced };

    str_copy(entry.group, sizeof(entry.group), s->op.group);
    str_copy(entry.operation, sizeof(entry.operation), s->op.id);
    str_copy(entry.from, sizeof(entry.from), s->op.from);
    str_copy(entry.to, sizeof(entry.to), s->op.to);
    /* Any of them may have to stand for an intent that a failing disk lost. */
    str_copy(entry.configuration, sizeof(entry.configuration), s->op.configuration);
    return entry;
}

void switcher_add_detail(struct switcher *s, const char *detail)
{
    size_t len = strlen(s->op.detail);

    str_format(s->op.detail + len, sizeof(s->op.detail) - len, "%s%s", len > 0 ? ": " : "", detail);
}

/* An operation that goes on without the journal is kept in the overflow file, step by step.  Behind
 * an intent that may still land in the journal the rest follows there too; one that is lost there
 * comes back with all that belongs to it when the overflow file is merged. */
static void record(struct switcher *s, struct journal_entry *entry, engine_recorded *done,
                   void *arg)
{
    if (s->op.is_forced)
        engine_record_forced(s->engine, entry, s->intent != NULL || s->is_intent_durable, done,
                             arg);
    else
        engine_record(s->engine, entry, true, done, arg);
}

/* The intent may come back after the operation was refused for coming too late: the group stays
 * locked until what lies on the disk ends with its refusal. */
static void on_intent(void *arg, bool ok, const struct err *err)
{
    struct switcher_wait *wait = arg;
    struct switcher *s = wait->switcher;

    if (wait->ending != NULL)
        switcher_ending_intent(wait->ending, ok);
    mem_free(wait);
    if (s == NULL)
        return;
    s->intent = NULL;
    s->is_intent_durable = ok;
    switcher_event(s, ok ? OP_EVENT_DURABLE : OP_EVENT_NOT_DURABLE, ok ? NULL : err->text);
}

static struct journal_entry intent_of(const struct switcher *s)
{
    struct journal_entry entry = entry_of(s, ENTRY_INTENT);

    entry.names = s->op.n_names;
    entry.step = s->op.n_steps;
    entry.until = s->op.expires;
    entry.overrides = s->op.overrides;
    entry.has_fence = s->op.has_fence;
    entry.has_hook = s->op.has_hook;
    entry.has_proof = s->op.has_proof;
    str_copy(entry.actor, sizeof(entry.actor), s->op.actor);
    str_copy(entry.reason, sizeof(entry.reason), s->op.reason);
    str_copy(entry.request_id, sizeof(entry.request_id), s->op.request_id);
    str_copy(entry.request_digest, sizeof(entry.request_digest), s->request_digest);
    return entry;
}

void switcher_record_intent(struct switcher *s, const char *request_digest)
{
    struct journal_entry entry;

    str_copy(s->request_digest, sizeof(s->request_digest), request_digest);
    entry = intent_of(s);
    switcher_ending_drop(s->group);
    s->intent = mem_zalloc(sizeof(*s->intent));
    *s->intent = (struct switcher_wait){ .switcher = s, .state = s->op.state };
    engine_record(s->engine, &entry, true, on_intent, s->intent);
}

static void on_forced(void *arg, bool ok, const struct err *err)
{
    struct switcher_wait *wait = arg;
    struct switcher *s = wait->switcher;

    if (wait->ending != NULL)
        switcher_ending_forced(wait->ending, ok);
    mem_free(wait);
    if (s == NULL)
        return;
    s->forced = NULL;
    s->is_forced_durable = ok;
    /* The journal may have been quicker after all. */
    if (s->op.state != OP_RECORDING)
        return;
    if (!ok)
        s->op.overrides &= ~OVERRIDE_DURABILITY;
    switcher_event(s, OP_EVENT_NOT_DURABLE, ok ? NULL : err->text);
}

void switcher_record_overflow(struct switcher *s)
{
    struct journal_entry entry = intent_of(s);

    entry.is_forced = true;
    entry.time = s->op.started;
    s->has_tried_overflow = true;
    s->forced = mem_zalloc(sizeof(*s->forced));
    *s->forced = (struct switcher_wait){ .switcher = s, .state = s->op.state };
    engine_record_overflow(s->engine, &entry, on_forced, s->forced);
}

void switcher_record_step(struct switcher *s, const char *detail, engine_recorded *done, void *arg)
{
    struct journal_entry entry = entry_of(s, ENTRY_STEP);

    /* An ended operation's last step was reached while it still ran. */
    if (op_state_is_ended(entry.state))
        entry.state = OP_SUBMITTING;
    str_copy(entry.detail, sizeof(entry.detail), detail);
    str_copy(entry.token, sizeof(entry.token), s->op.token);
    record(s, &entry, done, arg);
}

/* A failover leaves a cluster that must not come back by itself; automatic moves are failovers. The
 * overflow file does without: what says that it moved says so. */
static void record_fence(struct switcher *s)
{
    struct journal_entry entry = entry_of(s, ENTRY_FENCE);

    if (s->op.verb != VERB_FAILOVER && s->op.verb != VERB_AUTO)
        return;
    entry.from[0] = '\0';
    str_copy(entry.to, sizeof(entry.to), s->op.from);
    engine_record(s->engine, &entry, true, NULL, NULL);
}

void switcher_record_progress(struct switcher *s, const struct operation *before)
{
    if (s->op.is_changed && !before->is_changed) {
        struct journal_entry entry = entry_of(s, ENTRY_MOVED);

        entry.names = s->op.n_names;
        str_copy(entry.token, sizeof(entry.token), s->op.token);
        record(s, &entry, NULL, NULL);
        record_fence(s);
        if (s->op.verb != VERB_RELOAD)
            engine_probe_promoted(s->engine, s->group, (unsigned)s->plan.to);
    } else if (s->op.step != before->step) {
        switcher_record_step(s, "", NULL, NULL);
    }
    if (s->op.state == OP_PARTIAL && before->state != OP_PARTIAL) {
        switcher_record_step(s, s->op.detail, NULL, NULL);
        engine_record_alarm(s->engine, s->op.group, "partial", s->op.detail);
    }
    if (s->op.settled.ms != 0 && before->settled.ms == 0) {
        struct journal_entry entry = entry_of(s, ENTRY_SETTLED);

        record(s, &entry, NULL, NULL);
    }
}

void switcher_record_outcome(struct switcher *s)
{
    bool is_refused = s->op.state == OP_REFUSED;
    struct journal_entry entry = entry_of(s, is_refused ? ENTRY_REFUSED : ENTRY_OUTCOME);

    entry.names = s->op.asked;
    entry.step = s->op.verified;
    str_copy(entry.detail, sizeof(entry.detail), s->op.detail);
    switcher_ending_start(s, &entry);
    if (s->op.state != OP_DONE && s->op.state != OP_SUPERSEDED)
        engine_record_alarm(s->engine, s->op.group, op_state_name(s->op.state), s->op.detail);
}
