#include "dnsflip/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/secret.h"
#include "dnsflip/base/str.h"
#include "dnsflip/ctl/server.h"
#include "dnsflip/engine/hooks.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/http_server.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/judge_state.h"
#include "dnsflip/kept_writer.h"
#include "dnsflip/providers/provider.h"
#include "dnsflip/providers/secondaries.h"

#define PROBLEMS_BYTES_MAX (1U << 20)

/* ---- start, in the order of what depends on what ------------------------------------------------
 */

static int start_config(struct judge *j)
{
    struct buf problems;
    int result;

    buf_init(&problems, PROBLEMS_BYTES_MAX);
    result = judge_site_load(j->config_path, &j->site.settings, &problems);
    if (result < 0)
        (void)fprintf(stderr, "%s", buf_text(&problems));
    buf_fini(&problems);
    return result;
}

static int on_entry(void *arg, const struct journal_entry *entry, struct err *err)
{
    struct judge *j = arg;

    return ledger_fold(j->ledger, entry, err);
}

static void record_alarm(struct judge *j, const char *name, const char *text)
{
    struct journal_entry entry = { .kind = ENTRY_ALARM, .time = loop_now(j->loop).wall };

    log_warn("alarm", "%s: %s", name, text);
    str_copy(entry.detail, sizeof(entry.detail), name);
    str_copy(entry.reason, sizeof(entry.reason), text);
    journal_append(j->journal, &entry, NULL, NULL);
}

static void on_journal_trouble(void *arg, const struct err *err)
{
    record_alarm(arg, "journal-file", err->text);
}

static void on_journal_merged(void *arg, size_t entries)
{
    char text[REASON_TEXT_BYTES];

    str_format(text, sizeof(text),
               "%zu entries that only the overflow file had are now in the journal", entries);
    record_alarm(arg, "overflow-merged", text);
}

/* Beside the control socket: another file system than state_dir's, on most hosts memory. */
static void overflow_path(const struct node_cfg *node, char out[static PATH_BYTES])
{
    const char *slash = strrchr(node->control_socket, '/');

    str_format(out, PATH_BYTES, "%.*s%s",
               slash == NULL ? 0 : (int)(slash - node->control_socket + 1), node->control_socket,
               JOURNAL_OVERFLOW_FILE);
}

static int start_journal(struct judge *j, struct err *err)
{
    const struct node_cfg *node = &j->site.settings->node;
    const char *state_dir = node->state_dir;
    char overflow[PATH_BYTES];
    struct journal_cfg cfg = { .state_dir = state_dir,
                               .loop = j->loop,
                               .visit = on_entry,
                               .trouble = on_journal_trouble,
                               .merged = on_journal_merged,
                               .arg = j,
                               .overflow = overflow,
                               .durable = ledger_new(),
                               .file_bytes = node->journal_file_bytes,
                               .old_files = node->journal_old_files };

    overflow_path(node, overflow);
    j->ledger = ledger_new();
    if (journal_open(&cfg, &j->journal, err) == 0) {
        if (j->ledger->head_left > 0)
            return err_set(err, ERR_REMOTE,
                           "the journal in %s ends in its head, %u lines are missing: put its copy "
                           "back (see dnsflip audit verify)",
                           state_dir, j->ledger->head_left);
        if (j->ledger->is_initialised)
            return 0;
        return err_set(err, ERR_REMOTE,
                       "the journal in %s has no entry, not even of dnsflip init: put its copy "
                       "back, or remove it and run dnsflip init --active CLUSTER",
                       state_dir);
    }
    if (err->code != ERR_USAGE)
        return err_wrap(err, "journal in %s", state_dir);
    return err_set(err, ERR_USAGE,
                   "there is no journal in %s: was this node ever failed over? If not, or if you "
                   "know which cluster is active, say so: dnsflip init --active CLUSTER [--group "
                   "GROUP=CLUSTER]",
                   state_dir);
}

/* What an earlier judge left with the supervisor: names keep their answers over our restart. */
static int start_kept(struct judge *j, struct judge_pair *kept, struct err *err)
{
    struct link_message hello = link_message(LINK_HELLO);

    *kept = JUDGE_PAIR_NONE;
    if (judge_link_send(&hello, NULL, 0, err) < 0 || judge_link_await(j, LINK_KEPT, err) < 0)
        return -1;
    j->upgrades = j->reply.upgrades;
    if (j->n_reply_fds == 2 || j->n_reply_fds == LINK_PAIR_FDS_MAX)
        judge_pair_keep(kept, j->reply_fds[0], j->reply_fds[1],
                        j->n_reply_fds == 2 ? -1 : j->reply_fds[2]);
    /* One that cannot be read (another version's) is served all the same: ours is a newer one. */
    kept->generation = j->reply.generation;
    return 0;
}

static int start_pair(struct judge *j, const struct judge_pair *kept,
                      const struct judge_answers *answers, struct err *err)
{
    if (judge_link_bind(j, j->site.settings, err) < 0)
        return -1;
    return judge_pair_make(j->site.settings, j->ledger, kept, answers, &j->site.pair, err);
}

/* What runs: the file, or what was answered before. */
static int start_truth(struct judge *j, struct judge_pair *kept, struct err *err)
{
    struct kept_view view = { .map = NULL };
    struct judge_answers answers;
    int result = judge_truth_find(j, kept, &view, &answers, err);

    if (result == 0)
        result = judge_survey(j, kept, err);
    if (result == 0)
        result = start_pair(j, kept, &answers, err);
    kept_view_fini(&view);
    return result;
}

