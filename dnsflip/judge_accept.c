/* dnsflip/judge_accept.c -- a reload that moves names, or adopts groups on the way: what was shown
 * must be what is accepted, guards are asked, adoptions become durable, and each group whose names
 * move gets an operation; when all intents are durable the new configuration is handed over. */
#include <string.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/judge_state.h"

#define EXIT_BAD 1
#define EXIT_WOULD_MOVE 3
#define EXIT_OTHER 6

/* The operations of one accepted reload, until each is accepted or refused. */
struct acceptance;

struct party {
    struct acceptance *whole;
    struct reload_part *part;
};

struct acceptance {
    reload_done *done; /* NULL = nobody waits */
    void *arg;
    struct reload_part *parts; /* owned, n each */
    struct party *parties;
    size_t n, n_answered;
};

static void set_text(struct judge *j, const char *text)
{
    buf_reset(&j->reload_text);
    buf_puts(&j->reload_text, text);
}

/* ---- what was shown is what is accepted ---------------------------------------------------------
 */

static int weigh(struct judge *j, size_t n_moves)
{
    const char *accept = j->reload.request.accept;
    char head[ERR_TEXT_BYTES];
    struct buf shown;

    if (accept[0] == '\0')
        return n_moves == 0 ? 0 : EXIT_WOULD_MOVE;
    if (n_moves > 0 && strcmp(accept, j->accept) == 0)
        return 0;
    if (n_moves == 0) {
        set_text(j, "there is nothing to accept: the file moves no name now; dnsflip reload takes "
                    "it as it is");
        return EXIT_OTHER;
    }
    str_format(head, sizeof(head),
               "what was accepted (%s) is not the difference that there is now:\n", accept);
    buf_init(&shown, j->reload_text.max);
    buf_puts(&shown, head);
    buf_puts(&shown, buf_text(&j->reload_text));
    set_text(j, buf_text(&shown));
    buf_fini(&shown);
    return EXIT_OTHER;
}

static const struct reload_adoption *adoption_of(const struct judge *j, const char *group)
{
    for (size_t i = 0; i < j->reload.request.n_adoptions; i++) {
        if (strcmp(j->reload.request.adoptions[i].group, group) == 0)
            return &j->reload.request.adoptions[i];
    }
    return NULL;
}

/* As the names will be served: groups that are adopted on the way count. */
static const char *active_then(void *arg, const char *group)
{
    const struct judge *j = arg;
    const struct ledger_group *known = ledger_find(j->ledger, group);
    const struct reload_adoption *adoption = adoption_of(j, group);

    if (known != NULL && known->is_adopted)
        return known->active;
    return adoption == NULL ? NULL : adoption->cluster;
}

/* ---- adoptions ----------------------------------------------------------------------------------
 */

static bool is_adopted(const struct judge *j, const char *group)
{
    const struct ledger_group *known = ledger_find(j->ledger, group);

    return known != NULL && known->is_adopted;
}

static int check_adoption(struct judge *j, const struct reload_adoption *a, struct err *err)
{
    const struct settings *s = j->next.settings;
    const struct ledger_group *known = ledger_find(j->ledger, a->group);
    int group = settings_find_group(s, a->group), cluster = settings_find_cluster(s, a->cluster);

    if (group < 0)
        return err_set(err, ERR_CONFIG, "the file has no group %s to adopt", a->group);
    if (cluster < 0 || group_find_cluster(&s->groups[group], (unsigned)cluster) < 0)
        return err_set(err, ERR_CONFIG, "group %s has no cluster %s", a->group, a->cluster);
    if (known != NULL && known->is_adopted && strcmp(known->active, a->cluster) != 0)
        return err_set(err, ERR_CONFLICT,
                       "group %s is adopted: %s is active, and only a switch moves it", a->group,
                       known->active);
    return 0;
}

static int check_adoptions(struct judge *j)
{
    struct err err;

    for (size_t i = 0; i < j->reload.request.n_adoptions; i++) {
        if (check_adoption(j, &j->reload.request.adoptions[i], &err) == 0)
            continue;
        set_text(j, err.text);
        return err.code == ERR_CONFLICT ? EXIT_OTHER : EXIT_BAD;
    }
    return 0;
}

/* ---- operations ---------------------------------------------------------------------------------
 */

static void free_acceptance(struct acceptance *a)
{
    mem_free(a->parts);
    mem_free(a->parties);
    mem_free(a);
}

