/* tests/unit/test_hooks_proof.c -- the proof of a promotion, asked of a fake probe, so that its
 * answers and its silence can be chosen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/engine/hooks.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "probes/probe.h"
#include "tests/support/tempdir.h"

#define PATIENCE_MS 30000
#define TIMEOUT_MS 20000

static struct tempdir dir;
static struct io the_io;
static struct loop_timer *patience;
static struct hooks *hooks;
static struct promotion_cfg cfg;
static bool has_ended, is_ok, is_late;
static char end_detail[400];

/* ---- a fake probe --------------------------------------------------------------------------- */

static struct {
    unsigned passes_at; /* the try that passes; 0 = none */
    bool is_silent;     /* never answers */
    bool is_unable;     /* cannot start */
    unsigned tries, cancelled;
    char hostname[HOSTNAME_BYTES];
    struct target target;
    uint32_t id;
    const struct probe_request *request; /* borrowed until the answer, as every probe does */
    probe_done *done;
    void *arg;
    struct probe_run run;
    struct loop_timer *timer;
} probe;

static void answer(void *arg)
{
    struct observation seen = { .detail = "503" };

    (void)arg;
    (void)str_copy(probe.hostname, sizeof(probe.hostname), probe.request->hostname);
    probe.target = *probe.request->target;
    probe.id = probe.request->id;
    seen.reason[PROFILE_ACTIVE] =
        probe.tries == probe.passes_at ? REASON_OK : REASON_HTTP_SERVER_ERROR;
    probe.done(probe.arg, &seen);
}

int probe_start(const struct probe_request *request, struct io *io, probe_done *done, void *arg,
                struct probe_run **run, struct err *err)
{
    (void)io;
    probe.tries++;
    if (probe.is_unable)
        return err_set(err, ERR_LIMIT, "no descriptor is left");
    probe.request = request;
    probe.done = done;
    probe.arg = arg;
    *run = &probe.run;
    if (!probe.is_silent)
        loop_timer_set(probe.timer, loop_now(the_io.loop).mono);
    return 0;
}

void probe_cancel(struct probe_run *run)
{
    assert_ptr_equal(run, &probe.run);
    loop_timer_clear(probe.timer);
    probe.cancelled++;
}

/* ---- fixture -------------------------------------------------------------------------------- */

static void too_late(void *arg)
{
    (void)arg;
    is_late = true;
    loop_stop(the_io.loop);
}

static int set_up(void **state)
{
    struct err err;

    *state = NULL;
    tempdir_init(&dir);
    if (loop_new(&the_io.loop, &err) != 0 || hooks_new(&the_io, dir.path, &hooks, &err) != 0)
        return -1;
    patience = loop_timer_new(the_io.loop, too_late, NULL);
    memset(&probe, 0, sizeof(probe));
    probe.timer = loop_timer_new(the_io.loop, answer, NULL);
    cfg = (struct promotion_cfg){ .timeout_ms = TIMEOUT_MS,
                                  .proof_host = "{cluster}.db.example.com" };
    has_ended = false;
    is_late = false;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hooks_free(hooks);
    loop_timer_free(probe.timer);
    loop_timer_free(patience);
    loop_free(the_io.loop);
    tempdir_fini(&dir);
    return 0;
}

static void on_done(void *arg, bool ok, const char *detail)
{
    (void)arg;
    assert_false(has_ended);
    has_ended = true;
    is_ok = ok;
    (void)str_copy(end_detail, sizeof(end_detail), detail);
    loop_stop(the_io.loop);
}

static void expect_end(bool ok, const char *detail)
{
    if (is_ok != ok || strstr(end_detail, detail) == NULL)
        fail_msg("%d \"%s\"", is_ok, end_detail);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void prove(int64_t timeout_ms)
{
    struct operation op = { .id = "op1", .group = "prod", .from = "use1", .to = "usw2" };

    hooks_prove(hooks, &cfg, &op, timeout_ms, on_done, NULL);
    assert_int_equal(probe.tries, 0);
    loop_timer_set(patience, mono_add(mono_now(), PATIENCE_MS));
    loop_run(the_io.loop);
    assert_false(is_late);
    assert_true(has_ended);
}

static void the_proof_is_asked_until_it_passes(void **state)
{
    (void)state;
    struct mono began = mono_now();

    probe.passes_at = 3;
    prove(TIMEOUT_MS);
    expect_end(true, "the proof passed at usw2.db.example.com");
    assert_int_equal(probe.tries, 3);
    assert_true(mono_since(mono_now(), began) >= 2 * HOOKS_PROOF_MS);
    assert_string_equal(probe.hostname, "usw2.db.example.com");
    assert_string_equal(probe.target.cname, "usw2.db.example.com");
    assert_true(probe.id >= 262144); /* no probe of an endpoint has such an id */
}

static void a_proof_that_never_passes_fails_in_time(void **state)
{
    (void)state;
    struct mono began = mono_now();

    prove(2500);
    expect_end(false, "the proof at usw2.db.example.com: ");
    expect_end(false, ": 503");
    assert_true(probe.tries == 2 || probe.tries == 3);
    assert_true(mono_since(mono_now(), began) < 10000);
}

static void a_proof_without_time_is_asked_once(void **state)
{
    (void)state;
    prove(0);
    expect_end(false, ": 503");
    assert_int_equal(probe.tries, 1);
}

static void a_silent_proof_ends_at_its_deadline(void **state)
{
    (void)state;
    probe.is_silent = true;
    prove(300);
    expect_end(false, "gave no answer in time");
    assert_int_equal(probe.cancelled, 1);
}

static void a_proof_that_cannot_be_asked_fails(void **state)
{
    (void)state;
    probe.is_unable = true;
    prove(0);
    expect_end(false, "no descriptor is left");
}

static void a_proof_at_an_address_is_asked_there(void **state)
{
    (void)state;
    (void)str_copy(cfg.proof_host, sizeof(cfg.proof_host), "192.0.2.7");
    probe.passes_at = 1;
    prove(0);
    assert_string_equal(probe.target.cname, "");
    assert_int_equal(probe.target.n_a, 1);
    assert_int_equal(probe.target.a[0].bytes[3], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(the_proof_is_asked_until_it_passes), TEST(a_proof_that_never_passes_fails_in_time),
        TEST(a_proof_without_time_is_asked_once), TEST(a_silent_proof_ends_at_its_deadline),
        TEST(a_proof_that_cannot_be_asked_fails), TEST(a_proof_at_an_address_is_asked_there),
    };

    return cmocka_run_group_tests_name("hooks_proof", tests, NULL, NULL);
}
