/* dnsflip/judge_reload.c -- a new configuration while running: parse, check everything, hand the
 * pair over, then follow.  A bad one changes nothing; one that would move a name is refused, unless
 * just that difference is accepted. */
#include <string.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/serial.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/judge_state.h"
#include "dnsflip/providers/provider.h"
#include "dnsflip/providers/secondaries.h"

#define EXIT_BAD 1

static void record(struct judge *j, bool ok, const char *text)
{
    struct journal_entry entry = { .kind = ENTRY_RELOAD };

    str_copy(entry.actor, sizeof(entry.actor), j->reload.request.actor);
    if (ok) {
        entry.serial = j->site.pair.serial;
        str_copy(entry.reason, sizeof(entry.reason), j->site.settings->digest);
        str_copy(entry.request_id, sizeof(entry.request_id), j->reload.request.request_id);
        str_copy(entry.request_digest, sizeof(entry.request_digest),
                 j->reload.request.request_digest);
    } else {
        str_copy(entry.detail, sizeof(entry.detail), text[0] != '\0' ? text : "refused");
    }
    engine_record_reload(j->engine, &entry);
}

static void log_refusal(const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");

        log_error("judge", "reload refused, nothing has changed: %.*s", (int)n, text);
        text += n + (text[n] == '\n' ? 1 : 0);
    }
}

/* Which tells whoever sent it SIGHUP. */
static void tell_supervisor(const char *refusal)
{
    struct link_message m = link_message(LINK_RELOADED);
    struct err err;

    (void)str_copy(m.text, sizeof(m.text), refusal);
    if (judge_link_send(&m, NULL, 0, &err) < 0)
        log_error("judge", "%s", err.text);
}

static void answer(struct judge *j, int exit, const char *text)
{
    struct reload_reply reply = { .exit = exit, .text = text, .rule = "" };
    reload_done *done = j->reload.done;

    j->reload.done = NULL;
    if (done != NULL)
        done(j->reload.arg, &reply);
}

void judge_reload_report(struct judge *j, int exit, const char *text)
{
    j->last_reload.time = loop_now(j->loop).wall;
    j->last_reload.ok = exit == 0;
    j->last_reload.generation = j->site.pair.generation;
    if (text != buf_text(&j->reload_text)) {
        buf_reset(&j->reload_text);
        buf_puts(&j->reload_text, text);
    }
    if (exit == 0) {
        j->last_reload.is_pending = false;
        j->accept[0] = '\0';
    }
    j->last_reload.text = exit == 0 ? "" : buf_text(&j->reload_text);
    if (exit == 0)
        log_info("judge", "reloaded generation=%llu", (unsigned long long)j->site.pair.generation);
    else
        log_refusal(buf_text(&j->reload_text));
    record(j, exit == 0, buf_text(&j->reload_text));
    tell_supervisor(j->last_reload.text);
    answer(j, exit, exit == 0 ? "" : buf_text(&j->reload_text));
}

/* Why no reload may begin now, or NULL. */
static const char *reload_obstacle(const struct judge *j)
{
    if (j->next.settings != NULL)
        return "a reload is under way already";
    if (!j->is_ready)
        return "the face has not taken over the answers yet: reload in a moment";
    if (engine_busy(j->engine) != NULL)
        return "an operation is running: reload when it has settled";
    return NULL;
}

static const char *active_of(void *arg, const char *group)
{
    const struct judge *j = arg;
    const struct ledger_group *known = ledger_find(j->ledger, group);

    return known != NULL && known->is_adopted ? known->active : NULL;
}

void judge_reload_describe(struct judge *j, const char *head,
                           const struct config_report *differences)
{
    buf_reset(&j->reload_text);
    buf_printf(&j->reload_text, "%s; dnsflip reload --accept %s moves these:\n", head, j->accept);
    config_report_print(differences, &j->reload_text);
    j->last_reload.text = buf_text(&j->reload_text);
}

/* Loads and compares; the exit code, 0 = j->next.settings may take over if *n_moves is 0. */
static int load_next(struct judge *j, size_t *n_moves)
{
    struct config_report fixed, differences;

    buf_reset(&j->reload_text);
    j->accept[0] = '\0';
    if (judge_site_load(j->config_path, &j->next.settings, &j->reload_text) < 0)
        return EXIT_BAD;
    config_report_init(&fixed);
    config_report_init(&differences);
    (void)reload_fixed(j->site.settings, j->next.settings, &fixed);
    *n_moves = reload_moves(j->site.settings, j->next.settings, active_of, j, NULL, &differences);
    bool is_refused = fixed.n > 0;
    if (is_refused) {
        config_report_print(&fixed, &j->reload_text);
        config_report_print(&differences, &j->reload_text);
    } else if (*n_moves > 0) {
        reload_digest(j->next.settings, &differences, j->accept);
        judge_reload_describe(j, "a reload changes no answer unasked, and this would",
                              &differences);
    }
    config_report_fini(&differences);
    config_report_fini(&fixed);
    return is_refused ? EXIT_BAD : 0;
}

