/* dnsflip/kept_view.h -- state_dir/view: what this node last answered with, and the settings it was
 * made of.  A start compares its configuration with them, and serves them if a name would move. */
#ifndef DNSFLIP_KEPT_VIEW_H
#define DNSFLIP_KEPT_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"
#include "dnsflip/model/limits.h"
#include "dnsflip/model/settings.h"

#define KEPT_VIEW_FILE "view"
#define KEPT_VIEW_FORMAT 1
#define KEPT_VIEW_BYTES_MAX (UINT64_C(1) << 32) /* settings and view together */

/* One that was read; the pointers lie in map. */
struct kept_view {
    char digest[SETTINGS_DIGEST_BYTES]; /* of the settings */
    uint32_t serial;                    /* the view's own */
    const char *settings;               /* as printed; settings_len bytes, no NUL */
    size_t settings_len;
    const void *view; /* the view's file, view_len bytes; its own checks are view_open's */
    size_t view_len;
    void *map; /* owned; NULL = none was read */
    size_t map_len;
};

/* One to be written.  Another thread may do that: nothing in here is shared with anybody. */
struct kept_view_new {
    char digest[SETTINGS_DIGEST_BYTES];
    uint32_t serial;
    struct buf settings; /* owned */
    int view_fd;         /* owned: a sealed view */
};
void kept_view_new_fini(struct kept_view_new *k);

/* Maps and checks state_dir/view.  ERR_USAGE: there is none.  ERR_CONFLICT: a newer dnsflip wrote
 * it.  ERR_REMOTE: it is damaged, ERR_SYS: it cannot be read; the text says how. */
__attribute__((warn_unused_result)) int kept_view_read(const char *state_dir, struct kept_view *out,
                                                       struct err *err);
void kept_view_fini(struct kept_view *k);

/* Writes it so that after a power cut there is the old one or the new one, whole: a file beside it,
 * fsync, rename, fsync of the directory.  One writer at a time: it holds the journal's lock. */
__attribute__((warn_unused_result)) int
kept_view_write(const char *state_dir, const struct kept_view_new *k, struct err *err);

#endif
