/* tests/unit/test_aws_story.c -- io/aws through hours of simulated time: a service with bad days of
 * every kind, on a web and a loop of the test's own.  Whatever happens the budget holds, no write
 * has its effect twice, and every call ends once, in its time, with the truth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/aws.h"
#include "dnsflip/io/aws_budget.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/io/web.h"
#include "tests/sim/world.h"
#include "tests/support/fixed_credentials.h"

#define CALLS_MAX 8000
#define SENT_MAX 40000
#define STORIES 12
#define STEPS 3000
#define STEP_MS_MAX 1500
#define BURST 60
#define HANGING 200
#define REFRESHES_AT_ONCE 8
#define SLACK_MS 1 /* a web that gives up at the deadline is heard in the next turn */

enum weather { FAIR = 0, THROTTLING, BUSY, BROKEN, CUT, GONE, MUTE, EXPIRED, SKEWED, WEATHERS };

/* A call, as the test and the service see it. */
struct told {
    bool is_write;
    struct mono deadline;
    int n_done, n_applied;
    bool may_be_applied; /* it was left in doubt: it must not come again */
    struct aws_call *call;
};

struct web_call {
    web_done *done;
    void *arg;
    struct loop_timer *timer;
    struct told *told;
    struct web_answer answer;
    char body[256];
    struct web_call *next;
};

struct world world; /* for the loop's own counters */

static struct {
    struct loop *loop;
    unsigned short random[3];
    enum weather weather;
    struct told calls[CALLS_MAX];
    size_t n_calls;
    int64_t sent_ms[SENT_MAX];
    size_t n_sent;
    struct web_call *on_the_way;
    int n_ok, n_unknown, n_failed, n_refused;
} w;

static uint32_t below(uint32_t n)
{
    return (uint32_t)nrand48(w.random) % n;
}

static void web_end(struct web_call *call)
{
    struct web_call **at = &w.on_the_way;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    loop_timer_free(call->timer);
    mem_free(call);
}

static void on_web_timer(void *arg)
{
    struct web_call call = *(const struct web_call *)arg;
    call.answer.body = call.body;
    web_end(arg);
    call.done(call.arg, &call.answer);
}

static void refuse(struct web_call *call, int32_t status, const char *code)
{
    assert_true(str_format(call->body, sizeof call->body,
                           "<ErrorResponse><Error><Code>%s</Code></Error></ErrorResponse>", code));
    call->answer.status = status;
    call->answer.body_bytes = strlen(call->body);
}

static void break_off(struct web_answer *answer, enum web_outcome outcome)
{
    answer->outcome = outcome;
    err_set(&answer->err, ERR_REMOTE, "the connection broke");
    answer->err.retry = true;
}

static void apply(struct told *told)
{
    told->n_applied++;
    /* A write has its effect once at most. */
    assert_true(!told->is_write || told->n_applied == 1);
}

/* What becomes of a request in this weather; how long it takes. */
static int64_t meet(struct web_call *call, int64_t timeout_ms)
{
    struct told *told = call->told;
    struct web_answer *answer = &call->answer;
    int64_t delay_ms = below(400);

    answer->status = 200;
    switch (w.weather) {
    case FAIR:
    case WEATHERS:
        apply(told);
        break;
    case THROTTLING:
        refuse(call, 400, "Throttling");
        break;
    case BUSY:
        refuse(call, 400, "PriorRequestNotComplete");
        break;
    case EXPIRED:
        refuse(call, 403, "ExpiredToken");
        break;
    case SKEWED:
        refuse(call, 403, "RequestTimeTooSkewed");
        answer->date.ms = loop_now(w.loop).wall.ms + (int64_t)below(4000000) - 2000000;
        break;
    case BROKEN:
    case CUT:
    case MUTE:
        told->may_be_applied = told->is_write;
        if (below(2) == 0)
            apply(told);
        if (w.weather == BROKEN)
            refuse(call, 503, "Throttling");
        else
            break_off(answer, WEB_UNKNOWN);
        if (w.weather == MUTE)
            return timeout_ms;
        break;
    case GONE:
        break_off(answer, WEB_NOT_SENT);
        break;
    }
    return delay_ms < timeout_ms ? delay_ms : timeout_ms;
}

