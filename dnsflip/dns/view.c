#include "dnsflip/dns/view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "dnsflip/dns/view_format.h"
#include "dnsflip/model/transfer_key.h"

#define VIEW_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define VIEW_SLOT_BITS_MAX 28

/* Whether n objects of size bytes lie at offset, whole, aligned, behind the header and before the
 * padding. */
static bool in_file(const struct view *v, uint64_t offset, uint64_t n, size_t size, size_t align)
{
    uint64_t end = v->header.size - VIEW_PADDING_BYTES;

    return offset >= sizeof(struct view_header) && offset % align == 0 && offset <= end &&
           n <= (end - offset) / size;
}

#define IN_FILE(v, offset, n, type) in_file(v, offset, n, sizeof(type), alignof(type))

static bool is_wire_name(const uint8_t *name, size_t len)
{
    size_t at = 0;

    while (at < len && name[at] != 0) {
        if (name[at] > 63)
            return false;
        at += 1U + name[at];
    }
    return at + 1 == len;
}

static bool is_text(const struct view *v, uint32_t offset)
{
    if (!IN_FILE(v, offset, NAME_BYTES, char))
        return false;
    return memchr(view_at(v, offset), '\0', NAME_BYTES) != NULL;
}

static bool is_target(const struct view *v, const struct view_answer *a)
{
    const uint8_t *name = view_at(v, a->target);

    if (!IN_FILE(v, a->target, 1, uint8_t) || !IN_FILE(v, a->target, 1U + name[0], uint8_t))
        return false;
    return is_wire_name(name + 1, name[0]) && a->len >= VIEW_RDATA_AT + name[0];
}

static bool is_answer(const struct view *v, uint32_t offset)
{
    const struct view_answer *a = view_at(v, offset);
    const struct view_reloc *relocs;

    if (!IN_FILE(v, offset, 1, struct view_answer) ||
        !IN_FILE(v, offset + (uint64_t)offsetof(struct view_answer, body), a->len, uint8_t))
        return false;
    if (a->len > VIEW_BODY_BYTES_MAX || a->serial_at + 4 > a->len + (a->serial_at == 0 ? 4 : 0))
        return false;
    if (a->n_suffix_relocs > a->n_relocs || !IN_FILE(v, a->relocs, a->n_relocs, struct view_reloc))
        return false;
    relocs = view_at(v, a->relocs);
    for (unsigned i = 0; i < a->n_relocs; i++) {
        if (relocs[i].at + 2 > a->len)
            return false;
    }
    return a->target == 0 || is_target(v, a);
}

static bool is_directory(const struct view *v, uint32_t offset)
{
    const struct view_directory *d = view_at(v, offset);

    if (!IN_FILE(v, offset, 1, struct view_directory) ||
        !IN_FILE(v, offset + (uint64_t)sizeof(*d), d->n, struct view_entry))
        return false;
    for (uint32_t i = 0; i < d->n; i++) {
        if (!is_answer(v, d->entries[i].answer))
            return false;
    }
    return true;
}

static bool has_right_clusters(const struct view *v, const struct view_node *node)
{
    const struct view_group *groups = view_at(v, v->header.groups);

    if (node->group == VIEW_NO_GROUP)
        return node->n_clusters == 0;
    return node->group < v->header.n_groups && node->n_clusters == groups[node->group].n_clusters;
}

/* A cut and a DNAME have what answer() takes for granted: a first entry; a target. */
static bool has_what_flags_say(const struct view *v, const struct view_node *node,
                               const struct view_directory *d)
{
    if (node->flags == 0)
        return true;
    if (node->group != VIEW_NO_GROUP || d->n == 0)
        return false;
    if (node->flags == VIEW_NODE_DNAME)
        return ((const struct view_answer *)view_at(v, d->entries[0].answer))->target != 0;
    return node->flags == VIEW_NODE_CUT;
}

