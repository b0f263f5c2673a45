/* dnsflip/engine/engine_record.c -- stage 7: what happened goes to the journal, then to the ledger,
 * the log and the listeners. */
#include <stdlib.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/engine_state.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/io/loop.h"

struct record {
    struct engine *engine;
    bool folds_later;
    engine_recorded *done;
    void *arg;
};

void engine_record_tell(struct engine *e, const struct journal_entry *entry)
{
    for (size_t i = 0; i < e->n_listeners; i++)
        e->listeners[i].fn(e->listeners[i].arg, entry);
}

static void fold(struct engine *e, const struct journal_entry *entry)
{
    struct err err;

    /* The engine only writes what can follow; if the ledger disagrees, one of the two no longer
     * understands the other, and the restart replays what is on the disk. */
    if (ledger_fold(e->deps.ledger, entry, &err) < 0) {
        log_error("engine", "the ledger refuses entry %s: %s", entry_kind_name(entry->kind),
                  err.text);
        abort();
    }
}

/* How the journal does: a standing alarm while it cannot be written. */
static void note_journal(struct engine *e, bool ok, const struct err *err)
{
    if (!ok && !e->is_frozen_journal) {
        str_format(e->alarm, sizeof(e->alarm), "journal: %s", err->text);
        log_error("journal", "%s", err->text);
    }
    if (ok && e->is_frozen_journal) {
        e->alarm[0] = '\0';
        log_info("journal", "writes again");
    }
    e->is_frozen_journal = !ok;
}

static void on_done(void *arg, const struct journal_entry *entry, bool ok, const struct err *err)
{
    struct record record = *(struct record *)arg;
    struct engine *e = record.engine;

    mem_free(arg);
    note_journal(e, ok, err);
    if (ok) {
        if (record.folds_later)
            fold(e, entry);
        engine_record_tell(e, entry);
    }
    if (record.done != NULL)
        record.done(record.arg, ok, err);
}

static void log_entry(const struct journal_entry *entry)
{
    log_info("engine", "%s%s%s%s%s%s%s%s%s%s%s", entry_kind_name(entry->kind),
             entry->group[0] != '\0' ? " group=" : "", entry->group,
             entry->from[0] != '\0' ? " from=" : "", entry->from,
             entry->to[0] != '\0' ? " to=" : "", entry->to, entry->detail[0] != '\0' ? " " : "",
             entry->detail, entry->reason[0] != '\0' ? ": " : "", entry->reason);
}

static void append(struct engine *e, const struct journal_entry *entry, bool folds_later,
                   engine_recorded *done, void *arg)
{
    struct record *record = mem_zalloc(sizeof(*record));

    *record = (struct record){ .engine = e, .folds_later = folds_later, .done = done, .arg = arg };
    journal_append(e->deps.journal, entry, on_done, record);
}

void engine_record(struct engine *e, struct journal_entry *entry, bool folds_now,
                   engine_recorded *done, void *arg)
{
    entry->time = loop_now(e->deps.loop).wall;
    log_entry(entry);
    if (e->deps.journal == NULL) {
        /* A monitor tells, but holds nothing: only what it saw, never an act. */
        engine_record_tell(e, entry);
        return;
    }
    if (folds_now)
        fold(e, entry);
    append(e, entry, !folds_now, done, arg);
}

void engine_record_reload(struct engine *e, struct journal_entry *entry)
{
    /* The judge logs it, line by line. */
    entry->time = loop_now(e->deps.loop).wall;
    fold(e, entry);
    append(e, entry, false, NULL, NULL);
}

void engine_record_again(struct engine *e, const struct journal_entry *entry, engine_recorded *done,
                         void *arg)
{
    struct record *record = mem_zalloc(sizeof(*record));

    *record = (struct record){ .engine = e, .done = done, .arg = arg };
    journal_append_missing(e->deps.journal, entry, on_done, record);
}

/* ---- operations that go on without the journal ------------------------------------------------
 */

/* One entry on its way to two files: the first that has it counts. */
struct twin {
    struct engine *engine;
    engine_recorded *done;
    void *arg;
    uint8_t n_pending;
    bool is_durable;
};

static void on_one(struct twin *t, const struct journal_entry *entry, bool ok,
                   const struct err *err)
{
    engine_recorded *done = NULL;
    void *arg = t->arg;

    t->n_pending--;
    if (ok && !t->is_durable)
        engine_record_tell(t->engine, entry);
    if ((ok || t->n_pending == 0) && !t->is_durable)
        done = t->done;
    t->is_durable = t->is_durable || ok;
    if (t->n_pending == 0)
        mem_free(t);
    if (done != NULL)
        done(arg, ok, err);
}

static void on_journal(void *arg, const struct journal_entry *entry, bool ok, const struct err *err)
{
    struct twin *t = arg;

    note_journal(t->engine, ok, err);
    on_one(t, entry, ok, err);
}

static void on_overflow(void *arg, const struct journal_entry *entry, bool ok,
                        const struct err *err)
{
    struct twin *t = arg;

    if (!ok)
        log_error("journal", "%s", err->text);
    on_one(t, entry, ok, err);
}

void engine_record_fold(struct engine *e, struct journal_entry *entry)
{
    entry->time = loop_now(e->deps.loop).wall;
    log_entry(entry);
    fold(e, entry);
}

void engine_record_forced(struct engine *e, struct journal_entry *entry, bool to_journal,
                          engine_recorded *done, void *arg)
{
    struct twin *t = mem_zalloc(sizeof(*t));

    engine_record_fold(e, entry);
    *t = (struct twin){ .engine = e, .done = done, .arg = arg, .n_pending = to_journal ? 2 : 1 };
    if (to_journal)
        journal_append(e->deps.journal, entry, on_journal, t);
    journal_append_overflow(e->deps.journal, entry, on_overflow, t);
}

void engine_record_overflow(struct engine *e, const struct journal_entry *entry,
                            engine_recorded *done, void *arg)
{
    struct twin *t = mem_zalloc(sizeof(*t));

    *t = (struct twin){ .engine = e, .done = done, .arg = arg, .n_pending = 1 };
    journal_append_overflow(e->deps.journal, entry, on_overflow, t);
}

/* ---- alarms --------------------------------------------------------------------------------- */

void engine_record_alarm(struct engine *e, const char *group, const char *name, const char *text)
{
    struct journal_entry entry = { .kind = ENTRY_ALARM };

    str_copy(entry.group, sizeof(entry.group), group);
    str_copy(entry.detail, sizeof(entry.detail), name);
    str_copy(entry.reason, sizeof(entry.reason), text);
    log_warn("alarm", "%s%s%s: %s", name, group[0] != '\0' ? " group=" : "", group, text);
    engine_record(e, &entry, true, NULL, NULL);
}

void engine_raise_alarm(struct engine *e, const char *name, const char *text)
{
    engine_record_alarm(e, "", name, text);
}