int web_start(struct web *web, const struct web_request *request, web_done *done, void *arg,
              struct web_call **out, struct err *err)
{
    (void)web;
    (void)err;
    struct told *told = &w.calls[strtoul(strrchr(request->url, '/') + 1, NULL, 10)];
    const struct mono now = loop_now(w.loop).mono;
    struct web_call *call = mem_zalloc(sizeof *call);

    assert_int_equal(told->n_done, 0);
    assert_false(told->may_be_applied);
    assert_true(request->timeout_ms <= mono_since(told->deadline, now));
    assert_true(!told->is_write || request->timeout_ms >= AWS_WRITE_LEAST_MS);
    assert_true(w.n_sent < SENT_MAX);
    w.sent_ms[w.n_sent++] = now.ms;
    *call = (struct web_call){
        .done = done, .arg = arg, .told = told, .answer = { .body = "", .error_type = "" }
    };
    const int64_t delay_ms = meet(call, request->timeout_ms);
    call->timer = loop_timer_new(w.loop, on_web_timer, call);
    loop_timer_set(call->timer, mono_add(now, delay_ms));
    call->next = w.on_the_way;
    w.on_the_way = call;
    *out = call;
    return 0;
}

void web_cancel(struct web_call *call)
{
    web_end(call);
}

static void on_done(void *arg, const struct aws_answer *answer)
{
    struct told *told = arg;

    assert_int_equal(++told->n_done, 1);
    assert_true(mono_since(loop_now(w.loop).mono, told->deadline) <= SLACK_MS);
    told->call = NULL;
    switch (answer->outcome) {
    case AWS_OK:
        assert_false(told->may_be_applied);
        assert_true(told->n_applied > 0);
        w.n_ok++;
        break;
    case AWS_UNKNOWN:
        assert_true(told->may_be_applied);
        w.n_unknown++;
        break;
    case AWS_FAILED:
    case AWS_REFUSED:
        assert_true(!told->is_write || (told->n_applied == 0 && !told->may_be_applied));
        assert_true(answer->err.text[0] != '\0');
        w.n_failed += answer->outcome == AWS_FAILED;
        w.n_refused += answer->outcome == AWS_REFUSED;
        break;
    }
}

static void ask(struct aws *aws)
{
    struct told *told = &w.calls[w.n_calls];
    char path[32];
    const bool is_write = below(3) == 0;
    const int64_t timeout_ms = 2 * AWS_WRITE_LEAST_MS + below(30000);

    if (w.n_calls == CALLS_MAX)
        return;
    assert_true(str_format(path, sizeof path, "/%zu", w.n_calls++));
    const struct aws_request request = { .service = "route53",
                                         .region = "us-east-1",
                                         .url = "https://route53.amazonaws.com",
                                         .method = is_write ? "POST" : "GET",
                                         .path = path,
                                         .content_type = "",
                                         .target = "",
                                         .lane = is_write || below(3) == 0 ? AWS_LANE_FLIP
                                                                           : AWS_LANE_REFRESH,
                                         .is_write = is_write,
                                         .timeout_ms = timeout_ms,
                                         .answer_max_bytes = 4096 };
    *told = (struct told){ .is_write = is_write,
                           .deadline = mono_add(loop_now(w.loop).mono, timeout_ms) };
    told->call = aws_start(aws, &request, on_done, told);
    assert_int_equal(told->n_done, 0);
}

static void cancel_one(void)
{
    struct told *told = w.n_calls > 0 ? &w.calls[below((uint32_t)w.n_calls)] : NULL;

    if (told == NULL || told->call == NULL)
        return;
    aws_cancel(told->call);
    told->call = NULL;
    told->n_done = 1; /* and nothing more is heard of it */
}

static void assert_budget(void)
{
    for (size_t i = 0; i < w.n_sent; i++) {
        for (size_t k = i; k < w.n_sent && k < i + 400; k++) {
            const int64_t ms = w.sent_ms[k] - w.sent_ms[i];
            if ((int64_t)(k - i + 1) * 1000 > INT64_C(1000) * AWS_FLIP_BURST + AWS_FLIP_PER_S * ms)
                fail_msg("%zu requests within %lld ms", k - i + 1, (long long)ms);
        }
    }
}

