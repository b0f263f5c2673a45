/* tests/fuzz/fuzz_view.c -- the face against a hostile judge: any pair is refused, or every
 * question to it is answered within bounds; and the judge against hostile counters.
 *
 *   bits: 0 the page is a patched one, 1 the file is written as it stands, not patched, 2 large
 *   view (1 byte) | word of the page (1 byte) | patches of the file (and page) that was rendered:
 *   place, kind, value (2 + 1 + 4 bytes each); or the file from "format" on */
#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/beacon/reply.h"
#include "dnsflip/dns/answer.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/dns/view_format.h"
#include "dnsflip/render/render.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/hostile.h"
#include "tests/support/site.h"

#define SERIAL 100
#define GENERATION 3
#define PATCH_BYTES 7
#define PATCHES_MAX 32
#define FILE_BYTES_MAX 65536
#define PAGE_WORDS 4U

/* A file in the making. */
struct file {
    uint8_t bytes[FILE_BYTES_MAX] __attribute__((aligned(8)));
    size_t n;
};

static const char small_records[] = "*.wild CNAME app\n"
                                    "sub NS ns.sub\n"
                                    "ns.sub A 192.0.2.8\n"
                                    "old DNAME new.old2\n";
static const char large_records[] = "*.wild CNAME app\n"
                                    "sub NS ns.sub\n"
                                    "ns.sub A 192.0.2.8\n"
                                    "old DNAME new.old2\n"
                                    "c1 CNAME c2\n"
                                    "c2 CNAME c1.old\n"
                                    "a.b.c TXT \"deep\"\n"
                                    "@ MX 10 mail\n"
                                    "mail A 192.0.2.25\n";

static void render(struct file *out, bool is_large)
{
    struct settings *s = site_new(is_large ? large_records : small_records);
    struct err err = { 0 };
    struct stat st;
    int fd;

    (void)site_add_host(s, SITE_PROD, "app.dr.example.com", "198.51.100.10",
                        "cname=x.wild.dr.example.com");
    site_add_beacon(s, SITE_PROD);
    if (is_large)
        site_add_zone(s, "other.example.net", "x A 192.0.2.99\n");
    fd = render_view(s, GENERATION, SERIAL, &err);
    assert(fd >= 0 && fstat(fd, &st) == 0 && st.st_size <= FILE_BYTES_MAX);
    out->n = (size_t)st.st_size;
    assert(pread(fd, out->bytes, out->n, 0) == (ssize_t)out->n);
    (void)close(fd);
    settings_free(s);
}

static uint32_t take32(struct fuzz_input *in)
{
    uint32_t v = fuzz_byte(in);

    v |= (uint32_t)fuzz_byte(in) << 8;
    v |= (uint32_t)fuzz_byte(in) << 16;
    return v | (uint32_t)fuzz_byte(in) << 24;
}

/* One change of the file; a value may also come from elsewhere in it, so that offsets lead to
 * other things that are there. */
static void patch(struct file *f, struct fuzz_input *in)
{
    size_t low = fuzz_byte(in);
    size_t at = low | (size_t)fuzz_byte(in) << 8;
    uint8_t kind = fuzz_byte(in);
    uint32_t value = take32(in);
    uint32_t old;

    if (f->n < sizeof(value))
        return;
    switch (kind & 7) {
    case 0:
        at = at * 4 % (f->n - 3);
        memcpy(f->bytes + at, &value, sizeof(value));
        return;
    case 1:
        f->bytes[at % f->n] = (uint8_t)value;
        return;
    case 2: /* more or less than it was */
        at = at * 4 % (f->n - 3);
        memcpy(&old, f->bytes + at, sizeof(old));
        value = old + (value & 0xff) - 0x80;
        memcpy(f->bytes + at, &value, sizeof(value));
        return;
    case 3: /* a word of the file, on another's place */
        at = at * 4 % (f->n - 3);
        memcpy(f->bytes + at, f->bytes + (size_t)value % (f->n / 4) * 4, sizeof(value));
        return;
    case 4: /* two bytes */
        at = at * 2 % (f->n - 1);
        memcpy(f->bytes + at, &value, 2);
        return;
    case 5: /* cut, or longer */
        f->n = f->n / 2 + (size_t)value % f->n;
        f->n = f->n / 8 * 8;
        if (f->n > FILE_BYTES_MAX)
            f->n = FILE_BYTES_MAX;
        return;
    default: /* the end of what is in use, where the padding begins */
        old = (uint32_t)(f->n - VIEW_PADDING_BYTES) - (value & 0xff);
        at = at * 4 % (f->n - 3);
        memcpy(f->bytes + at, &old, sizeof(old));
        return;
    }
}

static void make_view(struct file *out, struct fuzz_input *in, uint8_t choice)
{
    static struct file bases[2];
    struct file *base = &bases[(choice & 4) != 0];

    if (base->n == 0)
        render(base, (choice & 4) != 0);
    if ((choice & 2) != 0) {
        struct view_header *h = (struct view_header *)(void *)out->bytes;
        struct fuzz_input part = fuzz_take(in, FILE_BYTES_MAX - sizeof(*h));

        h->magic = VIEW_MAGIC;
        out->n = offsetof(struct view_header, format) + part.n;
        memcpy(out->bytes + offsetof(struct view_header, format), part.at, part.n);
        out->n = (out->n + 7) / 8 * 8;
        memset(out->bytes + offsetof(struct view_header, format) + part.n, 0,
               out->n - offsetof(struct view_header, format) - part.n);
        return;
    }
    memcpy(out->bytes, base->bytes, base->n);
    memset(out->bytes + base->n, 0, sizeof(out->bytes) - base->n);
    out->n = base->n;
    for (int i = 0; i < PATCHES_MAX && in->n >= PATCH_BYTES; i++)
        patch(out, in);
}

