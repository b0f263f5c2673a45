/* dnsflip/config/yaml_tree.h -- YAML text -> a tree whose every node knows its place.  A strict
 * subset: one document, no anchors, aliases, merge keys or tags, no duplicate keys; scalars stay
 * text, typed later by the schema and never by guess. */
#ifndef DNSFLIP_CONFIG_YAML_TREE_H
#define DNSFLIP_CONFIG_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/config/report.h"

#define YAML_TREE_DEPTH_MAX 32
#define YAML_TREE_NODES_MAX 2000000
#define YAML_TREE_BYTES_MAX (64U << 20)
#define YAML_TREE_KEY_BYTES_MAX 1024

enum yaml_tree_kind {
    YAML_TREE_SCALAR = 0,
    YAML_TREE_LIST,
    YAML_TREE_MAP,
    YAML_TREE_REFUSED, /* an alias: already reported, to be passed over in silence */
};

/* All memory belongs to the tree. */
struct yaml_node {
    enum yaml_tree_kind kind;
    bool is_quoted;                 /* scalars: "..." or '...' or a block, never a bare word */
    uint32_t line, column;          /* from 1 */
    uint32_t key_line, key_column;  /* of the key, in a map */
    uint32_t index;                 /* among its siblings, from 0 */
    uint32_t n_children;            /* lists, maps */
    const char *key;                /* in a map; NULL elsewhere */
    const char *text;               /* scalars: terminated, without NUL bytes inside */
    const struct yaml_node *parent; /* NULL = the root */
    struct yaml_node *child, *next; /* first child; next sibling */
};

struct yaml_tree;

/* Parses text.  Every mistake goes to report under the name file; what can be passed over is
 * passed over, so that more than one is found.  NULL if there is no tree at all. */
struct yaml_tree *yaml_tree_parse(const char *file, const char *text, size_t len,
                                  struct config_report *report);

/* NULL does nothing. */
void yaml_tree_free(struct yaml_tree *t);

const struct yaml_node *yaml_tree_root(const struct yaml_tree *t);

/* The value of key in a map; NULL if it is not there or map is NULL or no map. */
const struct yaml_node *yaml_tree_find(const struct yaml_node *map, const char *key);

/* Is it what "key:" with nothing behind it, "~" or "null" gives? */
bool yaml_tree_is_null(const struct yaml_node *node);

/* Appends "groups.prod.endpoints[2].hostname"; nothing for the root. */
void yaml_tree_path(const struct yaml_node *node, struct buf *out);

/* "a list", "a map", "a single value". */
const char *yaml_tree_kind_name(enum yaml_tree_kind kind);

#endif