int judge_reload_hand_over(struct judge *j, struct err *err)
{
    static const struct judge_answers rendered = { .bytes = NULL };

    if (secondaries_obstacle(j->secondaries, err))
        return -1;
    j->site.pair.pinned = 0;
    if (secondaries_are_unheard(j->secondaries))
        j->site.pair.pinned = serial_newest(j->site.pair.serial, j->ledger->epoch) + 1;
    if (judge_site_open(j, &j->next, err) < 0 ||
        judge_pair_make(j->next.settings, j->ledger, &j->site.pair, &rendered, &j->next.pair, err) <
            0 ||
        judge_link_bind(j, j->next.settings, err) < 0)
        return -1;
    /* Before the face may take it: from its first answer on the new page must follow flips. */
    engine_raise_epoch(j->engine, j->next.pair.serial);
    judge_site_wire(j, &j->site, &j->next);
    return judge_pair_send(&j->next.pair, err);
}

void judge_reload_drop(struct judge *j, int exit, const char *text)
{
    judge_site_wire(j, &j->site, NULL);
    judge_site_drop(&j->next);
    judge_reload_report(j, exit, text);
}

static void take_request(struct judge *j, const struct reload_request *request, reload_done *done,
                         void *arg)
{
    struct reload_adoption *adoptions = mem_array(request->n_adoptions + 1, sizeof(*adoptions));

    mem_free(j->reload.adoptions);
    j->reload.adoptions = adoptions;
    if (request->n_adoptions > 0)
        memcpy(adoptions, request->adoptions, request->n_adoptions * sizeof(*adoptions));
    j->reload.request = *request;
    j->reload.request.adoptions = adoptions;
    j->reload.done = done;
    j->reload.arg = arg;
}

void judge_reload(void *judge, const struct reload_request *request, reload_done *done, void *arg)
{
    struct judge *j = judge;
    const char *obstacle = reload_obstacle(j);
    size_t n_moves = 0;
    int exit;

    log_info("judge", "reload asked for by %s", request->actor);
    if (j->next.settings != NULL) {
        struct reload_reply reply = { .exit = EXIT_BAD, .text = obstacle, .rule = "" };

        log_warn("judge", "not reloaded: %s", obstacle);
        if (done != NULL)
            done(arg, &reply);
        return;
    }
    take_request(j, request, done, arg);
    if (obstacle != NULL) {
        judge_reload_report(j, EXIT_BAD, obstacle);
        return;
    }
    judge_site_drop(&j->retired);
    exit = load_next(j, &n_moves);
    if (exit == 0)
        exit = judge_accept(j, n_moves);
    if (exit != 0)
        judge_reload_drop(j, exit, buf_text(&j->reload_text));
}

void judge_reload_signalled(struct judge *j)
{
    struct reload_request request = { .actor = "SIGHUP" };

    judge_reload(j, &request, NULL, NULL);
}

/* The engine follows as soon as no operation is on its way: until then it writes both pages. */
static void follow(void *arg)
{
    struct judge *j = arg;
    struct link_message drop = link_message(LINK_DROP);
    struct err err;

    if (engine_busy(j->engine) != NULL) {
        loop_timer_set(j->reload_timer, mono_add(loop_now(j->loop).mono, JUDGE_RELOAD_MS));
        return;
    }
    judge_site_wire(j, &j->next, NULL);
    judge_site_counters(&j->next, j->counters);
    engine_replace(j->engine, j->next.settings, j->next.providers);
    secondaries_use(j->secondaries, j->next.settings, j->next.pair.page, j->next.pair.serial);
    /* Calls that the last turn began still hold the old providers. */
    j->retired = j->site;
    j->site = j->next;
    j->next = (struct judge_site){ .pair = JUDGE_PAIR_NONE };
    j->is_next_adopted = false;
    if (judge_link_send(&drop, NULL, 0, &err) < 0)
        log_error("judge", "%s", err.text);
    judge_reload_report(j, 0, "");
    judge_truth_save(j);
}

void judge_reload_adopted(struct judge *j, uint64_t generation)
{
    if (j->next.settings == NULL || generation != j->next.pair.generation || j->is_next_adopted)
        return;
    j->is_next_adopted = true;
    engine_retarget_done(j->engine, NULL);
    if (j->reload_timer == NULL)
        j->reload_timer = loop_timer_new(j->loop, follow, j);
    loop_timer_set(j->reload_timer, loop_now(j->loop).mono);
}

void judge_reload_failed(struct judge *j, uint64_t generation, const char *text)
{
    struct err err;

    if (j->next.settings == NULL || generation != j->next.pair.generation || j->is_next_adopted)
        return;
    err_set(&err, ERR_REMOTE, "%s", text);
    engine_retarget_done(j->engine, &err);
    judge_reload_drop(j, EXIT_BAD, text);
}
