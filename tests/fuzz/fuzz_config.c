/* tests/fuzz/fuzz_config.c -- any text as a configuration file: refused with places, or loaded; and
 * what is loaded can be warned about, rendered and printed, and its print loads again as the
 * same. */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/config/load.h"
#include "dnsflip/config/print.h"
#include "dnsflip/config/reload.h"
#include "dnsflip/config/warn.h"
#include "dnsflip/render/render.h"
#include "tests/fuzz/fuzz.h"

#define PATH "tests/golden/ok/fuzz.yaml" /* what relative paths lead from */
#define TEXT_BYTES_MAX (16U << 20)
#define SERIAL 100
#define GENERATION 1

static int load(const char *text, size_t n, struct settings **out)
{
    struct config_report report;
    struct buf words;
    int rc;

    config_report_init(&report);
    buf_init(&words, TEXT_BYTES_MAX);
    rc = config_load_text(PATH, text, n, out, &report);
    config_report_print(&report, &words);
    /* A refusal says why, and nothing else refuses. */
    assert((rc != 0) == (report.n_errors > 0) && (rc == 0) == (*out != NULL));
    assert(rc == 0 || words.len > 0);
    config_report_fini(&report);
    buf_fini(&words);
    return rc;
}

static const char *first_cluster(void *arg, const char *group)
{
    const struct settings *s = arg;
    int i = settings_find_group(s, group);

    return i >= 0 ? s->clusters[s->groups[i].clusters[0]].name : NULL;
}

/* Its print is the same configuration. */
static void print_again(struct settings *s)
{
    struct config_report report;
    struct settings *again;
    struct buf is, was;

    buf_init(&was, PRINT_BYTES_MAX);
    buf_init(&is, PRINT_BYTES_MAX);
    print_settings(s, &was);
    assert(load(buf_text(&was), was.len, &again) == 0);
    print_settings(again, &is);
    assert(strcmp(buf_text(&was), buf_text(&is)) == 0);
    config_report_init(&report);
    assert(reload_fixed(s, again, &report) == 0);
    assert(reload_moves(s, again, first_cluster, s, NULL, &report) == 0);
    config_report_fini(&report);
    settings_free(again);
    buf_fini(&was);
    buf_fini(&is);
}

static void on_problem(void *arg, const struct local_cfg *zone, unsigned line, const char *text)
{
    (void)arg;
    (void)line;
    assert(zone != NULL && text[0] != '\0');
}

static void use(const struct settings *s)
{
    struct config_report report;
    struct err err = { 0 };

    config_report_init(&report);
    warn_settings(s, &report);
    config_report_fini(&report);
    for (size_t i = 0; i < s->n_groups; i++) {
        struct buf words;

        buf_init(&words, TEXT_BYTES_MAX);
        warn_silence(s, &s->groups[i], &words);
        for (uint8_t k = 0; k < s->groups[i].n_clusters; k++)
            (void)warn_detection(s, &s->groups[i], k);
        buf_fini(&words);
    }
    if (render_check(s, on_problem, NULL) == 0) {
        int fd = render_view(s, GENERATION, SERIAL, &err);

        assert(fd >= 0);
        (void)close(fd);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings *s;

    if (load((const char *)data, size, &s) != 0)
        return 0;
    print_again(s);
    use(s);
    settings_free(s);
    return 0;
}
