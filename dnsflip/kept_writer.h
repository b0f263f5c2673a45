/* dnsflip/kept_writer.h -- the thread that writes state_dir/view: a slow or hung disk holds up
 * neither the loop nor an answer. */
#ifndef DNSFLIP_KEPT_WRITER_H
#define DNSFLIP_KEPT_WRITER_H

#include "dnsflip/base/err.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/kept_view.h"

#define KEPT_WRITER_RETRY_MS                                                                       \
    INT64_C(30000)                /* after a failure, until it works or a newer one comes */
#define KEPT_WRITER_CLOSE_MS 2000 /* kept_writer_close waits no longer for the disk */

struct kept_writer;

/* In the loop's thread, once per try.  ok: digest's view is durable. */
typedef void kept_writer_done(void *arg, const char *digest, bool ok, const struct err *err);

__attribute__((warn_unused_result)) int kept_writer_new(struct loop *loop, const char *state_dir,
                                                        kept_writer_done *done, void *arg,
                                                        struct kept_writer **out, struct err *err);

/* Writes it as soon as the one before is written; of several that wait only the newest is.  k is
 * taken over, and malloc'd. */
void kept_writer_put(struct kept_writer *w, struct kept_view_new *k);

/* Waits up to KEPT_WRITER_CLOSE_MS for what is being written, then lets go; no callbacks any more.
 * NULL does nothing; not from a kept_writer_done. */
void kept_writer_close(struct kept_writer *w);

#endif