static int start_engine(struct judge *j, struct err *err)
{
    struct engine_deps deps = { .loop = j->loop,
                                .io = &j->io,
                                .journal = j->journal,
                                .ledger = j->ledger,
                                .settings = j->site.settings,
                                .hand_over = judge_accept_hand_over,
                                .hand_over_dropped = judge_accept_dropped,
                                .hand_over_arg = j };

    if (judge_site_open(j, &j->site, err) < 0 ||
        hooks_new(&j->io, j->site.settings->node.state_dir, &j->hooks, err) < 0)
        return -1;
    j->secondaries = secondaries_new(&j->io);
    secondaries_use(j->secondaries, j->site.settings, j->site.pair.page, j->site.pair.serial);
    judge_site_wire(j, &j->site, NULL);
    judge_site_counters(&j->site, j->counters);
    deps.hooks = j->hooks;
    deps.secondaries = j->secondaries;
    deps.providers = j->site.providers;
    if (engine_new(&deps, &j->engine, err) < 0)
        return -1;
    engine_raise_epoch(j->engine, j->site.pair.serial);
    return 0;
}

static const struct reload_report *last_reload(const void *judge)
{
    const struct judge *j = judge;

    return &j->last_reload;
}

static uint32_t upgrades(const void *judge)
{
    const struct judge *j = judge;

    return j->upgrades;
}

static int start_control(struct judge *j, struct err *err)
{
    j->ops = (struct judge_ops){ .reload = judge_reload,
                                 .last_reload = last_reload,
                                 .upgrade = judge_upgrade,
                                 .upgrades = upgrades,
                                 .face = judge_http_face,
                                 .judge = j };
    if (ctl_server_new(j->loop, j->control_fd, j->engine, &j->ops, &j->ctl, err) < 0)
        return err_wrap(err, "control socket");
    return judge_http_start(j, err);
}

static void record_start(struct judge *j)
{
    struct journal_entry entry = { .kind = ENTRY_START, .time = loop_now(j->loop).wall };

    str_copy(entry.detail, sizeof(entry.detail), DNSFLIP_VERSION);
    str_copy(entry.reason, sizeof(entry.reason), j->site.settings->digest);
    entry.serial = j->site.pair.serial;
    journal_append(j->journal, &entry, NULL, NULL);
}

static int start(struct judge *j, struct err *err)
{
    struct judge_pair kept;
    int result;

    if (start_journal(j, err) < 0 || start_kept(j, &kept, err) < 0)
        return -1;
    result = start_truth(j, &kept, err);
    if (result == 0)
        result = start_engine(j, err);
    if (result == 0)
        judge_survey_apply(j);
    judge_pair_drop(&kept);
    if (result < 0 || judge_truth_start(j, err) < 0 || start_control(j, err) < 0)
        return -1;
    j->last_reload.generation = j->site.pair.generation;
    record_start(j);
    judge_truth_tell(j);
    judge_link_watch(j);
    engine_start(j->engine);
    return judge_pair_send(&j->site.pair, err);
}

/* ---- end
 * ------------------------------------------------------------------------------------------ */

/* The journal first: what is queued must reach the disk while its listeners still exist. */
static void end(struct judge *j)
{
    kept_writer_close(j->kept_writer);
    journal_close(j->journal);
    ctl_server_free(j->ctl);
    http_server_free(j->http);
    engine_free(j->engine);
    hooks_free(j->hooks);
    judge_site_drop(&j->next);
    judge_site_drop(&j->retired);
    judge_site_drop(&j->site);
    secondaries_free(j->secondaries);
    ledger_free(j->ledger);
    secret_free(j->http_token);
    loop_timer_free(j->reload_timer);
    loop_timer_free(j->reload.timer);
    mem_free(j->reload.adoptions);
    mem_free(j->reload.by_group);
    loop_timer_free(j->stop_timer);
    loop_fd_free(j->link_watch);
    io_fini(&j->io);
    loop_free(j->loop);
    buf_fini(&j->reload_text);
}

static enum log_level level_of(const char *name)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };

    for (int i = 0; i < 4; i++) {
        if (strcmp(names[i], name) == 0)
            return (enum log_level)i;
    }
    return LOG_LEVEL_INFO;
}

int judge_main(int argc, char **argv)
{
    struct judge *j = mem_zalloc(sizeof(*j));
    struct err err;
    int exit;

    log_init("judge", level_of(argc > 2 ? argv[2] : "info"));
    j->config_path = argc > 1 ? argv[1] : "";
    j->control_fd = j->http_fd = -1;
    j->site.pair = j->next.pair = j->retired.pair = JUDGE_PAIR_NONE;
    j->run_accept = argc > 3 ? argv[3] : "";
    j->last_reload = (struct reload_report){ .ok = true, .text = "", .accept = j->accept };
    buf_init(&j->reload_text, PROBLEMS_BYTES_MAX);
    if (link_child_guard(&err) < 0) {
        log_error("judge", "%s", err.text);
        return 1;
    }
    if (start_config(j) < 0)
        return 1;
    if (loop_new(&j->loop, &err) < 0 || io_init(&j->io, j->loop, &err) < 0 || start(j, &err) < 0) {
        log_error("judge", "%s", err.text);
        return 1;
    }
    loop_run(j->loop);
    end(j);
    exit = j->exit;
    mem_free(j);
    return exit;
}