/* All or none: the first refusal speaks for all. */
static void on_party(void *arg, const struct command_result *result)
{
    struct party *party = arg;
    struct acceptance *a = party->whole;
    struct reload_reply reply = { .text = "", .rule = "", .parts = a->parts, .n_parts = a->n };

    party->part->result = *result;
    if (++a->n_answered < a->n)
        return;
    for (size_t i = 0; i < a->n && reply.exit == 0; i++) {
        reply.exit = a->parts[i].result.exit;
        reply.text = a->parts[i].result.text;
    }
    if (a->done != NULL)
        a->done(a->arg, &reply);
    free_acceptance(a);
}

/* The settings in use, group by group: those whose names move. */
static void fill_order(const struct judge *j, struct retarget_party parties[],
                       struct retarget_order *out)
{
    const struct reload_request *request = &j->reload.request;
    const struct settings *s = j->site.settings;

    *out = (struct retarget_order){ .parties = parties, .overrides = request->overrides };
    for (uint32_t i = 0; i < s->n_groups; i++) {
        struct retarget_party *party = &parties[out->n];

        if (j->reload.by_group[i] == 0)
            continue;
        *party = (struct retarget_party){ .group = i, .n_names = j->reload.by_group[i] };
        if (request->request_id[0] != '\0')
            str_format(party->request_id, sizeof(party->request_id), "%s/%s", request->request_id,
                       s->groups[i].name);
        out->n++;
    }
    str_copy(out->configuration, sizeof(out->configuration), j->next.settings->digest);
    str_copy(out->actor, sizeof(out->actor), request->actor);
    str_copy(out->reason, sizeof(out->reason), request->reason);
    str_copy(out->request_digest, sizeof(out->request_digest), request->request_digest);
}

/* A veto, with the guard's name, is answered here. */
static int ask_guards(struct judge *j)
{
    struct retarget_party *parties = mem_array(j->site.settings->n_groups + 1, sizeof(*parties));
    struct command_result refusal;
    struct retarget_order order;
    struct reload_reply reply;
    int result;

    fill_order(j, parties, &order);
    result = engine_retarget_check(j->engine, &order, &refusal);
    mem_free(parties);
    if (result == 0)
        return 0;
    reply = (struct reload_reply){ .exit = refusal.exit,
                                   .text = refusal.text,
                                   .rule = refusal.rule,
                                   .may_override = refusal.may_override };
    if (j->reload.done != NULL)
        j->reload.done(j->reload.arg, &reply);
    j->reload.done = NULL;
    set_text(j, refusal.text);
    return refusal.exit;
}

static void start_operations(struct judge *j)
{
    struct retarget_party *parties = mem_array(j->site.settings->n_groups + 1, sizeof(*parties));
    struct acceptance *a = mem_zalloc(sizeof(*a));
    struct retarget_order order;

    fill_order(j, parties, &order);
    *a = (struct acceptance){ .done = j->reload.done, .arg = j->reload.arg, .n = order.n };
    j->reload.done = NULL;
    a->parts = mem_array(order.n, sizeof(*a->parts));
    a->parties = mem_array(order.n, sizeof(*a->parties));
    for (size_t i = 0; i < order.n; i++) {
        a->parties[i] = (struct party){ .whole = a, .part = &a->parts[i] };
        str_copy(a->parts[i].group, sizeof(a->parts[i].group),
                 j->site.settings->groups[parties[i].group].name);
        parties[i].done = on_party;
        parties[i].arg = &a->parties[i];
    }
    engine_retarget_start(j->engine, &order);
    mem_free(parties);
}

/* ---- in order -----------------------------------------------------------------------------------
 */

/* Guards were asked in an earlier turn if there were adoptions: they may say otherwise by now. */
static void go_on(struct judge *j)
{
    bool moves = false;
    struct err err;
    int exit = 0;

    for (size_t i = 0; i < j->site.settings->n_groups; i++)
        moves = moves || j->reload.by_group[i] > 0;
    if (moves) {
        exit = ask_guards(j);
        if (exit == 0)
            start_operations(j);
    } else if (judge_reload_hand_over(j, &err) < 0) {
        set_text(j, err.text);
        exit = EXIT_BAD;
    }
    if (exit != 0)
        judge_reload_drop(j, exit, buf_text(&j->reload_text));
}

static void on_adopted(void *arg, const struct command_result *result)
{
    struct judge *j = arg;

    if (result->exit != 0 && !j->reload.is_adoption_lost) {
        j->reload.is_adoption_lost = true;
        set_text(j, result->text);
    }
    if (--j->reload.n_adopting > 0)
        return;
    if (j->reload.is_adoption_lost)
        judge_reload_drop(j, EXIT_BAD, buf_text(&j->reload_text));
    else
        go_on(j);
}