static bool is_node(const struct view *v, uint32_t offset)
{
    const struct view_node *node = view_at(v, offset);
    const struct view_slot *slots = view_at(v, v->header.slots);
    const uint32_t *directories;
    size_t padded;

    if (!IN_FILE(v, offset, 1, struct view_node) || node->name_len == 0)
        return false;
    padded = ((size_t)node->name_len + 7) / 8 * 8;
    if (node->directories_at < sizeof(*node) + padded ||
        !IN_FILE(v, offset + (uint64_t)node->directories_at, 1U + node->n_clusters, uint32_t) ||
        node->zone >= v->header.n_zones || !has_right_clusters(v, node))
        return false;
    if (node->wildcard != 0 && (node->wildcard > UINT32_C(1) << v->header.slot_bits ||
                                slots[node->wildcard - 1].node == 0))
        return false;
    directories = view_at(v, offset + node->directories_at);
    for (unsigned i = 0; i <= node->n_clusters; i++) {
        if (!is_directory(v, directories[i]))
            return false;
    }
    return has_what_flags_say(v, node, view_at(v, directories[0]));
}

static int check_groups(const struct view *v, struct err *err)
{
    const struct view_group *groups = view_at(v, v->header.groups);

    if (v->header.n_groups > GROUPS_MAX ||
        !IN_FILE(v, v->header.groups, v->header.n_groups, struct view_group))
        return err_set(err, ERR_REMOTE, "view: its %u groups do not lie in it", v->header.n_groups);
    for (uint32_t i = 0; i < v->header.n_groups; i++) {
        bool good = groups[i].n_clusters >= 1 && groups[i].n_clusters <= CLUSTERS_MAX &&
                    is_text(v, groups[i].name);

        for (uint32_t k = 0; good && k < groups[i].n_clusters; k++)
            good = is_text(v, groups[i].clusters[k]);
        if (!good)
            return err_set(err, ERR_REMOTE, "view: group %u is malformed", i);
    }
    return 0;
}

/* In the order of names, so that no group is there twice and one is found by halving. */
static int check_beacons(const struct view *v, struct err *err)
{
    const struct view_header *h = &v->header;
    const uint32_t *numbers = view_at(v, h->beacons);

    if (h->n_beacons > h->n_groups || !IN_FILE(v, h->beacons, h->n_beacons, uint32_t))
        return err_set(err, ERR_REMOTE, "view: its %u beacons do not lie in it", h->n_beacons);
    for (uint32_t i = 0; i < h->n_beacons; i++) {
        if (numbers[i] >= h->n_groups || (i > 0 && strcmp(view_group_name(v, numbers[i - 1]),
                                                          view_group_name(v, numbers[i])) >= 0))
            return err_set(err, ERR_REMOTE, "view: beacon %u is malformed", i);
    }
    return 0;
}

static bool is_zone(const struct view *v, const struct view_zone *zone)
{
    const uint32_t *groups = view_at(v, zone->groups);

    if (zone->apex_len == 0 || zone->apex_len > VIEW_NAME_BYTES ||
        !IN_FILE(v, zone->apex, zone->apex_len, uint8_t) ||
        !is_wire_name(view_at(v, zone->apex), zone->apex_len))
        return false;
    if (!is_answer(v, zone->negative) || zone->n_groups > v->header.n_groups ||
        !IN_FILE(v, zone->groups, zone->n_groups, uint32_t))
        return false;
    for (uint32_t i = 0; i < zone->n_groups; i++) {
        if (groups[i] >= v->header.n_groups)
            return false;
    }
    return true;
}

static int check_zones(const struct view *v, struct err *err)
{
    const struct view_zone *zones = view_at(v, v->header.zones);

    if (v->header.n_zones > UINT16_MAX ||
        !IN_FILE(v, v->header.zones, v->header.n_zones, struct view_zone))
        return err_set(err, ERR_REMOTE, "view: its %u zones do not lie in it", v->header.n_zones);
    for (uint32_t i = 0; i < v->header.n_zones; i++) {
        if (!is_zone(v, &zones[i]))
            return err_set(err, ERR_REMOTE, "view: zone %u is malformed", i);
    }
    return 0;
}

