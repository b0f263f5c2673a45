/* tests/fuzz/fuzz_journal.c -- journals as a disk or a hand may have left them, read and folded.
 *
 *   'c' | lines: the members of an entry between its "seq" and its "prev"; the chain is put around
 *         them, so that whatever an entry says gets to the ledger
 *   else: the bytes of the file */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/engine/journal_file.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/engine/ledger_head.h"
#include "tests/fuzz/fuzz.h"

#define FILE_BYTES_MAX (1U << 20)
#define BLOCK_MS 600000
#define NOW_MS INT64_C(1800000000000)

/* An empty ledger that takes over the large parts of the one before: making them anew for each
 * input takes longer than all else together.  Never freed. */
static struct ledger *empty_ledger(struct ledger **kept)
{
    struct ledger *l = *kept;

    if (l == NULL) {
        *kept = l = ledger_new();
        return l;
    }
    for (size_t i = 0; i < l->n_groups; i++)
        mem_free(l->groups[i]);
    mem_free(l->groups);
    memset(l->request_heads, 0, LEDGER_REQUESTS_MAX * sizeof(*l->request_heads));
    *l = (struct ledger){ .requests = l->requests,
                          .request_heads = l->request_heads,
                          .request_next = l->request_next,
                          .history = l->history };
    return l;
}

/* Of what a ledger holds, enough to see a change. */
static void describe(const struct ledger *l, struct buf *out)
{
    buf_printf(out, "%d %u %llu %zu %zu %zu %u %d %s|", l->is_initialised, l->epoch,
               (unsigned long long)l->seq, l->n_groups, l->n_requests, l->n_history, l->n_outages,
               l->is_paused, l->digest);
    for (size_t i = 0; i < l->n_groups; i++)
        buf_add(out, (const char *)l->groups[i], sizeof(*l->groups[i]));
}

/* All that is asked of a ledger, whatever was folded into it. */
static void ask(const struct ledger *l, const struct journal_entry *e)
{
    const struct ledger_group *g = ledger_find(l, e->group);

    assert(l->n_groups <= LEDGER_GROUPS_MAX && l->n_outages <= LEDGER_OUTAGES_MAX &&
           l->n_history <= LEDGER_HISTORY_MAX && l->n_requests <= LEDGER_REQUESTS_MAX);
    if (g != NULL) {
        assert(g->n_fenced <= CLUSTERS_MAX);
        (void)ledger_is_fenced(g, e->to);
        (void)ledger_is_held(g, e->time);
        (void)ledger_is_blocked(g, BLOCK_MS, e->time);
    }
    (void)ledger_is_paused(l, e->time);
    (void)ledger_is_braked(l, e->to, 1, e->time);
    (void)ledger_find_request(l, e->request_id, e->time);
    (void)ledger_find_operation(l, e->operation);
    assert(ledger_next_epoch(l, e->epoch) != 0);
}

/* Folds; a refusal changes nothing. */
static int fold(struct ledger *l, const struct journal_entry *e, struct err *err)
{
    struct buf before, after;
    int rc;

    buf_init(&before, FILE_BYTES_MAX);
    buf_init(&after, FILE_BYTES_MAX);
    describe(l, &before);
    rc = ledger_fold(l, e, err);
    if (rc != 0) {
        describe(l, &after);
        assert(before.len == after.len &&
               memcmp(buf_text(&before), buf_text(&after), before.len) == 0);
    } else {
        ask(l, e);
    }
    buf_fini(&before);
    buf_fini(&after);
    return rc;
}

static int visit(void *arg, const struct journal_entry *entry, struct err *err)
{
    return fold(arg, entry, err);
}

