#include "dnsflip/config/yaml_tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "dnsflip/base/mem.h"

#define BLOCK_BYTES (256U << 10)

struct block {
    struct block *next;
    size_t used, size;
    max_align_t bytes[];
};

struct yaml_tree {
    struct block *blocks; /* owned: all nodes and texts */
    struct yaml_node *root;
    size_t n_nodes;
};

/* A map or list whose end has not been seen. */
struct open_node {
    struct yaml_node *node, *last; /* last = newest child */
    char *key;                     /* of the value to come; NULL = a key is next */
    uint32_t key_line, key_column;
    bool is_key_refused; /* the value to come is to be dropped */
};

struct parse {
    struct yaml_tree *tree;
    const char *file;
    struct config_report *report;
    struct open_node open[YAML_TREE_DEPTH_MAX];
    size_t depth;
    size_t n_documents;
    bool is_stopped; /* a mistake that makes the rest meaningless */
};

static void *take(struct yaml_tree *t, size_t n)
{
    n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (t->blocks == NULL || t->blocks->size - t->blocks->used < n) {
        size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
        struct block *b = mem_zalloc(sizeof(*b) + size);

        b->size = size;
        b->next = t->blocks;
        t->blocks = b;
    }

    void *p = (char *)t->blocks->bytes + t->blocks->used;

    t->blocks->used += n;
    return p;
}

static struct config_place place_at(const struct parse *p, const yaml_mark_t *mark)
{
    return (struct config_place){ p->file, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1 };
}

static void refuse(struct parse *p, const yaml_event_t *event, const char *text)
{
    config_report_add(p->report, CONFIG_ERROR, place_at(p, &event->start_mark), "%s", text);
}

static void stop(struct parse *p, const yaml_event_t *event, const char *text)
{
    refuse(p, event, text);
    p->is_stopped = true;
}

/* A copy that lives as long as the tree; NULL and reported if it holds a NUL byte. */
static char *copy_text(struct parse *p, const yaml_event_t *event)
{
    size_t n = event->data.scalar.length;
    const char *text = (const char *)event->data.scalar.value;

    if (memchr(text, '\0', n) != NULL) {
        refuse(p, event, "a NUL character is not allowed in a value");
        return NULL;
    }

    char *copy = take(p->tree, n + 1);

    memcpy(copy, text, n);
    return copy;
}

/* The scalar that event brings is a key of the map o. */
static void read_key(struct parse *p, struct open_node *o, const yaml_event_t *event)
{
    char *key = copy_text(p, event);

    o->key_line = (uint32_t)event->start_mark.line + 1;
    o->key_column = (uint32_t)event->start_mark.column + 1;
    o->is_key_refused = key == NULL;
    o->key = key == NULL ? take(p->tree, 1) : key;
    if (key != NULL && strcmp(key, "<<") == 0 &&
        event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        refuse(p, event, "merge keys (<<) are not supported: write the keys out");
        o->is_key_refused = true;
    }
    if (strlen(o->key) > YAML_TREE_KEY_BYTES_MAX) {
        refuse(p, event, "a key is longer than 1024 bytes");
        o->is_key_refused = true;
    }
}

/* A new node below the innermost open one, or the root. */
static struct yaml_node *add_node(struct parse *p, enum yaml_tree_kind kind,
                                  const yaml_event_t *event)
{
    struct yaml_node *node = take(p->tree, sizeof(*node));

    *node = (struct yaml_node){
        .kind = kind,
        .line = (uint32_t)event->start_mark.line + 1,
        .column = (uint32_t)event->start_mark.column + 1,
    };
    if (++p->tree->n_nodes > YAML_TREE_NODES_MAX) {
        stop(p, event, "the file has more than 2000000 values");
        return node;
    }
    if (p->depth == 0) {
        if (p->tree->root == NULL)
            p->tree->root = node;
        return node;
    }

    struct open_node *o = &p->open[p->depth - 1];

    node->parent = o->node;
    if (o->node->kind == YAML_TREE_MAP) {
        node->key = o->key;
        node->key_line = o->key_line;
        node->key_column = o->key_column;
        o->key = NULL;
        if (o->is_key_refused)
            return node;
    }
    node->index = o->node->n_children++;
    if (o->last == NULL)
        o->node->child = node;
    else
        o->last->next = node;
    o->last = node;
    return node;
}