static bool is_network(const struct view_network *network)
{
    return (network->ip_bytes == 4 || network->ip_bytes == 16) &&
           network->bits <= 8 * network->ip_bytes;
}

static int check_face(const struct view *v, struct err *err)
{
    const struct view_face *face = view_at(v, v->header.face);
    bool good = IN_FILE(v, v->header.face, 1, struct view_face) && face->rate <= RATE_LIMIT_MAX &&
                face->slip <= RATE_SLIP_MAX && face->nsid_len < NSID_BYTES &&
                face->n_exempt <= EXEMPT_MAX;

    for (uint32_t i = 0; good && i < face->n_exempt; i++) {
        good = is_network(&face->exempt[i]);
    }
    return good ? 0 : err_set(err, ERR_REMOTE, "view: its options for the face are malformed");
}

static int check_slots(const struct view *v, struct err *err)
{
    const struct view_slot *slots = view_at(v, v->header.slots);
    uint32_t bits = v->header.slot_bits;
    uint32_t empty = 0;

    if (bits < 1 || bits > VIEW_SLOT_BITS_MAX ||
        !IN_FILE(v, v->header.slots, UINT64_C(1) << bits, struct view_slot))
        return err_set(err, ERR_REMOTE, "view: 2^%u slots do not lie in it", bits);
    for (uint32_t i = 0; i < UINT32_C(1) << bits; i++) {
        if (slots[i].node == 0)
            empty++;
        else if (!is_node(v, slots[i].node))
            return err_set(err, ERR_REMOTE, "view: the node of slot %u is malformed", i);
    }
    /* A search ends at an empty slot. */
    if (empty == 0)
        return err_set(err, ERR_REMOTE, "view: no slot is empty");
    return 0;
}

/* Who may transfer a zone. */
static bool is_access(const struct view *v, const struct view_zone *zone)
{
    const struct view_network *networks = view_at(v, zone->networks);
    const uint32_t *keys = view_at(v, zone->keys);

    if (zone->n_networks > ALLOW_TRANSFER_MAX || zone->n_keys > TRANSFER_KEYS_MAX ||
        !IN_FILE(v, zone->networks, zone->n_networks, struct view_network) ||
        !IN_FILE(v, zone->keys, zone->n_keys, uint32_t))
        return false;
    for (uint32_t i = 0; i < zone->n_networks; i++) {
        if (!is_network(&networks[i]))
            return false;
    }
    for (uint32_t i = 0; i < zone->n_keys; i++) {
        const uint8_t *name = view_at(v, keys[i]);

        if (!IN_FILE(v, keys[i], 1, uint8_t) || !IN_FILE(v, keys[i], 1U + name[0], uint8_t))
            return false;
    }
    return true;
}

/* What a transfer takes for granted: names that end in the zone's, the zone's own first. */
static bool is_name_of(const struct view *v, uint32_t zone, uint32_t offset)
{
    const struct view_zone *z = (const struct view_zone *)view_at(v, v->header.zones) + zone;
    const struct view_node *node = view_at(v, offset);

    return is_node(v, offset) && node->zone == zone && node->name_len >= z->apex_len &&
           is_wire_name(node->name, node->name_len) &&
           memcmp(node->name + node->name_len - z->apex_len, view_at(v, z->apex), z->apex_len) == 0;
}

/* Behind check_slots: nodes lead to slots. */
static int check_transfers(const struct view *v, struct err *err)
{
    const struct view_zone *zones = view_at(v, v->header.zones);

    for (uint32_t i = 0; i < v->header.n_zones; i++) {
        const uint32_t *names = view_at(v, zones[i].names);
        bool good = is_access(v, &zones[i]) && zones[i].n_names > 0 &&
                    IN_FILE(v, zones[i].names, zones[i].n_names, uint32_t);

        for (uint32_t k = 0; good && k < zones[i].n_names; k++)
            good = is_name_of(v, i, names[k]);
        if (!good ||
            ((const struct view_node *)view_at(v, names[0]))->name_len != zones[i].apex_len)
            return err_set(err, ERR_REMOTE, "view: zone %u cannot be transferred", i);
    }
    return 0;
}

