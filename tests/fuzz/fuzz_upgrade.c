/* tests/fuzz/fuzz_upgrade.c -- what one version tells another when it is to take over.
 *
 *   'f' | a line of formats, as the program that is asked may print it
 *   else: the text of a hand-over; what is believed is printed and believed again as the same */
#include <assert.h>
#include <string.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/supervisor_formats.h"
#include "dnsflip/supervisor_hand_over.h"
#include "tests/fuzz/fuzz.h"

static void read_formats(const uint8_t *data, size_t size)
{
    char *line = mem_strndup((const char *)data, size);
    struct supervisor_formats f;
    struct err err = { .text = "" };

    if (supervisor_formats_parse(line, &f, &err) == 0) {
        assert(f.n > 0 && f.n <= SUPERVISOR_FORMATS_MAX);
        /* A version may always take over from itself, but dnsflip is not its own face. */
        assert(supervisor_formats_check(&f, &f, &f, &err) != 0);
    }
    assert(err.text[0] != '\0');
    mem_free(line);
}

static int check_fd(void *arg, int fd, struct err *err)
{
    (void)arg;
    (void)err;
    assert(fd > 2);
    return 0;
}

static void check(const struct supervisor_hand_over *h)
{
    struct err err;

    assert(h->path[0] == '/' && h->version[0] != '\0');
    assert(h->sockets.n <= LINK_SOCKETS_MAX && h->n_pair <= SUPERVISOR_HAND_OVER_PAIR_MAX);
    assert((h->generation != 0) == (h->n_pair >= 2));
    assert((h->face != 0) == (h->face_link >= 0));
    assert(supervisor_hand_over_each(h, check_fd, NULL, &err) == 0);
}

static void print(const struct supervisor_hand_over *h, struct buf *out)
{
    struct err err;

    buf_init(out, SUPERVISOR_HAND_OVER_BYTES_MAX);
    assert(supervisor_hand_over_print(h, out, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct supervisor_hand_over h;
    struct err err = { .text = "" };
    struct buf once;
    struct buf twice;

    if (size > 0 && data[0] == 'f') {
        read_formats(data + 1, size - 1);
        return 0;
    }
    if (supervisor_hand_over_parse((const char *)data, size, &h, &err) != 0) {
        assert(err.text[0] != '\0');
        return 0;
    }
    check(&h);
    print(&h, &once);
    assert(supervisor_hand_over_parse(buf_text(&once), once.len, &h, &err) == 0);
    print(&h, &twice);
    assert(strcmp(buf_text(&once), buf_text(&twice)) == 0);
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
