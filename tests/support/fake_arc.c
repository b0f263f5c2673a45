#include "tests/support/fake_arc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/arc_message.h"

/* ---- the ARC cluster ---------------------------------------------------------------------------
 */

struct aws_call {
    struct aws_request request;
    char url[AWS_URL_BYTES], body[ARC_BODY_BYTES_MAX];
    aws_done *done;
    void *arg;
};

struct fake_arc fake_arc;

int aws_new(const struct aws_cfg *cfg, struct io *io, struct aws **out, struct err *err)
{
    (void)cfg;
    (void)io;
    (void)err;
    *out = NULL;
    return 0;
}

void aws_free(struct aws *aws)
{
    (void)aws;
}

struct aws_call *aws_start(struct aws *aws, const struct aws_request *request, aws_done *done,
                           void *arg)
{
    struct aws_call *call = mem_zalloc(sizeof(*call));

    (void)aws;
    assert_null(fake_arc.pending);
    call->request = *request;
    str_copy(call->url, sizeof(call->url), request->url);
    str_copy(call->body, sizeof(call->body), request->body);
    call->done = done;
    call->arg = arg;
    fake_arc.pending = call;
    return call;
}

void aws_cancel(struct aws_call *call)
{
    assert_ptr_equal(call, fake_arc.pending);
    fake_arc.pending = NULL;
    mem_free(call);
}

const char *const fake_arc_arns[FAKE_ARC_CONTROLS] = { "arn:aws:x/a", "arn:aws:x/b",
                                                       "arn:aws:x/c" };

static void set_refusal(struct aws_answer *answer, int32_t status, const char *code,
                        const char *text)
{
    answer->outcome = status >= 500 ? AWS_UNKNOWN : AWS_REFUSED;
    answer->status = status;
    str_copy(answer->code, sizeof(answer->code), code);
    (void)err_set(&answer->err, ERR_REMOTE, "%s: %s", code, text);
}

static void carry_out(const struct aws_call *call)
{
    for (size_t i = 0; i < FAKE_ARC_CONTROLS; i++) {
        char on[64];

        (void)str_format(on, sizeof(on), "\"%s\",\"RoutingControlState\":\"On\"", fake_arc_arns[i]);
        assert_non_null(strstr(call->body, fake_arc_arns[i]));
        fake_arc.is_on[i] = strstr(call->body, on) != NULL;
    }
    fake_arc.n_updates++;
}

static const char *state_of(const struct aws_call *call)
{
    static char body[256];

    for (size_t i = 0; i < FAKE_ARC_CONTROLS; i++) {
        bool is_on = fake_arc.is_on[i];

        if (strstr(call->body, fake_arc_arns[i]) == NULL)
            continue;
        if (fake_arc.lag > 0) {
            fake_arc.lag--;
            is_on = i == 0;
        }
        (void)str_format(body, sizeof(body),
                         "{\"RoutingControlArn\":\"%s\",\"RoutingControlName\":\"n\","
                         "\"RoutingControlState\":\"%s\"}",
                         fake_arc_arns[i], is_on ? "On" : "Off");
    }
    return body;
}

void fake_arc_answer_all(void)
{
    while (fake_arc.pending != NULL) {
        struct aws_call *call = fake_arc.pending;
        bool is_update = strcmp(call->request.target, ARC_TARGET_UPDATE) == 0;
        struct aws_answer answer = { .outcome = AWS_OK, .status = 200, .body = "" };
        unsigned endpoint = (unsigned)(call->url[strlen(call->url) - 1] - '0');

        assert_true(fake_arc.n_asked < FAKE_ARC_ASKED_MAX);
        fake_arc.asked[fake_arc.n_asked++] = endpoint;
        fake_arc.pending = NULL;
        switch (fake_arc.moods[endpoint]) {
        case MOOD_REFUSES:
            if (is_update) {
                set_refusal(&answer, 400, "ConflictException", "rule at-least-one");
                break;
            }
            answer.body = state_of(call);
            break;
        case MOOD_WELL:
            if (is_update)
                carry_out(call);
            answer.body = is_update ? "{}" : state_of(call);
            break;
        case MOOD_DOWN:
            answer.outcome = AWS_FAILED;
            (void)err_set(&answer.err, ERR_SYS, "connection refused");
            break;
        case MOOD_UNAVAILABLE:
            set_refusal(&answer, 503, "EndpointTemporarilyUnavailableException", "try another");
            break;
        case MOOD_LOST_AFTER:
        case MOOD_DEAF_AFTER:
            if (is_update && fake_arc.moods[endpoint] == MOOD_LOST_AFTER)
                fake_arc.moods[endpoint] = MOOD_DOWN;
            if (is_update) {
                carry_out(call);
                answer.outcome = AWS_UNKNOWN;
                (void)err_set(&answer.err, ERR_TIMEOUT, "no answer");
                break;
            }
            answer.body = state_of(call);
            break;
        case MOOD_BABBLING:
            answer.body = "<html>";
            break;
        case MOOD_DENIES:
            set_refusal(&answer, 400, "AccessDeniedException", "no");
            break;
        }
        answer.body_bytes = strlen(answer.body);
        call->done(call->arg, &answer);
        mem_free(call);
    }
}

/* ---- a loop of one timer ------------------------------------------------------------------------
 */

struct loop_timer {
    loop_fn *fn;
    void *arg;
    bool is_set;
};

static struct loop_timer *timer; /* of the call that runs */

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
    (void)loop;
    timer = mem_zalloc(sizeof(*timer));
    *timer = (struct loop_timer){ fn, arg, false };
    return timer;
}

void loop_timer_set(struct loop_timer *t, struct mono at)
{
    (void)at;
    t->is_set = true;
}

void loop_timer_free(struct loop_timer *t)
{
    mem_free(t);
    timer = NULL;
}

struct instant loop_now(const struct loop *loop)
{
    (void)loop;
    return (struct instant){ .wall = { .ms = 1 } };
}

void loop_defer_free(struct loop *loop, void *p)
{
    (void)loop;
    mem_free(p);
}

bool fake_arc_fire(void)
{
    if (timer == NULL || !timer->is_set)
        return false;
    timer->is_set = false;
    timer->fn(timer->arg);
    return true;
}
