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

static int read_journal(const struct settings *s, struct ledger *l, struct err *err)
{
    char path[PATH_BYTES];
    uint64_t torn_bytes;

    if (!str_format(path, sizeof(path), "%s/%s", s->node.state_dir, JOURNAL_FILE))
        return err_set(err, ERR_LIMIT, "state_dir is too long");
    return journal_read(path, on_entry, l, &torn_bytes, err);
}

static int rehearse(const struct settings *s, struct err *err)
{
    static const struct judge_answers rendered = { .bytes = NULL };
    struct judge_pair none = JUDGE_PAIR_NONE;
    struct judge_pair pair;
    struct ledger *l = ledger_new();
    int result = read_hand_over(err);

    if (result == 0)
        result = read_journal(s, l, err);
    if (result == 0)
        result = judge_pair_make(s, l, &none, &rendered, &pair, err);
    if (result == 0)
        judge_pair_drop(&pair);
    ledger_free(l);
    return result;
}

int judge_rehearse(int argc, char **argv)
{
    struct settings *settings = NULL;
    struct buf problems;
    struct err err;

    log_init("rehearsal", LOG_LEVEL_ERROR); /* warnings are for the start itself to tell */
    printf("%s\n", formats_line());
    (void)fflush(stdout);
    buf_init(&problems, PROBLEMS_BYTES_MAX);
    int result = judge_site_load(argc > 1 ? argv[1] : "", &settings, &problems);
    (void)fputs(buf_text(&problems), stdout);
    buf_fini(&problems);
    if (result < 0)
        return EXIT_FAILURE;
    result = rehearse(settings, &err);
    settings_free(settings);
    if (result == 0)
        return EXIT_SUCCESS;
    printf("%s\n", err.text);
    return EXIT_FAILURE;
}