/* Size and checksum as they must be: nothing is shown by a file that fails there. */
static void finish(struct file *f)
{
    struct view_header *h = (struct view_header *)(void *)f->bytes;

    if (f->n < sizeof(*h))
        return;
    h->size = f->n;
    h->checksum = view_checksum(f->bytes, f->n);
}

static int sealed(const void *bytes, size_t n, int seals)
{
    struct err err;
    int fd = fsio_memfd("fuzz", 0, &err);

    assert(fd >= 0 && fsio_write_all(fd, bytes, n, &err) == 0);
    assert(fcntl(fd, F_ADD_SEALS, seals) == 0);
    return fd;
}

/* What a judge may hand to a face as a page: well formed or not. */
static int make_page(struct fuzz_input *in, uint8_t choice, uint8_t word)
{
    static const struct page head = {
        .magic = PAGE_MAGIC, .format = PAGE_FORMAT, .groups = 1, .generation = GENERATION
    };
    uint64_t words[PAGE_WORDS];
    uint8_t made[sizeof(head) + sizeof(words)];
    size_t n = sizeof(head) + sizeof(words[0]);

    for (size_t i = 0; i < PAGE_WORDS; i++)
        words[i] = page_word_pack((struct page_word){ .index = word, .epoch = 200U + word });
    memcpy(made, &head, sizeof(head));
    memcpy(made + sizeof(head), words, sizeof(words));
    if ((choice & 1) != 0) {
        made[fuzz_byte(in) % sizeof(made)] = fuzz_byte(in);
        n += fuzz_byte(in) % PAGE_WORDS * sizeof(words[0]);
    }
    return sealed(made, n, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
}

/* Every group's and cluster's, whatever their names are by now. */
static void ask_beacons(const struct view *view, const struct page *page)
{
    char request[BEACON_REPLY_BYTES];
    char out[BEACON_REPLY_BYTES];
    enum counter counter;

    for (uint32_t i = 0; i < view_groups(view); i++) {
        for (unsigned k = 1; view_cluster_name(view, i, k) != NULL; k++) {
            size_t n;

            assert(str_format(request, sizeof(request), "GET /beacon/%s/%s HTTP/1.1\r\n\r\n",
                              view_group_name(view, i), view_cluster_name(view, i, k)));
            n = beacon_reply(view, page, request, strlen(request), out, &counter);
            assert(n == strlen(out));
        }
    }
}

static void serve(int view_fd, int page_fd)
{
    const struct view *view;
    const struct page *page;
    struct err err = { 0 };

    if (view_open(view_fd, &view, &err) != 0) {
        assert(err.text[0] != '\0');
        return;
    }
    for (uint32_t i = 0; i <= view_groups(view); i++) {
        const char *name = view_group_name(view, i);

        assert(name == NULL || strlen(name) < NAME_BYTES);
        for (unsigned k = 0; k <= CLUSTERS_MAX; k++) {
            name = view_cluster_name(view, i, k);
            assert(name == NULL || strlen(name) < NAME_BYTES);
        }
    }
    if (page_map(page_fd, &page, &err) == 0) {
        if (answer_check_pair(view, page, &err) == 0) {
            hostile_ask_all(view, page, false);
            ask_beacons(view, page);
        }
        page_unmap(page);
    }
    view_close(view);
}

/* What a face may hand to its judge. */
static void count(struct fuzz_input *in)
{
    static struct counters made;
    const struct counters *c;
    struct counters_quiet quiet;
    struct err err;
    int fd;

    made = (struct counters){ .magic = COUNTERS_MAGIC, .format = COUNTERS_FORMAT, .threads = 2 };
    for (int i = 0; i < PATCHES_MAX && in->n >= PATCH_BYTES; i++) {
        size_t at = take32(in) % sizeof(made);
        uint8_t value = fuzz_byte(in);

        memcpy((uint8_t *)&made + at, &value, 1);
        (void)fuzz_take(in, 2);
    }
    fd = sealed(&made, sizeof(made), F_SEAL_SHRINK | F_SEAL_GROW);
    if (counters_map(fd, &c, &err) == 0) {
        for (int i = 0; i < COUNTERS; i++)
            (void)counters_sum(c, (enum counter)i);
        counters_quiet_start(c, &quiet);
        (void)counters_quiet_passed(c, &quiet);
        counters_unmap(c);
    }
    (void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct file file;
    struct fuzz_input in = { .at = data, .n = size };
    uint8_t choice = fuzz_byte(&in);
    uint8_t word = fuzz_byte(&in);
    int page_fd = make_page(&in, choice, word);
    int view_fd;

    make_view(&file, &in, choice);
    finish(&file);
    view_fd = sealed(file.bytes, file.n, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
    serve(view_fd, page_fd);
    (void)close(view_fd);
    (void)close(page_fd);
    if ((choice & 0x80) != 0) {
        in = (struct fuzz_input){ .at = data, .n = size };
        count(&in);
    }
    return 0;
}
