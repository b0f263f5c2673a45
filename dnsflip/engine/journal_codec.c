#include "dnsflip/engine/journal_codec.h"

#include <assert.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <openssl/evp.h>

#include "dnsflip/base/str.h"

#define SHA256_BYTES 32
#define WALL_MAX_MS INT64_C(253402300799999) /* the last moment of the year 9999 */
#define SEQ_MAX (UINT64_C(1) << 53)          /* JSON numbers are doubles to most readers */

#define HASH_HEAD ",\"hash\":\""
#define HASH_TAIL "\"}"
#define HASH_PART_BYTES (sizeof(HASH_HEAD) - 1 + 2 * (size_t)SHA256_BYTES + sizeof(HASH_TAIL) - 1)

enum member_type {
    MEMBER_TEXT = 0,
    MEMBER_U32,
    MEMBER_BOOL,
    MEMBER_WALL,
    MEMBER_VERB,
    MEMBER_STATE,
    MEMBER_OVERRIDES,
};

/* One row per member of struct journal_entry, in the order of the line. */
struct member {
    const char *name;
    enum member_type type;
    size_t offset;
    size_t cap; /* MEMBER_TEXT: bytes, NUL included */
};

#define TEXT(m)                                                                                    \
    {                                                                                              \
#m, MEMBER_TEXT, offsetof(struct journal_entry, m), sizeof(((struct journal_entry *)0)->m) \
    }
#define OTHER(m, type)                                                                             \
    {                                                                                              \
#m, type, offsetof(struct journal_entry, m), 0                                             \
    }

static const struct member members[] = {
    TEXT(group),
    TEXT(from),
    TEXT(to),
    TEXT(operation),
    OTHER(verb, MEMBER_VERB),
    OTHER(state, MEMBER_STATE),
    OTHER(epoch, MEMBER_U32),
    OTHER(names, MEMBER_U32),
    OTHER(in_batch, MEMBER_U32),
    OTHER(step, MEMBER_U32),
    OTHER(has_fence, MEMBER_BOOL),
    OTHER(has_hook, MEMBER_BOOL),
    OTHER(has_proof, MEMBER_BOOL),
    OTHER(is_forced, MEMBER_BOOL),
    OTHER(overrides, MEMBER_OVERRIDES),
    TEXT(actor),
    TEXT(reason),
    TEXT(request_id),
    TEXT(request_digest),
    TEXT(configuration),
    OTHER(serial, MEMBER_U32),
    OTHER(until, MEMBER_WALL),
    OTHER(reload_epoch, MEMBER_U32),
    OTHER(initialised, MEMBER_WALL),
    OTHER(acked, MEMBER_WALL),
    OTHER(since, MEMBER_WALL),
    OTHER(flip_ended, MEMBER_WALL),
    OTHER(started, MEMBER_WALL),
    OTHER(changed, MEMBER_WALL),
    OTHER(settled, MEMBER_WALL),
    OTHER(ended, MEMBER_WALL),
    OTHER(steps, MEMBER_U32),
    OTHER(asked, MEMBER_U32),
    OTHER(verified, MEMBER_U32),
    OTHER(is_adopted, MEMBER_BOOL),
    OTHER(is_lifted, MEMBER_BOOL),
    OTHER(is_held, MEMBER_BOOL),
    OTHER(is_changed, MEMBER_BOOL),
    OTHER(is_hook_begun, MEMBER_BOOL),
    TEXT(token),
    TEXT(detail),
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

/* ---- hash ----------------------------------------------------------------------------------- */

/* Of n bytes and a closing brace. */
static void hash_of(const char *head, size_t n, char hash[static JOURNAL_HASH_BYTES])
{
    unsigned char digest[SHA256_BYTES];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    /* SHA-256 of bytes at hand fails only without memory, as mem_zalloc would. */
    assert(ctx != NULL);
    int ok = EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
             EVP_DigestUpdate(ctx, head, n) == 1 && EVP_DigestUpdate(ctx, "}", 1) == 1 &&
             EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    assert(ok);
    EVP_MD_CTX_free(ctx);
    str_hex(digest, sizeof(digest), hash);
}

/* ---- encoding ------------------------------------------------------------------------------- */

static void add_overrides(struct buf *out, override_set set)
{
    const char *separator = "";

    buf_putc(out, '[');
    for (unsigned bit = 0; bit < 32; bit++) {
        const char *name = (set & OVERRIDE_RULE(bit)) != 0 ? override_name(bit) : NULL;

        if (name == NULL)
            continue;
        buf_printf(out, "%s\"%s\"", separator, name);
        separator = ",";
    }
    buf_putc(out, ']');
}

static struct wall wall_at(const char *place)
{
    return *(const struct wall *)(const void *)place;
}

/* Is the member left out?  A verb means nothing without an operation. */
static bool is_empty(const struct journal_entry *e, const struct member *m)
{
    const char *place = (const char *)e + m->offset;

    switch (m->type) {
    case MEMBER_TEXT:
        return place[0] == '\0';
    case MEMBER_U32:
        return *(const uint32_t *)(const void *)place == 0;
    case MEMBER_BOOL:
        return !*(const bool *)(const void *)place;
    case MEMBER_WALL:
        return wall_at(place).ms == 0;
    case MEMBER_VERB:
        return e->operation[0] == '\0';
    case MEMBER_STATE:
        return e->state == OP_NONE;
    case MEMBER_OVERRIDES:
        return e->overrides == 0;
    }
    return true;
}

static void add_member(struct buf *out, const struct journal_entry *e, const struct member *m)
{
    const char *place = (const char *)e + m->offset;
    char time[WALL_TEXT_BYTES];

    if (is_empty(e, m))
        return;
    buf_printf(out, ",\"%s\":", m->name);
    switch (m->type) {
    case MEMBER_TEXT:
        buf_add_json(out, place);
        break;
    case MEMBER_U32:
        buf_printf(out, "%u", *(const uint32_t *)(const void *)place);
        break;
    case MEMBER_BOOL:
        buf_puts(out, "true");
        break;
    case MEMBER_WALL:
        buf_printf(out, "\"%s\"", wall_format(wall_at(place), time));
        break;
    case MEMBER_VERB:
        buf_printf(out, "\"%s\"", verb_name(e->verb));
        break;
    case MEMBER_STATE:
        buf_printf(out, "\"%s\"", op_state_name(e->state));
        break;
    case MEMBER_OVERRIDES:
        add_overrides(out, e->overrides);
        break;
    }
}

static bool is_writable_time(struct wall t)
{
    return t.ms > 0 && t.ms <= WALL_MAX_MS;
}

/* NULL, or the name of a member that cannot be written. */
static const char *find_unwritable(const struct journal_entry *e)
{
    if (!is_writable_time(e->time))
        return "time";
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct member *m = &members[i];
        struct wall t;

        if (m->type != MEMBER_WALL)
            continue;
        t = wall_at((const char *)e + m->offset);
        if (t.ms != 0 && !is_writable_time(t))
            return m->name;
    }
    return NULL;
}

