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

/* One entry on its way.  The loop's thread makes it, fills it and frees it; between queued and
 * finished only the writer touches it. */
struct slip {
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
    void *trouble_arg;

    /* the writer's */
    char path[PATH_BYTES];
    int fd; /* -1 = not trusted any more */
    struct journal_tail tail;
    struct mono tried; /* to open it anew */
    uint64_t failed_era;
    bool has_failed;    /* failed_era is one */
    struct err failure; /* of the file, or of failed_era */
    struct buf lines;
    struct ledger *durable; /* owned; see struct journal_cfg */
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

/* ---- journal_writer.c ----------------------------------------------------------------------- */

void *journal_writer(void *arg); /* pthread_create: arg is the journal */

#endif
