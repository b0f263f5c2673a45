/* dnsflip/dns/view.h -- the view: every answer of every cluster, rendered at load into one sealed
 * file.  render/ writes it; answer.c reads it.  Nothing here trusts the file: view_open checks
 * every offset before it hands the view out. */
#ifndef DNSFLIP_DNS_VIEW_H
#define DNSFLIP_DNS_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"

struct view; /* opaque; the layout is in view_format.h, shared by render/ and answer.c */

/* Maps fd (seals WRITE|SHRINK|GROW required) read-only and checks all of it.  Does not take fd
 * over. ERR_REMOTE says what is wrong. */
__attribute__((warn_unused_result)) int view_open(int fd, const struct view **out, struct err *err);
void view_close(const struct view *v);

/* How the face treats its clients (view_format.h). */
struct view_face;
const struct view_face *view_face(const struct view *v);

uint64_t view_generation(const struct view *v);
uint32_t view_serial(const struct view *v); /* the floor of every zone's SOA serial */
uint32_t view_groups(const struct view *v); /* words its page must have */

/* Name of a group, and of the cluster that index (1..) of its word stands for; NULL if there is
 * none.  So a restarted judge can read a surviving page by name. */
const char *view_group_name(const struct view *v, uint32_t group);
const char *view_cluster_name(const struct view *v, uint32_t group, unsigned index);

/* The group of that name (len bytes, no NUL among them), if health checkers may ask for its state.
 */
bool view_find_beacon(const struct view *v, const char *name, size_t len, uint32_t *group);

#endif
