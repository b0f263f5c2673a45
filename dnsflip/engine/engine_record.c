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

static void on_done(void *arg, const struct journal_entry *entry, bool ok, const struct err *err)
{
    struct record record = *(struct record *)arg;
    struct engine *e = record.engine;

    mem_free(arg);
    if (!ok && !e->is_frozen_journal) {
        str_format(e->alarm, sizeof(e->alarm), "journal: %s", err->text);
        log_error("journal", "%s", err->text);
    }
    if (ok && e->is_frozen_journal) {
        e->alarm[0] = '\0';
        log_info("journal", "writes again");
    }
    e->is_frozen_journal = !ok;
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
    append(e, entry, false, done, arg);
}

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