/* Reads a file of these bytes; *out is the ledger, until the next replay. */
static int replay(const char *bytes, size_t n, struct ledger **out)
{
    static struct ledger *kept;
    struct journal_tail tail;
    uint64_t torn_bytes = 0;
    struct err err = { 0 };
    int fd = fsio_memfd("fuzz-journal", 0, &err);
    int rc;

    assert(fd >= 0 && fsio_write_all(fd, bytes, n, &err) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    *out = empty_ledger(&kept);
    rc = journal_file_read(fd, "journal", NULL, visit, *out, &tail, &torn_bytes, &err);
    assert(rc != 0 || tail.bytes + torn_bytes == n);
    assert(rc == 0 || err.text[0] != '\0');
    (void)close(fd);
    return rc;
}

/* What is being built: a file whose every line is good, and the ledger of it. */
struct chain {
    struct buf file;
    char prev[JOURNAL_HASH_BYTES];
    uint64_t seq;
    struct ledger *ledger;
};

/* An entry that was read is written and read again as the same, and goes on the chain. */
static void take_entry(struct chain *c, const struct journal_entry *entry)
{
    struct journal_entry again;
    struct buf line, line_again;
    char hash[JOURNAL_HASH_BYTES], hash_again[JOURNAL_HASH_BYTES];
    struct err err = { 0 };

    buf_init(&line, JOURNAL_LINE_MAX);
    buf_init(&line_again, JOURNAL_LINE_MAX);
    if (journal_encode(entry, c->prev, &line, hash, &err) == 0 &&
        fold(c->ledger, entry, &err) == 0) {
        assert(journal_decode(buf_text(&line), line.len - 1, c->prev, c->seq + 1, &again,
                              hash_again, &err) == JOURNAL_LINE_GOOD);
        assert(strcmp(hash, hash_again) == 0);
        assert(journal_encode(&again, c->prev, &line_again, hash_again, &err) == 0);
        assert(strcmp(buf_text(&line), buf_text(&line_again)) == 0);
        buf_add(&c->file, buf_text(&line), line.len);
        memcpy(c->prev, hash, sizeof(hash));
        c->seq++;
    }
    buf_fini(&line);
    buf_fini(&line_again);
}

/* Puts members on the chain, if they are an entry. */
static void take_members(struct chain *c, const char *members, size_t n)
{
    static const char zeros[] =
        ",\"hash\":\"0000000000000000000000000000000000000000000000000000000000000000\"}";
    struct journal_entry entry;
    char hash[JOURNAL_HASH_BYTES];
    struct err err = { 0 };
    struct buf line;

    buf_init(&line, JOURNAL_LINE_MAX);
    buf_printf(&line, "{\"v\":1,\"seq\":%llu", (unsigned long long)c->seq + 1);
    buf_add(&line, members, n);
    buf_printf(&line, ",\"prev\":\"%s\"%s", c->prev, zeros);
    /* The refusal of a wrong hash leaves the right one in hash. */
    memset(hash, 0, sizeof(hash));
    if (!line.overflowed &&
        journal_decode(line.data, line.len, c->prev, c->seq + 1, &entry, hash, &err) ==
            JOURNAL_LINE_BAD &&
        hash[0] != '\0') {
        memcpy(line.data + line.len - JOURNAL_HASH_BYTES - 1, hash, JOURNAL_HASH_BYTES - 1);
        if (journal_decode(line.data, line.len, c->prev, c->seq + 1, &entry, hash, &err) ==
            JOURNAL_LINE_GOOD)
            take_entry(c, &entry);
    }
    buf_fini(&line);
}

/* Of what a head carries: what decides. */
static void describe_groups(const struct ledger *l, struct buf *out)
{
    buf_printf(out, "%u %d %u %zu|", l->epoch, l->is_paused, l->n_outages, l->n_history);
    for (size_t i = 0; i < l->n_groups; i++) {
        const struct ledger_group *g = l->groups[i];

        buf_printf(out, "%s %d %s %u %d %d %s %d %u", g->name, g->is_adopted, g->active, g->epoch,
                   g->is_held, g->is_block_lifted, g->op.id, (int)g->op.state, g->op.epoch);
        for (unsigned k = 0; k < g->n_fenced; k++)
            buf_printf(out, " -%s", g->fenced[k]);
    }
}

static int take_head(void *arg, struct journal_entry *entry, struct err *err)
{
    struct chain *c = arg;
    uint64_t before = c->seq;

    (void)err;
    entry->seq = c->seq + 1;
    take_entry(c, entry);
    assert(c->seq == before + 1);
    return 0;
}

/* The next file's head tells the same, whatever stood in this one. */
static void rotate(const struct chain *c, struct wall now)
{
    static struct ledger *kept;
    struct chain next = { .seq = c->seq, .ledger = empty_ledger(&kept) };
    struct buf is, was;
    struct err err = { 0 };

    if (!c->ledger->is_initialised || c->ledger->head_left > 0)
        return;
    memcpy(next.prev, c->prev, sizeof(next.prev));
    buf_init(&next.file, FILE_BYTES_MAX);
    assert(ledger_head_write(c->ledger, "before", now, take_head, &next, &err) == 0);
    assert(next.ledger->head_left == 0);
    buf_init(&is, FILE_BYTES_MAX);
    buf_init(&was, FILE_BYTES_MAX);
    describe_groups(c->ledger, &was);
    describe_groups(next.ledger, &is);
    assert(strcmp(buf_text(&is), buf_text(&was)) == 0);
    buf_fini(&is);
    buf_fini(&was);
    buf_fini(&next.file);
}

static void build(const char *text, size_t n)
{
    static struct ledger *kept;
    struct chain c = { .prev = JOURNAL_FIRST_PREV, .ledger = empty_ledger(&kept) };
    struct ledger *again;
    struct buf is, was;

    buf_init(&c.file, FILE_BYTES_MAX);
    while (n > 0) {
        const char *end = memchr(text, '\n', n);
        size_t len = end != NULL ? (size_t)(end - text) : n;

        take_members(&c, text, len);
        text += len + (end != NULL ? 1 : 0);
        n -= len + (end != NULL ? 1 : 0);
    }
    /* A restart knows neither less nor more. */
    assert(replay(buf_text(&c.file), c.file.len, &again) == 0);
    buf_init(&is, FILE_BYTES_MAX);
    buf_init(&was, FILE_BYTES_MAX);
    describe(again, &is);
    describe(c.ledger, &was);
    assert(is.len == was.len);
    buf_fini(&is);
    buf_fini(&was);
    buf_fini(&c.file);
    rotate(&c, (struct wall){ .ms = NOW_MS });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ledger *l;

    if (size > 0 && data[0] == 'c')
        build((const char *)data + 1, size - 1);
    else
        (void)replay((const char *)data, size, &l);
    return 0;
}