static int check_view(const struct view *v, uint64_t size, struct err *err)
{
    const struct view_header *h = &v->header;

    if (h->magic != VIEW_MAGIC)
        return err_set(err, ERR_REMOTE, "this is not a view: wrong magic");
    if (h->format != VIEW_FORMAT)
        return err_set(err, ERR_REMOTE, "view of format %u, this program knows %d", h->format,
                       VIEW_FORMAT);
    if (h->size != size)
        return err_set(err, ERR_REMOTE, "view of %llu bytes in a file of %llu",
                       (unsigned long long)h->size, (unsigned long long)size);
    if (h->checksum != view_checksum(v, size))
        return err_set(err, ERR_REMOTE, "view: wrong checksum");
    if (h->labels > VIEW_LABELS_MAX)
        return err_set(err, ERR_REMOTE, "view: names of %u labels", h->labels);
    if (check_face(v, err) < 0 || check_groups(v, err) < 0 || check_beacons(v, err) < 0 ||
        check_zones(v, err) < 0)
        return -1;
    return check_slots(v, err) < 0 ? -1 : check_transfers(v, err);
}

int view_open(int fd, const struct view **out, struct err *err)
{
    struct stat st;
    struct view *v;
    uint64_t size;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot look at the view");
    if ((seals & VIEW_SEALS) != VIEW_SEALS)
        return err_set(err, ERR_REMOTE, "the view is not sealed: 0x%x, not 0x%x", (unsigned)seals,
                       (unsigned)VIEW_SEALS);
    size = (uint64_t)st.st_size;
    if (size < sizeof(*v) + VIEW_PADDING_BYTES || size > VIEW_BYTES_MAX || size % 8 != 0)
        return err_set(err, ERR_REMOTE, "no view is %llu bytes long", (unsigned long long)size);
    v = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (v == MAP_FAILED)
        return err_sys(err, errno, "cannot map the view");
    if (check_view(v, size, err) < 0) {
        munmap(v, size);
        return -1;
    }
    *out = v;
    return 0;
}

void view_close(const struct view *v)
{
    /* munmap takes a pointer to non-const, and changes nothing of what it points to. */
    union {
        const struct view *in;
        void *out;
    } u = { .in = v };

    if (v != NULL)
        munmap(u.out, v->header.size);
}

const struct view_face *view_face(const struct view *v)
{
    return view_at(v, v->header.face);
}

uint64_t view_generation(const struct view *v)
{
    return v->header.generation;
}

uint32_t view_serial(const struct view *v)
{
    return v->header.serial;
}

uint32_t view_groups(const struct view *v)
{
    return v->header.n_groups;
}

const char *view_group_name(const struct view *v, uint32_t group)
{
    const struct view_group *groups = view_at(v, v->header.groups);

    return group < v->header.n_groups ? view_at(v, groups[group].name) : NULL;
}

const char *view_cluster_name(const struct view *v, uint32_t group, unsigned index)
{
    const struct view_group *groups = view_at(v, v->header.groups);

    if (group >= v->header.n_groups || index == 0 || index > groups[group].n_clusters)
        return NULL;
    return view_at(v, groups[group].clusters[index - 1]);
}

bool view_find_beacon(const struct view *v, const char *name, size_t len, uint32_t *group)
{
    const uint32_t *numbers = view_at(v, v->header.beacons);
    uint32_t low = 0;
    uint32_t high = v->header.n_beacons;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const char *has = view_group_name(v, numbers[middle]);
        int order = strncmp(name, has, len);

        if (order == 0 && has[len] == '\0') {
            *group = numbers[middle];
            return true;
        }
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
