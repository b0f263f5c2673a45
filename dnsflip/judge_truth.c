/* dnsflip/judge_truth.c -- what was answered before, against the file: a start moves no name.  The
 * answers are those of the surviving pair, else of state_dir/view; where the file would give a
 * managed name others, the configuration that they were made of runs on, and the file waits to be
 * accepted. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/config/load.h"
#include "dnsflip/config/print.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/judge_state.h"
#include "dnsflip/kept_writer.h"

#define SHORT_DIGEST 16 /* digits of a digest that people see and say */

struct look {
    const struct judge *judge;
    const struct judge_pair *surviving;
};

/* ---- may the file be taken ----------------------------------------------------------------------
 */

/* Nothing says what was answered, and the file is not the one that was in use. */
static int refuse(const struct judge *j, const char *why, struct err *err)
{
    const char *file = j->site.settings->digest;

    if (j->ledger->serial == 0) {
        log_warn("judge", "%s: no dnsflip that keeps a view ran here before, so the file is taken",
                 why);
        return 0;
    }
    if (strlen(j->run_accept) >= SHORT_DIGEST &&
        strncmp(j->run_accept, file, strlen(j->run_accept)) == 0) {
        log_warn("judge", "%s: the file is taken, as --accept says", why);
        return 0;
    }
    return err_set(err, ERR_CONFLICT,
                   "the configuration was changed while dnsflip was down, and whether it would "
                   "move a name is not known. Put back the one of before (%.*s), or the kept view "
                   "from a copy; or, if names may move: dnsflip run --accept %.*s. Why: %s",
                   SHORT_DIGEST, j->ledger->digest, SHORT_DIGEST, file, why);
}

/* Which cluster a group's names answer with now. */
static const char *active_of(void *arg, const char *group)
{
    const struct look *look = arg;
    const struct ledger_group *known = ledger_find(look->judge->ledger, group);
    const char *served = judge_pair_cluster(look->surviving, group);

    if (served != NULL)
        return served;
    return known != NULL && known->is_adopted ? known->active : NULL;
}

/* Why the kept view does not tell what is or was answered, or NULL. */
static const char *why_stale(const struct judge *j, const char *answered,
                             const struct kept_view *kept)
{
    if (answered != NULL && strcmp(kept->digest, answered) != 0)
        return "it is not the one that the face answers with";
    /* RFC 1982: a view that was made for a move is newer than the move's epoch. */
    if (answered == NULL && j->ledger->reload_epoch != 0 &&
        (int32_t)(kept->serial - j->ledger->reload_epoch) < 0)
        return "it is older than the last accepted move of the journal";
    return NULL;
}

static int load_kept(const struct judge *j, const struct kept_view *kept, struct settings **out,
                     struct err *err)
{
    struct config_report report;
    int result;

    config_report_init(&report);
    result = config_load_text(j->config_path, kept->settings, kept->settings_len, out, &report);
    if (result < 0)
        err_set(err, ERR_CONFIG, "its configuration does not load: %s",
                report.n > 0 ? report.messages[0].text : "");
    config_report_fini(&report);
    return result;
}

/* ---- the decision -------------------------------------------------------------------------------
 */

static void run_kept(struct judge *j, struct settings *before, const struct kept_view *kept,
                     const struct config_report *differences)
{
    reload_digest(j->site.settings, differences, j->accept);
    reload_take_fixed(before, j->site.settings);
    /* What is answered keeps its name, whatever else of the file is taken over. */
    str_copy(before->digest, sizeof(before->digest), kept->digest);
    judge_reload_describe(j,
                          "the file was changed while dnsflip was down and would move names; they "
                          "answer as before",
                          differences);
    settings_free(j->site.settings);
    j->site.settings = before;
    j->last_reload.is_pending = true;
}

static void take_answers(const struct judge_pair *surviving, const struct kept_view *kept,
                         struct judge_answers *out)
{
    struct stat st;