static void live(struct aws *aws)
{
    for (int step = 0; step < STEPS; step++) {
        const uint32_t what = below(100);

        if (what < 4)
            w.weather = (enum weather)below(WEATHERS);
        else if (what < 10)
            w.weather = FAIR;
        else if (what < 70)
            ask(aws);
        else if (what == 70)
            for (int i = 0; i < BURST; i++)
                ask(aws);
        else if (what < 75)
            cancel_one();
        fixed_credentials.is_none = below(50) == 0;
        fixed_credentials.may_retry = true;
        world_loop_until(w.loop, mono_add(loop_now(w.loop).mono, below(STEP_MS_MAX)));
    }
    fixed_credentials.is_none = false;
    world_loop_until(w.loop, mono_add(loop_now(w.loop).mono, 60000));
}

static void no_bad_day_breaks_the_promises(void **state)
{
    (void)state;
    static const struct aws_cfg cfg = { .region = "us-east-1" };
    int n_ok = 0, n_unknown = 0, n_failed = 0, n_refused = 0;

    for (unsigned short story = 1; story <= STORIES; story++) {
        struct aws_state end;
        struct aws *aws = NULL;
        struct err err;

        memset(&w, 0, sizeof w);
        w.random[0] = story;
        w.loop = world_loop_new((struct mono){ 5000 }, (struct wall){ 1800000000000 });
        fixed_credentials = (struct fixed_credentials){ .sets = { { "AKID", "secret", "token" },
                                                                  { "AKID", "secret", "token" } } };
        struct io io = { .loop = w.loop };
        assert_int_equal(aws_new(&cfg, &io, &aws, &err), 0);
        live(aws);
        for (size_t i = 0; i < w.n_calls; i++)
            assert_int_equal(w.calls[i].n_done, 1);
        assert_null(w.on_the_way);
        aws_state(aws, &end);
        assert_int_equal(end.n_waiting, 0);
        assert_int_equal(end.sent, w.n_sent);
        assert_budget();
        aws_free(aws);
        world_loop_forget(w.loop);
        mem_free(w.loop);
        n_ok += w.n_ok;
        n_unknown += w.n_unknown;
        n_failed += w.n_failed;
        n_refused += w.n_refused;
    }
    assert_true(n_ok > 1000 && n_unknown > 100 && n_failed > 100 && n_refused > 10);
}

static size_t n_on_the_way(void)
{
    size_t n = 0;

    for (const struct web_call *call = w.on_the_way; call != NULL; call = call->next)
        n++;
    return n;
}

/* Refreshes that hang leave room for flips. */
static void hanging_refreshes_do_not_keep_flips_back(void **state)
{
    (void)state;
    static const struct aws_cfg cfg = { .region = "us-east-1" };
    struct aws *aws = NULL;
    struct err err;
    char path[32];
    struct aws_request request = { .service = "route53",
                                   .region = "us-east-1",
                                   .url = "https://route53.amazonaws.com",
                                   .method = "GET",
                                   .path = path,
                                   .content_type = "",
                                   .target = "",
                                   .lane = AWS_LANE_REFRESH,
                                   .timeout_ms = 3600000,
                                   .answer_max_bytes = 4096 };

    memset(&w, 0, sizeof w);
    w.loop = world_loop_new((struct mono){ 5000 }, (struct wall){ 1800000000000 });
    struct io io = { .loop = w.loop };
    assert_int_equal(aws_new(&cfg, &io, &aws, &err), 0);
    w.weather = MUTE;
    for (size_t i = 0; i <= HANGING; i++) {
        w.calls[i].deadline = (struct mono){ INT64_MAX / 2 };
        assert_true(str_format(path, sizeof path, "/%zu", i));
        if (i == HANGING) {
            world_loop_until(w.loop, (struct mono){ 200000 });
            assert_int_equal(n_on_the_way(), REFRESHES_AT_ONCE);
            w.weather = FAIR;
            request.lane = AWS_LANE_FLIP;
        }
        aws_start(aws, &request, on_done, &w.calls[i]);
    }
    world_loop_until(w.loop, (struct mono){ 201000 });
    assert_int_equal(w.calls[HANGING].n_done, 1);
    aws_free(aws);
    assert_null(w.on_the_way);
    world_loop_forget(w.loop);
    mem_free(w.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_bad_day_breaks_the_promises),
        cmocka_unit_test(hanging_refreshes_do_not_keep_flips_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
