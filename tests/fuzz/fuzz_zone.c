/* tests/fuzz/fuzz_zone.c -- any text as the static records of a zone: refused with a line, or
 * accepted; and what is accepted makes a view that the face takes and answers from readably.
 *
 *   bit 0: a second zone below the first (1 byte) | the text */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/dns/answer.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/render/render.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/hostile.h"
#include "tests/support/site.h"

#define SERIAL 100
#define GENERATION 3

static void on_problem(void *arg, const struct local_cfg *zone, unsigned line, const char *text)
{
    unsigned *last = arg;

    assert(zone != NULL && text[0] != '\0');
    assert(line >= *last); /* in the order of the file */
    *last = line;
}

static struct settings *settings_of(const char *records, bool has_second)
{
    struct settings *s = site_new(records);

    if (has_second)
        site_add_zone(s, "low.dr.example.com", "x A 192.0.2.99\n");
    (void)site_add_host(s, SITE_PROD, "app.dr.example.com", "198.51.100.10", "203.0.113.10");
    (void)site_add_host(s, SITE_PROD, "cn.dr.example.com", "198.51.100.11",
                        "cname=x.wild.dr.example.com");
    return s;
}

static void serve(const struct settings *s)
{
    const struct view *view;
    struct page *page;
    struct err err = { 0 };
    int fd = render_view(s, GENERATION, SERIAL, &err);
    int page_fd = page_new((uint32_t)s->n_groups, GENERATION, &page, &err);

    assert(fd >= 0 && page_fd >= 0);
    assert(view_open(fd, &view, &err) == 0 && answer_check_pair(view, page, &err) == 0);
    for (uint8_t index = 0; index <= 2; index++) {
        page_set(page, SITE_PROD, (struct page_word){ .index = index, .epoch = 200 });
        hostile_ask_all(view, page, true);
    }
    view_close(view);
    page_unmap(page);
    (void)close(fd);
    (void)close(page_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { .at = data, .n = size };
    bool has_second = (fuzz_byte(&in) & 1) != 0;
    char *text = mem_strndup((const char *)in.at, in.n);
    struct settings *s = settings_of(text, has_second);
    unsigned last = 0;

    if (render_check(s, on_problem, &last) == 0)
        serve(s);
    settings_free(s);
    mem_free(text);
    return 0;
}