static bool expects_key(const struct parse *p)
{
    return p->depth > 0 && p->open[p->depth - 1].node->kind == YAML_TREE_MAP &&
           p->open[p->depth - 1].key == NULL;
}

static void on_scalar(struct parse *p, const yaml_event_t *event)
{
    if (event->data.scalar.anchor != NULL)
        refuse(p, event, "anchors (&) are not supported: write the value where it is needed");
    if (event->data.scalar.tag != NULL)
        refuse(p, event, "tags (!) are not supported: the key alone decides the type");
    if (expects_key(p)) {
        read_key(p, &p->open[p->depth - 1], event);
        return;
    }

    struct yaml_node *node = add_node(p, YAML_TREE_SCALAR, event);
    char *text = copy_text(p, event);

    if (text == NULL)
        node->kind = YAML_TREE_REFUSED;
    node->text = text;
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

static void on_start(struct parse *p, enum yaml_tree_kind kind, const yaml_event_t *event,
                     const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor != NULL)
        refuse(p, event, "anchors (&) are not supported: write the value where it is needed");
    if (tag != NULL)
        refuse(p, event, "tags (!) are not supported: the key alone decides the type");
    if (expects_key(p)) {
        stop(p, event, "a key must be a single value");
        return;
    }
    if (p->depth == YAML_TREE_DEPTH_MAX) {
        stop(p, event, "nested deeper than 32 levels");
        return;
    }

    struct yaml_node *node = add_node(p, kind, event);

    p->open[p->depth++] = (struct open_node){ .node = node };
}

static int compare_keys(const void *left, const void *right)
{
    const struct yaml_node *a = *(const struct yaml_node *const *)left;
    const struct yaml_node *b = *(const struct yaml_node *const *)right;
    int by_key = strcmp(a->key, b->key);

    return by_key != 0 ? by_key : (a->index > b->index) - (a->index < b->index);
}

static void refuse_duplicates(struct parse *p, const struct yaml_node *map)
{
    if (map->n_children < 2)
        return;

    const struct yaml_node **sorted = mem_array(map->n_children, sizeof(const struct yaml_node *));
    size_t n = 0;

    for (const struct yaml_node *c = map->child; c != NULL; c = c->next)
        sorted[n++] = c;
    qsort(sorted, n, sizeof(const struct yaml_node *), compare_keys);
    for (size_t i = 1; i < n; i++) {
        const struct yaml_node *c = sorted[i];

        if (strcmp(sorted[i - 1]->key, c->key) == 0)
            config_report_add(p->report, CONFIG_ERROR,
                              (struct config_place){ p->file, c->key_line, c->key_column },
                              "the key '%s' is there twice: first on line %u", c->key,
                              sorted[i - 1]->key_line);
    }
    mem_free(sorted);
}

static void on_end(struct parse *p)
{
    /* libyaml ends only what it has begun. */
    assert(p->depth > 0);

    const struct yaml_node *node = p->open[--p->depth].node;

    if (node->kind == YAML_TREE_MAP)
        refuse_duplicates(p, node);
}

static void on_alias(struct parse *p, const yaml_event_t *event)
{
    refuse(p, event, "aliases (*) are not supported: write the value where it is needed");
    if (expects_key(p)) {
        struct open_node *o = &p->open[p->depth - 1];

        o->key = take(p->tree, 1);
        o->is_key_refused = true;
        return;
    }
    add_node(p, YAML_TREE_REFUSED, event);
}

