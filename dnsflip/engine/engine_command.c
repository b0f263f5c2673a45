/* dnsflip/engine/engine_command.c -- what operators and orchestrators ask for. */
#include <string.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/engine_state.h"
#include "dnsflip/engine/switcher.h"
#include "dnsflip/io/loop.h"

/* ---- answers ----------------------------------------------------------------------------------
 */

void engine_reply(command_done *done, void *arg, int exit, const char *fmt, ...)
{
    struct command_result result = { .exit = exit };
    struct buf text;
    va_list ap;

    buf_init(&text, sizeof(result.text) - 1);
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    str_copy(result.text, sizeof(result.text), buf_text(&text));
    buf_fini(&text);
    done(arg, &result);
}

/* An act that is nothing but its journal entry: it holds once that is durable. */
struct act {
    command_done *done;
    void *arg;
    struct engine *engine;
    uint32_t group; /* UINT32_MAX = none */
    char text[ERR_TEXT_BYTES];
};

static void on_act(void *arg, bool ok, const struct err *err)
{
    struct act act = *(struct act *)arg;

    mem_free(arg);
    if (act.group != UINT32_MAX && act.group < act.engine->n_groups)
        engine_decide_mark(act.engine, act.group);
    if (ok)
        engine_reply(act.done, act.arg, 0, "%s", act.text);
    else
        engine_reply(act.done, act.arg, EXIT_ERROR, "not done, the journal cannot be written: %s",
                     err->text);
}

/* Who asked for what, and under which request id. */
static void describe(struct journal_entry *entry, const struct command *c)
{
    str_copy(entry->group, sizeof(entry->group), c->group);
    str_copy(entry->actor, sizeof(entry->actor), c->actor);
    str_copy(entry->reason, sizeof(entry->reason), c->reason);
    str_copy(entry->request_id, sizeof(entry->request_id), c->request_id);
    str_copy(entry->request_digest, sizeof(entry->request_digest), c->request_digest);
}

static void act(struct engine *e, const struct command *c, struct journal_entry *entry,
                uint32_t group, command_done *done, void *arg, const char *text)
{
    struct act *a = mem_zalloc(sizeof(*a));

    *a = (struct act){ .done = done, .arg = arg, .engine = e, .group = group };
    str_copy(a->text, sizeof(a->text), text);
    describe(entry, c);
    engine_record(e, entry, false, on_act, a);
}

/* ---- adopting: from now on the names are served, as the operator says they are ------------------
 */

/* The group is locked, and so lives, until this is over: see engine_busy. */
struct adoption {
    command_done *done;
    void *arg;
    struct engine_group *group;
    int place;
    bool is_new; /* another cluster was active, or none */
    uint32_t epoch;
};

static const char *name_of(const struct engine_group *g)
{
    return g->engine->deps.settings->groups[g->index].name;
}

static void end_adoption(struct adoption *a)
{
    struct engine_group *g = a->group;

    g->is_adopting = false;
    engine_read_live(g->engine, g);
    engine_decide_mark(g->engine, g->index);
    mem_free(a);
}

static void on_published(void *arg, const char *token, const struct err *err)
{
    struct adoption *a = arg;

    (void)token;
    if (err != NULL)
        engine_reply(a->done, a->arg, EXIT_ERROR, "journalled, but not served yet: %s", err->text);
    else
        engine_reply(a->done, a->arg, 0, "group %s is adopted: %s is active", name_of(a->group),
                     engine_cluster_name(a->group->engine, a->group, a->place));
    end_adoption(a);
}

static void on_adopted(void *arg, bool ok, const struct err *err)
{
    struct adoption *a = arg;
    struct engine *e = a->group->engine;
    struct step step = { .provider = e->deps.settings->groups[a->group->index].providers[0],
                         .group = a->group->index,
                         .from = (uint8_t)a->place,
                         .to = (uint8_t)a->place,
                         .epoch = a->epoch };
    struct provider *p = e->deps.providers[step.provider];

    if (ok && a->is_new)
        engine_probe_promoted(e, a->group, (unsigned)a->place);
    if (ok) {
        (void)p->ops->submit(p, &step, on_published, a);
        return;
    }
    engine_reply(a->done, a->arg, EXIT_ERROR, "not done, the journal cannot be written: %s",
                 err->text);
    end_adoption(a);
}

/* Adopting says what is, it moves nothing: names that answer with another cluster are moved by a
 * switch, under its guards. */