    *out = (struct judge_answers){ .bytes = kept->view, .len = kept->view_len };
    if (surviving->view == NULL || fstat(surviving->view_fd, &st) < 0)
        return;
    out->bytes = surviving->view;
    out->len = (size_t)st.st_size;
}

static int compare(struct judge *j, const struct judge_pair *surviving,
                   const struct kept_view *kept, struct judge_answers *answers, struct err *err)
{
    struct look look = { .judge = j, .surviving = surviving };
    struct settings *before = NULL;
    struct config_report differences;
    size_t n;

    if (load_kept(j, kept, &before, err) < 0)
        return refuse(j, err->text, err);
    config_report_init(&differences);
    n = reload_moves(before, j->site.settings, active_of, &look, NULL, &differences);
    if (n == 0) {
        settings_free(before);
    } else {
        run_kept(j, before, kept, &differences);
        take_answers(surviving, kept, answers);
    }
    config_report_fini(&differences);
    return 0;
}

int judge_truth_find(struct judge *j, const struct judge_pair *surviving, struct kept_view *kept,
                     struct judge_answers *answers, struct err *err)
{
    char digest[SETTINGS_DIGEST_BYTES];
    const char *answered = judge_pair_digest(surviving, digest) ? digest : NULL;
    const char *accepted = answered != NULL ? answered : j->ledger->digest;
    const char *stale;

    *answers = (struct judge_answers){ .bytes = NULL };
    /* Nothing was ever answered, or what was is what the file says. */
    if (accepted[0] == '\0' || strcmp(accepted, j->site.settings->digest) == 0)
        return 0;
    if (kept_view_read(j->site.settings->node.state_dir, kept, err) < 0)
        return refuse(j, err->text, err);
    stale = why_stale(j, answered, kept);
    if (stale == NULL)
        return compare(j, surviving, kept, answers, err);
    err_set(err, ERR_CONFLICT, "%s/%s: %s", j->site.settings->node.state_dir, KEPT_VIEW_FILE,
            stale);
    return refuse(j, err->text, err);
}

void judge_truth_tell(struct judge *j)
{
    char text[REASON_TEXT_BYTES];

    if (!j->last_reload.is_pending)
        return;
    j->last_reload.ok = false;
    j->last_reload.time = loop_now(j->loop).wall;
    str_format(text, sizeof(text),
               "retarget pending %s: the file would move names, which answer as before; dnsflip "
               "status lists them, dnsflip reload --accept %s moves them",
               j->accept, j->accept);
    engine_raise_alarm(j->engine, "retarget-pending", text);
}

/* ---- keeping what is answered -------------------------------------------------------------------
 */

static void on_kept(void *arg, const char *digest, bool ok, const struct err *err)
{
    struct judge *j = arg;
    bool was = j->last_reload.is_kept;

    j->last_reload.is_kept = ok && strcmp(digest, j->site.settings->digest) == 0;
    if (!ok && (was || !j->is_keep_failed)) {
        log_error("judge", "what is answered cannot be kept: %s", err->text);
        engine_raise_alarm(j->engine, "view-not-kept", err->text);
    }
    if (ok && j->is_keep_failed)
        log_info("judge", "what is answered is kept again");
    j->is_keep_failed = !ok;
}

int judge_truth_start(struct judge *j, struct err *err)
{
    return kept_writer_new(j->loop, j->site.settings->node.state_dir, on_kept, j, &j->kept_writer,
                           err);
}

void judge_truth_save(struct judge *j)
{
    struct kept_view_new *k = mem_zalloc(sizeof(*k));

    j->last_reload.is_kept = false;
    k->serial = j->site.pair.serial;
    str_copy(k->digest, sizeof(k->digest), j->site.settings->digest);
    buf_init(&k->settings, PRINT_BYTES_MAX);
    print_settings(j->site.settings, &k->settings);
    k->view_fd = fcntl(j->site.pair.view_fd, F_DUPFD_CLOEXEC, 0);
    kept_writer_put(j->kept_writer, k);
}