static void on_event(struct parse *p, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        on_scalar(p, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        on_start(p, YAML_TREE_LIST, event, event->data.sequence_start.anchor,
                 event->data.sequence_start.tag);
        break;
    case YAML_MAPPING_START_EVENT:
        on_start(p, YAML_TREE_MAP, event, event->data.mapping_start.anchor,
                 event->data.mapping_start.tag);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        on_end(p);
        break;
    case YAML_ALIAS_EVENT:
        on_alias(p, event);
        break;
    case YAML_DOCUMENT_START_EVENT:
        if (++p->n_documents > 1)
            stop(p, event, "a second document begins here (---): one file holds one document");
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
}

/* Where byte offset lies: libyaml's reader gives no mark for bytes it cannot decode. */
static struct config_place place_of_offset(const struct parse *p, const char *text, size_t len,
                                           size_t offset)
{
    struct config_place place = { p->file, 1, 1 };

    for (size_t i = 0; i < offset && i < len; i++) {
        place.column++;
        if (text[i] == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    return place;
}

static void report_syntax(struct parse *p, const yaml_parser_t *parser, const char *text,
                          size_t len)
{
    const char *problem = parser->problem == NULL ? "not YAML" : parser->problem;

    if (parser->error == YAML_READER_ERROR) {
        config_report_add(p->report, CONFIG_ERROR,
                          place_of_offset(p, text, len, parser->problem_offset),
                          "the file is not UTF-8 text here: %s", problem);
    } else if (parser->context != NULL && parser->context_mark.line != parser->problem_mark.line) {
        config_report_add(p->report, CONFIG_ERROR, place_at(p, &parser->problem_mark),
                          "not YAML: %s %s that began on line %zu", problem, parser->context,
                          parser->context_mark.line + 1);
    } else {
        config_report_add(p->report, CONFIG_ERROR, place_at(p, &parser->problem_mark),
                          "not YAML: %s", problem);
    }
    p->is_stopped = true;
}

static void run(struct parse *p, yaml_parser_t *parser, const char *text, size_t len)
{
    bool is_end = false;

    while (!is_end && !p->is_stopped) {
        yaml_event_t event;

        if (yaml_parser_parse(parser, &event) == 0) {
            report_syntax(p, parser, text, len);
            return;
        }
        is_end = event.type == YAML_STREAM_END_EVENT;
        on_event(p, &event);
        yaml_event_delete(&event);
    }
}

struct yaml_tree *yaml_tree_parse(const char *file, const char *text, size_t len,
                                  struct config_report *report)
{
    struct parse p = { .file = file, .report = report };
    yaml_parser_t parser;

    if (len > YAML_TREE_BYTES_MAX) {
        config_report_add(report, CONFIG_ERROR, (struct config_place){ file, 0, 0 },
                          "the file is larger than 64 MiB");
        return NULL;
    }
    if (yaml_parser_initialize(&parser) == 0) {
        config_report_add(report, CONFIG_ERROR, (struct config_place){ file, 0, 0 },
                          "no memory for the YAML parser");
        return NULL;
    }
    p.tree = mem_zalloc(sizeof(*p.tree));
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    run(&p, &parser, text, len);
    yaml_parser_delete(&parser);
    if (!p.is_stopped && p.tree->root == NULL)
        config_report_add(report, CONFIG_ERROR, (struct config_place){ file, 1, 1 },
                          "the file is empty");
    if (p.is_stopped || p.tree->root == NULL) {
        yaml_tree_free(p.tree);
        return NULL;
    }
    return p.tree;
}

void yaml_tree_free(struct yaml_tree *t)
{
    if (t == NULL)
        return;
    for (struct block *b = t->blocks; b != NULL;) {
        struct block *next = b->next;

        mem_free(b);
        b = next;
    }
    mem_free(t);
}

const struct yaml_node *yaml_tree_root(const struct yaml_tree *t)
{
    return t->root;
}

const struct yaml_node *yaml_tree_find(const struct yaml_node *map, const char *key)
{
    if (map == NULL || map->kind != YAML_TREE_MAP)
        return NULL;
    for (const struct yaml_node *c = map->child; c != NULL; c = c->next) {
        if (strcmp(c->key, key) == 0)
            return c;
    }
    return NULL;
}

bool yaml_tree_is_null(const struct yaml_node *node)
{
    return node->kind == YAML_TREE_SCALAR && !node->is_quoted &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
            strcmp(node->text, "null") == 0);
}

void yaml_tree_path(const struct yaml_node *node, struct buf *out)
{
    if (node->parent == NULL)
        return;
    yaml_tree_path(node->parent, out);
    if (node->key == NULL) {
        buf_printf(out, "[%u]", node->index);
        return;
    }
    if (node->parent->parent != NULL)
        buf_putc(out, '.');
    buf_puts(out, node->key);
}

const char *yaml_tree_kind_name(enum yaml_tree_kind kind)
{
    switch (kind) {
    case YAML_TREE_SCALAR:
        return "a single value";
    case YAML_TREE_LIST:
        return "a list";
    case YAML_TREE_MAP:
        return "a map";
    case YAML_TREE_REFUSED:
        return "a refused value";
    }
    return "?";
}
