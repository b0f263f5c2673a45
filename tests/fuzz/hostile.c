#include "tests/fuzz/hostile.h"

#include <assert.h>
#include <string.h>

#include "dnsflip/dns/view_format.h"
#include "tests/fuzz/question.h"

#define HEADER_BYTES 12
#define DNS_CLASS_IN 1
#define QUERY_BYTES_MAX (HEADER_BYTES + VIEW_NAME_BYTES + 2 + 4)
#define NAMES_MAX 64 /* of one view */
#define TYPES_MAX 24

static void send(struct question *a, const uint8_t *name, size_t len, uint16_t type, bool is_tcp)
{
    uint8_t query[QUERY_BYTES_MAX] = { [5] = 1 };
    size_t n;

    memcpy(query + HEADER_BYTES, name, len);
    query[HEADER_BYTES + len] = (uint8_t)(type >> 8);
    query[HEADER_BYTES + len + 1] = (uint8_t)type;
    query[HEADER_BYTES + len + 3] = DNS_CLASS_IN;
    a->is_tcp = is_tcp;
    n = question_ask(a, query, HEADER_BYTES + len + 4);
    assert(!a->is_ours || n > 0);
}

static void ask_name(struct question *a, const uint8_t *name, size_t len, const uint16_t types[],
                     size_t n)
{
    if (len == 0 || len > VIEW_NAME_BYTES)
        return;
    for (size_t i = 0; i < n; i++) {
        send(a, name, len, types[i], false);
        send(a, name, len, types[i], true);
    }
}

/* The types of a node's directories, behind some that may not be among them. */
static size_t types_of(const struct view *v, const struct view_node *node,
                       uint16_t types[TYPES_MAX])
{
    static const uint16_t common[] = { 1, 5, 6, 16, 28, 43, 252, 255 };
    const uint32_t *directories =
        view_at(v, (uint32_t)((const char *)node - (const char *)v) + node->directories_at);
    size_t n = sizeof(common) / sizeof(common[0]);

    memcpy(types, common, sizeof(common));
    for (unsigned i = 0; i <= node->n_clusters; i++) {
        const struct view_directory *d = view_at(v, directories[i]);

        for (uint32_t k = 0; k < d->n && n < TYPES_MAX; k++)
            types[n++] = (uint16_t)d->entries[k].type;
    }
    return n;
}

static void ask_node(struct question *a, const struct view_node *node)
{
    uint16_t types[TYPES_MAX];
    size_t n = types_of(a->view, node, types);
    uint8_t below[VIEW_NAME_BYTES + 2] = { 1, 'q' };
    uint8_t deep[VIEW_NAME_BYTES + 4] = { 1, '*', 1, 'q' };
    uint8_t beside[VIEW_NAME_BYTES + 1];

    ask_name(a, node->name, node->name_len, types, n);
    memcpy(below + 2, node->name, node->name_len);
    ask_name(a, below, 2U + node->name_len, types, n);
    memcpy(deep + 4, node->name, node->name_len);
    ask_name(a, deep, 4U + node->name_len, types, 2);
    memcpy(beside, node->name, node->name_len);
    if (node->name_len > 2) {
        beside[1] ^= 1;
        ask_name(a, beside, node->name_len, types, n);
    }
}

void hostile_ask_all(const struct view *view, const struct page *page, bool is_ours)
{
    const struct view_slot *slots = view_at(view, view->header.slots);
    struct question a = { .view = view, .page = page, .is_ours = is_ours };
    unsigned asked = 0;

    for (uint32_t i = 0; i < UINT32_C(1) << view->header.slot_bits && asked < NAMES_MAX; i++) {
        if (slots[i].node == 0)
            continue;
        ask_node(&a, view_at(view, slots[i].node));
        asked++;
    }
}