int journal_encode(const struct journal_entry *entry, const char *prev, struct buf *out,
                   char hash[static JOURNAL_HASH_BYTES], struct err *err)
{
    size_t start = out->len;
    char time[WALL_TEXT_BYTES];
    const char *unwritable;

    assert(strlen(prev) == JOURNAL_HASH_BYTES - 1);
    if (entry->seq == 0 || entry->seq > SEQ_MAX)
        return err_set(err, ERR_LIMIT, "journal entry %llu: numbers go from 1 to 2^53",
                       (unsigned long long)entry->seq);
    unwritable = find_unwritable(entry);
    if (unwritable != NULL)
        return err_set(err, ERR_LIMIT, "journal entry %s: its %s is not in 1970..9999",
                       entry_kind_name(entry->kind), unwritable);
    buf_printf(out, "{\"v\":%d,\"seq\":%llu,\"time\":\"%s\",\"kind\":\"%s\"", JOURNAL_VERSION,
               (unsigned long long)entry->seq, wall_format(entry->time, time),
               entry_kind_name(entry->kind));
    for (size_t i = 0; i < MEMBERS; i++)
        add_member(out, entry, &members[i]);
    buf_printf(out, ",\"prev\":\"%s\"", prev);
    hash_of(out->data + start, out->len - start, hash);
    buf_printf(out, HASH_HEAD "%s" HASH_TAIL "\n", hash);
    if (!out->overflowed)
        return 0;
    out->len = start;
    out->data[start] = '\0';
    out->overflowed = false;
    return err_set(err, ERR_LIMIT, "journal entry %s does not fit in %zu bytes",
                   entry_kind_name(entry->kind), out->max - start);
}

/* ---- decoding ------------------------------------------------------------------------------- */

static int read_text(const cJSON *item, const char *name, char *out, size_t cap, struct err *err)
{
    if (!cJSON_IsString(item))
        return err_set(err, ERR_REMOTE, "\"%s\" is not a text", name);
    if (!str_copy(out, cap, item->valuestring))
        return err_set(err, ERR_REMOTE, "\"%s\" has %zu bytes, at most %zu are allowed", name,
                       strlen(item->valuestring), cap - 1);
    /* As encoding writes it: else what is read would be written back as something else. */
    if (!str_is_utf8(out))
        return err_set(err, ERR_REMOTE, "\"%s\" is not UTF-8", name);
    return 0;
}