static bool refuse_adoption(const struct engine *e, const struct engine_group *g,
                            const struct command *c, command_done *done, void *arg)
{
    int place = engine_cluster_place(e, g, c->cluster);

    if (place < 0) {
        engine_reply(done, arg, EXIT_ERROR, "group %s has no cluster %s", c->group, c->cluster);
        return true;
    }
    if (g->switcher != NULL || engine_decide_is_locked(g)) {
        engine_reply(done, arg, EXIT_VETO, "%s%s is running: wait for it or cancel it first",
                     g->switcher != NULL ? "operation " : "another act",
                     g->switcher != NULL ? switcher_operation(g->switcher)->id : "");
        return true;
    }
    if (!g->is_read || !e->may_move) {
        engine_reply(done, arg, EXIT_NOT_KNOWN,
                     "it is not known yet what the names of group %s answer: try again in a moment",
                     c->group);
        return true;
    }
    if (g->live.status == LIVE_ONE && g->live.place != place) {
        engine_reply(
            done, arg, EXIT_CONFLICT,
            "the names of group %s answer with %s: adopt that, then move them with dnsflip switch",
            c->group, engine_cluster_name(e, g, g->live.place));
        return true;
    }
    return false;
}

static void adopt(struct engine *e, struct engine_group *g, const struct command *c,
                  command_done *done, void *arg)
{
    struct journal_entry entry = { .kind = ENTRY_ADOPT };
    struct adoption *a;

    if (refuse_adoption(e, g, c, done, arg))
        return;
    a = mem_zalloc(sizeof(*a));
    *a = (struct adoption){ .done = done,
                            .arg = arg,
                            .group = g,
                            .place = engine_cluster_place(e, g, c->cluster),
                            .epoch = engine_next_epoch(e) };
    a->is_new = a->place != engine_decide_active(e, g);
    g->is_adopting = true;
    entry.epoch = a->epoch;
    str_copy(entry.to, sizeof(entry.to), c->cluster);
    describe(&entry, c);
    engine_record(e, &entry, false, on_adopted, a);
}

void engine_adopt_ahead(struct engine *e, const struct command *c, command_done *done, void *arg)
{
    struct journal_entry entry = { .kind = ENTRY_ADOPT, .epoch = engine_next_epoch(e) };
    int group = settings_find_group(e->deps.settings, c->group);
    char text[ERR_TEXT_BYTES];

    /* What is carried over to the engine after the reload must not count against it there. */
    if (group >= 0 && engine_cluster_place(e, &e->groups[group], c->cluster) >= 0)
        engine_probe_promoted(e, &e->groups[group],
                              (unsigned)engine_cluster_place(e, &e->groups[group], c->cluster));

    str_copy(entry.to, sizeof(entry.to), c->cluster);
    str_format(text, sizeof(text), "group %s is adopted: %s is active", c->group, c->cluster);
    act(e, c, &entry, UINT32_MAX, done, arg, text);
}

static void hold(struct engine *e, struct engine_group *g, const struct command *c,
                 command_done *done, void *arg)
{
    struct journal_entry entry = { .kind = ENTRY_HOLD, .until = c->until };

    if (c->reason[0] == '\0')
        engine_reply(done, arg, EXIT_ERROR, "a hold needs a reason: --reason TEXT");
    else
        act(e, c, &entry, g->index, done, arg, "held");
}

static void release(struct engine *e, struct engine_group *g, const struct command *c,
                    command_done *done, void *arg)
{
    const struct ledger_group *known = ledger_find(e->deps.ledger, c->group);
    struct journal_entry entry = { .kind = ENTRY_RELEASE };

    if (known == NULL || !ledger_is_held(known, loop_now(e->deps.loop).wall))
        engine_reply(done, arg, 0, "nothing to do: group %s is not held", c->group);
    else
        act(e, c, &entry, g->index, done, arg, "released");
}

static bool is_adopted(const struct engine *e, const char *group)
{
    const struct ledger_group *known = ledger_find(e->deps.ledger, group);

    return known != NULL && known->is_adopted;
}

static void cancel(struct engine *e, const struct command *c, command_done *done, void *arg)
{
    bool retry = c->kind == COMMAND_RETRY;
    struct err err;

    for (size_t i = 0; i < e->n_groups; i++) {
        struct engine_group *g = &e->groups[i];
        struct switcher *s = g->switcher;

        if (s == NULL || strcmp(switcher_operation(s)->id, c->operation) != 0)
            continue;
        if ((retry ? switcher_retry(s, &err) : switcher_cancel(s, c->actor, &err)) < 0)
            engine_reply(done, arg, EXIT_ERROR, "%s", err.text);
        else if (retry)
            engine_reply(done, arg, 0, "operation %s: resumed", c->operation);
        else
            switcher_ending_tell(g, done, arg);
        return;
    }
    engine_reply(done, arg, EXIT_ERROR, "operation %s is not running", c->operation);
}

/* ---- dispatch ---------------------------------------------------------------------------------
 */

