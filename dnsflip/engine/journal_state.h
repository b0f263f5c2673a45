/* dnsflip/engine/journal_state.h -- the journal between its two threads, shared by journal.c (the
 * loop's side) and journal_writer.c only. */
#ifndef DNSFLIP_ENGINE_JOURNAL_STATE_H
#define DNSFLIP_ENGINE_JOURNAL_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/journal_file.h"

#define JOURNAL_BATCH_BYTES (256UL * 1024) /* written and synced at once */

_Static_assert((JOURNAL_QUEUE_MAX & (JOURNAL_QUEUE_MAX - 1)) == 0, "slots are counted modulo");
_Static_assert(JOURNAL_BATCH_BYTES > JOURNAL_LINE_MAX, "a batch holds at least one line");

enum slip_kind {
    SLIP_APPEND = 0,
    SLIP_MERGE, /* from the overflow file: nothing is written if the journal knows it */
    SLIP_CLEAR, /* of the overflow file: it is not needed any more */
};

/* What is durable in the overflow file and, as far as is known, not in the journal. */
struct journal_merge {
    struct journal_entry *entries; /* owned; JOURNAL_OVERFLOW_MAX, or NULL while there is none */
    size_t n;
    size_t n_on_their_way;       /* to the overflow file */
    size_t n_merging, n_pending; /* of the first entries: handed to the writer, not back yet */
    size_t n_written;
    bool has_failed;
    struct loop_timer *again; /* owned */
};

/* One entry on its way.  The loop's thread makes it, fills it and frees it; between queued and
 * finished only the writer touches it. */
struct slip {
    enum slip_kind kind;
    struct journal_entry entry;
    journal_done *done;
    void *arg;
    struct mono queued;
    uint64_t era; /* see journal.era */
    bool ok;
    struct err err;
    struct slip *next; /* refused ones only */
};

/* Of the writer; whoever is second to say so, the writer or journal_close, frees the journal. */
enum fate { WRITER_RUNS = 0, WRITER_HAS_ENDED, WRITER_IS_ABANDONED };

/* Three counters divide the ring: [reported, finished) belongs to the loop's thread again,
 * [finished, queued) to the writer.  A slot is free again once it is reported. */
struct journal {
    struct slip *ring[JOURNAL_QUEUE_MAX];
    _Atomic uint64_t queued;   /* stored by the loop's thread */
    _Atomic uint64_t finished; /* stored by the writer */
    _Atomic bool is_stopping;
    _Atomic int fate; /* enum fate */
    int wake_fd;      /* eventfd: loop -> writer */
    int done_fd;      /* eventfd: writer -> loop */
    pthread_t thread;

    /* the loop's */
    struct loop *loop; /* borrowed */
    struct loop_fd *watch;
    uint64_t reported;
    struct slip *refused, **refused_end; /* the queue was full */
    uint64_t era; /* counts the failures reported; entries of an era stand or fall together */
    int lock;
    journal_trouble *on_trouble;
    journal_merged *on_merged;
    void *callbacks_arg;
    struct journal *overflow; /* owned; its file is another, it has no lock and no ledger */
    struct journal_merge merge;

    /* the writer's */
    char path[PATH_BYTES];
    int fd; /* -1 = not trusted any more */
    struct journal_tail tail;
    struct mono tried; /* to open it anew */
    uint64_t failed_era;
    bool has_failed;    /* failed_era is one */
    struct err failure; /* of the file, or of failed_era */
    struct buf lines;
    bool is_overflow;
    struct wall initialised; /* of an overflow: the journal it belongs to */
    struct ledger *durable;  /* owned; see struct journal_cfg */
    char state_dir[PATH_BYTES];
    uint64_t file_bytes;
    uint32_t old_files;
    struct mono not_begun; /* when a new file could not be begun last; 0 = never */

    /* handed from the writer to the loop: written while has_trouble is false, read while it is true
     */
    struct err trouble;
    _Atomic bool has_trouble;
};

/* Wakes the other side. */
void journal_poke(int fd);

static inline struct slip *journal_slip(struct journal *j, uint64_t number)
{
    return j->ring[number & (JOURNAL_QUEUE_MAX - 1)];
}

/* Without a writer, or by it as the last thing it does. */
void journal_destroy(struct journal *j);

/* As journal_append; without room it is refused as if the queue were full. */
void journal_queue(struct journal *j, enum slip_kind kind, const struct journal_entry *entry,
                   bool has_room, journal_done *done, void *arg);

/* ---- journal_merge.c ------------------------------------------------------------------------ */

/* At start, behind the replay: what the overflow file has beyond the journal is visited and kept.
 */
void journal_merge_find(struct journal *j, const struct journal_cfg *cfg);

/* Hands what is kept to the writer, unless that is under way. */
void journal_merge_start(struct journal *j);
void journal_merge_again(void *arg); /* the timer's callback: arg is the journal */

/* ---- journal_writer.c ----------------------------------------------------------------------- */

void *journal_writer(void *arg); /* pthread_create: arg is the journal */

#endif