static int read_number(const cJSON *item, const char *name, uint64_t max, uint64_t *out,
                       struct err *err)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) || item->valuedouble > (double)max ||
        item->valuedouble != (double)(uint64_t)item->valuedouble)
        return err_set(err, ERR_REMOTE, "\"%s\" is not a whole number from 0 to %llu", name,
                       (unsigned long long)max);
    *out = (uint64_t)item->valuedouble;
    return 0;
}

static int read_wall(const cJSON *item, const char *name, struct wall *out, struct err *err)
{
    if (!cJSON_IsString(item))
        return err_set(err, ERR_REMOTE, "\"%s\" is not a time", name);
    if (wall_parse(item->valuestring, out, err) != 0)
        return err_wrap(err, "\"%s\"", name);
    return 0;
}

typedef const char *name_of(unsigned value);

static const char *kind_of(unsigned value)
{
    return entry_kind_name((enum entry_kind)value);
}

static const char *verb_of(unsigned value)
{
    return verb_name((enum verb)value);
}

static const char *state_of(unsigned value)
{
    return op_state_name((enum op_state)value);
}

/* One of n words. */
static int read_word(const cJSON *item, const char *name, name_of *word, unsigned n, unsigned *out,
                     struct err *err)
{
    if (!cJSON_IsString(item))
        return err_set(err, ERR_REMOTE, "\"%s\" is not a text", name);
    for (unsigned i = 0; i < n; i++) {
        const char *known = word(i);

        if (known != NULL && strcmp(known, item->valuestring) == 0) {
            *out = i;
            return 0;
        }
    }
    return err_set(err, ERR_REMOTE, "unknown %s \"%.60s\"", name, item->valuestring);
}

static int read_overrides(const cJSON *list, const char *name, override_set *out, struct err *err)
{
    const cJSON *item;

    if (!cJSON_IsArray(list))
        return err_set(err, ERR_REMOTE, "\"%s\" is not a list", name);
    cJSON_ArrayForEach(item, list)
    {
        unsigned bit = 0;

        if (read_word(item, name, override_name, 32, &bit, err) != 0)
            return -1;
        *out |= OVERRIDE_RULE(bit);
    }
    return 0;
}

static int read_member(const cJSON *item, const struct member *m, struct journal_entry *e,
                       struct err *err)
{
    char *place = (char *)e + m->offset;
    uint64_t number = 0;
    unsigned word = 0;

    switch (m->type) {
    case MEMBER_TEXT:
        return read_text(item, m->name, place, m->cap, err);
    case MEMBER_U32:
        if (read_number(item, m->name, UINT32_MAX, &number, err) != 0)
            return -1;
        *(uint32_t *)(void *)place = (uint32_t)number;
        return 0;
    case MEMBER_BOOL:
        if (!cJSON_IsBool(item))
            return err_set(err, ERR_REMOTE, "\"%s\" is neither true nor false", m->name);
        *(bool *)(void *)place = cJSON_IsTrue(item);
        return 0;
    case MEMBER_WALL:
        return read_wall(item, m->name, (struct wall *)(void *)place, err);
    case MEMBER_VERB:
        if (read_word(item, m->name, verb_of, VERBS, &word, err) != 0)
            return -1;
        e->verb = (enum verb)word;
        return 0;
    case MEMBER_STATE:
        if (read_word(item, m->name, state_of, OP_STATES, &word, err) != 0)
            return -1;
        e->state = (enum op_state)word;
        return 0;
    case MEMBER_OVERRIDES:
        return read_overrides(item, m->name, &e->overrides, err);
    }
    return 0;
}

static int check_version(const cJSON *root, struct err *err)
{
    uint64_t version = 0;

    if (read_number(cJSON_GetObjectItemCaseSensitive(root, "v"), "v", UINT32_MAX, &version, err) !=
        0)
        return -1;
    if (version > JOURNAL_VERSION)
        return err_set(err, ERR_CONFLICT,
                       "written by a newer dnsflip: journal version %llu, this one reads %d",
                       (unsigned long long)version, JOURNAL_VERSION);
    if (version < JOURNAL_VERSION)
        return err_set(err, ERR_REMOTE, "journal version %llu does not exist",
                       (unsigned long long)version);
    return 0;
}

/* The line carries the hash of what stands before it. */
static int check_hash(const char *line, size_t n, char hash[static JOURNAL_HASH_BYTES],
                      struct err *err)
{
    const char *part = n > HASH_PART_BYTES ? line + n - HASH_PART_BYTES : NULL;

