/* dnsflip/judge_rehearse.c -- could this program take over here?  Everything that a start would do
 * with what is there, and that leaves no trace.  Asked by the program that runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/formats.h"
#include "dnsflip/judge.h"
#include "dnsflip/judge_state.h"
#include "dnsflip/supervisor_hand_over.h"

#define PROBLEMS_BYTES_MAX (1U << 20)

static int read_hand_over(struct err *err)
{
    struct supervisor_hand_over *h = mem_zalloc(sizeof(*h));
    int result = supervisor_hand_over_read(LINK_FD, h, err);

    mem_free(h);
    return result;
}

static int on_entry(void *arg, const struct journal_entry *entry, struct err *err)
{
    return ledger_fold(arg, entry, err);
}

static int read_journal(struct judge *j, struct err *err)
{
    char path[PATH_BYTES];
    uint64_t torn_bytes;

    if (!str_format(path, sizeof(path), "%s/%s", j->site.settings->node.state_dir, JOURNAL_FILE))
        return err_set(err, ERR_LIMIT, "state_dir is too long");
    return journal_read(path, on_entry, j->ledger, &torn_bytes, err);
}

/* What runs: the file, or what was answered before; then its answers. */
static int make_pair(struct judge *j, struct err *err)
{
    struct kept_view view = { .map = NULL };
    struct judge_answers answers;
    struct judge_pair none = JUDGE_PAIR_NONE;
    struct judge_pair pair;
    int result = judge_truth_find(j, &none, &view, &answers, err);

    if (result == 0)
        result = judge_pair_make(j->site.settings, j->ledger, &none, &answers, &pair, err);
    if (result == 0)
        judge_pair_drop(&pair);
    kept_view_fini(&view);
    return result;
}

static int load_config(struct judge *j)
{
    struct buf problems;

    buf_init(&problems, PROBLEMS_BYTES_MAX);
    int result = judge_site_load(j->config_path, &j->site.settings, &problems);
    (void)fputs(buf_text(&problems), stdout);
    buf_fini(&problems);
    return result;
}

static int rehearse(struct judge *j)
{
    struct err err;

    if (load_config(j) < 0)
        return -1;
    j->ledger = ledger_new();
    buf_init(&j->reload_text, PROBLEMS_BYTES_MAX);
    int result = read_hand_over(&err);
    if (result == 0)
        result = read_journal(j, &err);
    if (result == 0)
        result = make_pair(j, &err);
    if (result != 0)
        printf("%s\n", err.text);
    buf_fini(&j->reload_text);
    ledger_free(j->ledger);
    settings_free(j->site.settings);
    return result;
}

int judge_rehearse(int argc, char **argv)
{
    struct judge *j = mem_zalloc(sizeof(*j));

    log_init("rehearsal", LOG_LEVEL_ERROR); /* warnings are for the start itself to tell */
    printf("%s\n", formats_line());
    (void)fflush(stdout);
    j->config_path = argc > 1 ? argv[1] : "";
    j->run_accept = argc > 2 ? argv[2] : "";
    int result = rehearse(j);
    mem_free(j);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