/* A request id that is known: the same request is answered with what it started. */
static bool reply_repeat(const struct engine *e, const struct command *c, command_done *done,
                         void *arg)
{
    const struct ledger_request *known;
    struct command_result result = { .is_repeat = true };
    const struct operation *op;

    if (c->request_id[0] == '\0')
        return false;
    known = ledger_find_request(e->deps.ledger, c->request_id, loop_now(e->deps.loop).wall);
    if (known == NULL)
        return false;
    if (strcmp(known->digest, c->request_digest) != 0) {
        engine_reply(
            done, arg, EXIT_ERROR,
            "request id %s was used for another request: give every request an id of its own",
            c->request_id);
        return true;
    }
    str_copy(result.operation, sizeof(result.operation), known->operation);
    op = ledger_find_operation(e->deps.ledger, known->operation);
    if (op != NULL) {
        result.epoch = op->epoch;
        result.state = op->state;
        result.exit = op->state == OP_REFUSED ? EXIT_ERROR : 0;
    }
    if (result.exit == 0)
        str_format(result.text, sizeof(result.text), "request %s was done before", c->request_id);
    else
        str_format(result.text, sizeof(result.text), "request %s was refused before: %s",
                   c->request_id, op->detail);
    done(arg, &result);
    return true;
}

static void node_act(struct engine *e, const struct command *c, enum entry_kind kind,
                     const char *text, command_done *done, void *arg)
{
    struct journal_entry entry = { .kind = kind, .until = c->until };

    /* What the ledger cannot follow must not reach the disk: no start could read it again. */
    if (c->group[0] != '\0' && !is_adopted(e, c->group)) {
        engine_reply(done, arg, EXIT_VETO,
                     "group %s is unadopted: dnsflip adopt %s --active CLUSTER comes first",
                     c->group, c->group);
        return;
    }
    str_copy(entry.to, sizeof(entry.to), c->cluster);
    act(e, c, &entry, UINT32_MAX, done, arg, text);
}

static void group_command(struct engine *e, struct engine_group *g, const struct command *c,
                          command_done *done, void *arg)
{
    switch (c->kind) {
    case COMMAND_MOVE:
        engine_move(e, g, c, done, arg);
        return;
    case COMMAND_HOLD:
        hold(e, g, c, done, arg);
        return;
    case COMMAND_RELEASE:
        release(e, g, c, done, arg);
        return;
    case COMMAND_ADOPT:
        adopt(e, g, c, done, arg);
        return;
    case COMMAND_ACK:
        node_act(e, c, ENTRY_ACK, "the group's block is lifted", done, arg);
        return;
    case COMMAND_REJOIN:
        node_act(e, c, ENTRY_REJOIN, "the cluster may be a destination again", done, arg);
        return;
    case COMMAND_PAUSE:
    case COMMAND_RESUME:
    case COMMAND_CANCEL:
    case COMMAND_RETRY:
        engine_reply(done, arg, EXIT_ERROR, "this command takes no group");
        return;
    }
}

static void node_command(struct engine *e, const struct command *c, command_done *done, void *arg)
{
    switch (c->kind) {
    case COMMAND_ACK:
        node_act(e, c, ENTRY_ACK, "the brake is lifted", done, arg);
        return;
    case COMMAND_REJOIN:
        node_act(e, c, ENTRY_REJOIN, "the cluster may be a destination again", done, arg);
        return;
    case COMMAND_PAUSE:
        if (c->reason[0] == '\0')
            engine_reply(done, arg, EXIT_ERROR, "a pause needs a reason: --reason TEXT");
        else
            node_act(e, c, ENTRY_PAUSE, "automation is paused", done, arg);
        return;
    case COMMAND_RESUME:
        if (!ledger_is_paused(e->deps.ledger, loop_now(e->deps.loop).wall))
            engine_reply(done, arg, 0, "nothing to do: automation is not paused");
        else
            node_act(e, c, ENTRY_RESUME, "automation goes on", done, arg);
        return;
    case COMMAND_CANCEL:
    case COMMAND_RETRY:
        cancel(e, c, done, arg);
        return;
    case COMMAND_MOVE:
    case COMMAND_HOLD:
    case COMMAND_RELEASE:
    case COMMAND_ADOPT:
        engine_reply(done, arg, EXIT_ERROR, "this command needs a group");
        return;
    }
}

/* In the configuration, or still fenced under a name that it no longer has. */
static bool is_known_cluster(const struct engine *e, const char *cluster)
{
    const struct ledger *l = e->deps.ledger;

    for (size_t i = 0; i < l->n_groups; i++) {
        if (ledger_is_fenced(l->groups[i], cluster))
            return true;
    }
    return settings_find_cluster(e->deps.settings, cluster) >= 0;
}

void engine_command(struct engine *e, const struct command *command, command_done *done, void *arg)
{
    int group = settings_find_group(e->deps.settings, command->group);

    if (e->deps.journal == NULL) {
        engine_reply(done, arg, EXIT_ERROR, "a monitor only watches");
        return;
    }
    if (reply_repeat(e, command, done, arg))
        return;
    if (command->group[0] != '\0' && group < 0)
        engine_reply(done, arg, EXIT_ERROR, "there is no group %s", command->group);
    else if (command->kind == COMMAND_REJOIN && !is_known_cluster(e, command->cluster))
        engine_reply(done, arg, EXIT_ERROR, "there is no cluster %s", command->cluster);
    else if (group >= 0)
        group_command(e, &e->groups[group], command, done, arg);
    else
        node_command(e, command, done, arg);
}