    if (part == NULL || memcmp(part, HASH_HEAD, sizeof(HASH_HEAD) - 1) != 0)
        return err_set(err, ERR_REMOTE, "does not end in a member \"hash\" of %d hex digits",
                       2 * SHA256_BYTES);
    hash_of(line, n - HASH_PART_BYTES, hash);
    if (memcmp(part + sizeof(HASH_HEAD) - 1, hash, JOURNAL_HASH_BYTES - 1) != 0)
        return err_set(err, ERR_REMOTE, "was changed: its hash is %.16s..., it says %.16s...", hash,
                       part + sizeof(HASH_HEAD) - 1);
    return 0;
}

/* Hash and place in the chain. */
static int check_chain(const cJSON *root, const char *line, size_t n, const char *prev,
                       uint64_t seq, char hash[static JOURNAL_HASH_BYTES], struct err *err)
{
    char found[JOURNAL_HASH_BYTES];
    uint64_t found_seq = 0;

    if (check_hash(line, n, hash, err) != 0)
        return -1;
    if (read_number(cJSON_GetObjectItemCaseSensitive(root, "seq"), "seq", SEQ_MAX, &found_seq,
                    err) != 0 ||
        read_text(cJSON_GetObjectItemCaseSensitive(root, "prev"), "prev", found, sizeof(found),
                  err) != 0)
        return -1;
    if (found_seq != seq)
        return err_set(err, ERR_REMOTE, "is entry %llu, entry %llu was due",
                       (unsigned long long)found_seq, (unsigned long long)seq);
    if (strcmp(found, prev) != 0)
        return err_set(err, ERR_REMOTE,
                       "does not follow the line before: that has hash %.16s..., prev is %.16s...",
                       prev, found);
    return 0;
}

static int decode_object(const cJSON *root, const char *line, size_t n, const char *prev,
                         uint64_t seq, struct journal_entry *entry,
                         char hash[static JOURNAL_HASH_BYTES], struct err *err)
{
    struct journal_entry e = { .seq = seq };
    unsigned kind = 0;

    if (check_version(root, err) != 0 || check_chain(root, line, n, prev, seq, hash, err) != 0)
        return -1;
    if (read_wall(cJSON_GetObjectItemCaseSensitive(root, "time"), "time", &e.time, err) != 0 ||
        read_word(cJSON_GetObjectItemCaseSensitive(root, "kind"), "kind", kind_of, ENTRY_KINDS,
                  &kind, err) != 0)
        return -1;
    e.kind = (enum entry_kind)kind;
    for (size_t i = 0; i < MEMBERS; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, members[i].name);

        if (item != NULL && read_member(item, &members[i], &e, err) != 0)
            return -1;
    }
    *entry = e;
    return 0;
}

enum journal_line journal_decode(const char *line, size_t n, const char *prev, uint64_t seq,
                                 struct journal_entry *entry, char hash[static JOURNAL_HASH_BYTES],
                                 struct err *err)
{
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(line, n, &end, 0);

    if (root == NULL) {
        (void)err_set(err, ERR_REMOTE, "is not JSON from byte %zu on",
                      end != NULL ? (size_t)(end - line) + 1 : 1);
        return JOURNAL_LINE_TORN;
    }
    int rc = 0;
    if (!cJSON_IsObject(root))
        rc = err_set(err, ERR_REMOTE, "is not a JSON object");
    else if (end != line + n)
        rc = err_set(err, ERR_REMOTE, "has %zu bytes behind its entry", (size_t)(line + n - end));
    else
        rc = decode_object(root, line, n, prev, seq, entry, hash, err);
    cJSON_Delete(root);
    return rc == 0 ? JOURNAL_LINE_GOOD : JOURNAL_LINE_BAD;
}

void journal_decode_place(const char *line, size_t n, struct journal_place *out)
{
    cJSON *root = cJSON_ParseWithLength(line, n);
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(root, "kind");
    const cJSON *batch = cJSON_GetObjectItemCaseSensitive(root, "in_batch");
    char hash[JOURNAL_HASH_BYTES];
    struct err ignored;

    *out = (struct journal_place){ 0 };
    out->is_whole = check_hash(line, n, hash, &ignored) == 0 && cJSON_IsString(kind) &&
                    read_number(cJSON_GetObjectItemCaseSensitive(root, "seq"), "seq", SEQ_MAX,
                                &out->seq, &ignored) == 0 &&
                    read_text(cJSON_GetObjectItemCaseSensitive(root, "prev"), "prev", out->prev,
                              sizeof(out->prev), &ignored) == 0 &&
                    (batch == NULL ||
                     read_number(batch, "in_batch", UINT32_MAX, &out->in_batch, &ignored) == 0);
    out->is_head = out->is_whole && strcmp(kind->valuestring, entry_kind_name(ENTRY_ROTATED)) == 0;
    cJSON_Delete(root);
}