/* Durable before the new page is filled from the journal. */
static void adopt(struct judge *j)
{
    static const struct command_result begun = { .exit = 0 };
    const struct reload_request *request = &j->reload.request;

    j->reload.n_adopting = 1;
    j->reload.is_adoption_lost = false;
    for (size_t i = 0; i < request->n_adoptions; i++) {
        struct command c = { .kind = COMMAND_ADOPT };

        if (is_adopted(j, request->adoptions[i].group))
            continue;
        j->reload.n_adopting++;
        str_copy(c.group, sizeof(c.group), request->adoptions[i].group);
        str_copy(c.cluster, sizeof(c.cluster), request->adoptions[i].cluster);
        str_copy(c.actor, sizeof(c.actor), request->actor);
        str_copy(c.reason, sizeof(c.reason), request->reason);
        engine_adopt_ahead(j->engine, &c, on_adopted, j);
    }
    on_adopted(j, &begun);
}

int judge_accept(struct judge *j, size_t n_moves)
{
    struct config_report ignored;
    struct err err;
    int exit = weigh(j, n_moves);

    if (exit == 0)
        exit = check_adoptions(j);
    if (exit == 0 && judge_pair_check(j->next.settings, j->ledger, &err) < 0) {
        set_text(j, err.text);
        exit = EXIT_BAD;
    }
    if (exit != 0)
        return exit;
    mem_free(j->reload.by_group);
    j->reload.by_group = mem_array(j->site.settings->n_groups + 1, sizeof(uint32_t));
    config_report_init(&ignored);
    (void)reload_moves(j->site.settings, j->next.settings, active_then, j, j->reload.by_group,
                       &ignored);
    config_report_fini(&ignored);
    exit = ask_guards(j);
    if (exit == 0)
        adopt(j);
    return exit;
}

/* ---- what the engine asks for, in a turn of its own ---------------------------------------------
 */

/* One hand-over moves the names of all groups: none may have lost its intent with the judge before.
 */
static int check_intents(struct judge *j, struct err *err)
{
    const struct settings *s = j->site.settings;
    uint32_t *by_group = mem_array(s->n_groups + 1, sizeof(*by_group));
    struct config_report ignored;
    const char *lost = NULL;

    j->reload.request.n_adoptions = 0;
    config_report_init(&ignored);
    (void)reload_moves(s, j->next.settings, active_then, j, by_group, &ignored);
    config_report_fini(&ignored);
    for (size_t i = 0; i < s->n_groups && lost == NULL; i++) {
        const struct ledger_group *known = ledger_find(j->ledger, s->groups[i].name);

        if (by_group[i] > 0 && (op_state_is_ended(known->op.state) ||
                                strcmp(known->op.configuration, j->reload.configuration) != 0))
            lost = s->groups[i].name;
    }
    mem_free(by_group);
    if (lost != NULL)
        return err_set(err, ERR_CONFLICT,
                       "names of group %s would move too, whose intent was lost: accept it anew",
                       lost);
    return 0;
}

/* After a restart nothing is loaded: the file must still be the one that was accepted. */
static int load_accepted(struct judge *j, struct err *err)
{
    if (j->next.settings != NULL)
        return 0;
    buf_reset(&j->reload_text);
    if (judge_site_load(j->config_path, &j->next.settings, &j->reload_text) < 0)
        return err_set(err, ERR_CONFIG, "the file does not load any more");
    if (strcmp(j->next.settings->digest, j->reload.configuration) != 0)
        return err_set(err, ERR_CONFLICT, "the file is no longer the one that was accepted");
    return check_intents(j, err);
}

static void on_asked(void *arg)
{
    struct judge *j = arg;
    struct err err;

    if (j->reload.dropped[0] != '\0') {
        set_text(j, j->reload.dropped);
        j->reload.dropped[0] = '\0';
        judge_reload_drop(j, EXIT_BAD, buf_text(&j->reload_text));
        return;
    }
    if (load_accepted(j, &err) < 0 || judge_reload_hand_over(j, &err) < 0) {
        engine_retarget_done(j->engine, &err);
        judge_reload_drop(j, EXIT_BAD, err.text);
    }
    j->reload.configuration[0] = '\0';
}

static void ask_later(struct judge *j)
{
    if (j->reload.timer == NULL)
        j->reload.timer = loop_timer_new(j->loop, on_asked, j);
    loop_timer_set(j->reload.timer, loop_now(j->loop).mono);
}

void judge_accept_hand_over(void *judge, const char *configuration)
{
    struct judge *j = judge;

    str_copy(j->reload.configuration, sizeof(j->reload.configuration), configuration);
    ask_later(j);
}

void judge_accept_dropped(void *judge, const char *why)
{
    struct judge *j = judge;

    str_copy(j->reload.dropped, sizeof(j->reload.dropped), why[0] != '\0' ? why : "nothing");
    ask_later(j);
}
