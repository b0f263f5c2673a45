/* dnsflip/judge_reload.c -- a new configuration while running: parse, check everything, hand the
 * pair over, then follow.  A bad one changes nothing; one that would move a name is refused. */
#include <string.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/str.h"
#include "dnsflip/config/reload.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/judge_state.h"
#include "dnsflip/providers/provider.h"
#include "dnsflip/providers/secondaries.h"

#define EXIT_BAD 1
#define EXIT_WOULD_MOVE 3

static void record(struct judge *j, bool ok, const char *text)
{
    struct journal_entry entry = { .kind = ENTRY_RELOAD, .time = loop_now(j->loop).wall };

    if (ok)
        str_copy(entry.reason, sizeof(entry.reason), j->site.settings->digest);
    else
        str_copy(entry.detail, sizeof(entry.detail), text);
    journal_append(j->journal, &entry, NULL, NULL);
}

static void log_refusal(const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");

        log_error("judge", "reload refused, nothing has changed: %.*s", (int)n, text);
        text += n + (text[n] == '\n' ? 1 : 0);
    }
}

static void report(struct judge *j, int exit, const char *text)
{
    void (*done)(void *arg, int exit, const char *text) = j->reload_done;

    j->last_reload.time = loop_now(j->loop).wall;
    j->last_reload.ok = exit == 0;
    j->last_reload.generation = j->site.pair.generation;
    if (text != buf_text(&j->reload_text)) {
        buf_reset(&j->reload_text);
        buf_puts(&j->reload_text, text);
    }
    j->last_reload.text = exit == 0 ? "" : buf_text(&j->reload_text);
    if (exit == 0)
        log_info("judge", "reloaded generation=%llu", (unsigned long long)j->site.pair.generation);
    else
        log_refusal(buf_text(&j->reload_text));
    record(j, exit == 0, text);
    j->reload_done = NULL;
    if (done != NULL)
        done(j->reload_arg, exit, text);
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

/* Loads and compares; the exit code, 0 = j->next.settings may take over. */
static int load_next(struct judge *j)
{
    struct config_report differences;
    int exit = 0;

    buf_reset(&j->reload_text);
    if (judge_site_load(j->config_path, &j->next.settings, &j->reload_text) < 0)
        return EXIT_BAD;
    config_report_init(&differences);
    if (reload_fixed(j->site.settings, j->next.settings, &differences) > 0)
        exit = EXIT_BAD;
    if (reload_moves(j->site.settings, j->next.settings, active_of, j, &differences) > 0)
        exit = EXIT_WOULD_MOVE;
    if (exit == EXIT_WOULD_MOVE)
        buf_puts(&j->reload_text,
                 "a reload changes no answer, and this would; switch the group away first, or "
                 "restart dnsflip, which takes the file as it is:\n");
    config_report_print(&differences, &j->reload_text);
    config_report_fini(&differences);
    return exit;
}

static int hand_over(struct judge *j, struct err *err)
{
    if (judge_site_open(j, &j->next, err) < 0 ||
        judge_pair_make(j->next.settings, j->ledger, &j->site.pair, &j->next.pair, err) < 0 ||
        judge_link_bind(j, j->next.settings, err) < 0)
        return -1;
    /* Before the face may take it: from its first answer on the new page must follow flips. */
    engine_raise_epoch(j->engine, j->next.pair.serial);
    judge_site_wire(j, &j->site, &j->next);
    return judge_pair_send(&j->next.pair, err);
}

void judge_reload(void *judge, const char *actor,
                  void (*done)(void *arg, int exit, const char *text), void *arg)
{
    struct judge *j = judge;
    struct err err;
    const char *obstacle = reload_obstacle(j);
    int exit;

    log_info("judge", "reload asked for by %s", actor);
    if (j->next.settings != NULL) {
        log_warn("judge", "not reloaded: %s", obstacle);
        if (done != NULL)
            done(arg, EXIT_BAD, obstacle);
        return;
    }
    j->reload_done = done;
    j->reload_arg = arg;
    if (obstacle != NULL) {
        report(j, EXIT_BAD, obstacle);
        return;
    }
    judge_site_drop(&j->retired);
    exit = load_next(j);
    if (exit == 0 && hand_over(j, &err) < 0) {
        buf_printf(&j->reload_text, "%s", err.text);
        exit = EXIT_BAD;
    }
    if (exit != 0) {
        judge_site_wire(j, &j->site, NULL);
        judge_site_drop(&j->next);
        report(j, exit, buf_text(&j->reload_text));
    }
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
    report(j, 0, "");
}

void judge_reload_adopted(struct judge *j, uint64_t generation)
{
    if (j->next.settings == NULL || generation != j->next.pair.generation || j->is_next_adopted)
        return;
    j->is_next_adopted = true;
    if (j->reload_timer == NULL)
        j->reload_timer = loop_timer_new(j->loop, follow, j);
    loop_timer_set(j->reload_timer, loop_now(j->loop).mono);
}

void judge_reload_failed(struct judge *j, uint64_t generation, const char *text)
{
    if (j->next.settings == NULL || generation != j->next.pair.generation || j->is_next_adopted)
        return;
    judge_site_wire(j, &j->site, NULL);
    judge_site_drop(&j->next);
    report(j, EXIT_BAD, text);
}
