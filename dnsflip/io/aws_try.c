#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_credentials.h"
#include "dnsflip/io/aws_error.h"
#include "dnsflip/io/aws_internal.h"
#include "dnsflip/io/aws_sign.h"
#include "dnsflip/io/loop.h"

static uint64_t random_bits(void)
{
    uint64_t bits = 0;

    /* Without any the wait is the shortest: the budget still holds. */
    return getrandom(&bits, sizeof(bits), GRND_NONBLOCK) == (ssize_t)sizeof(bits) ? bits : 0;
}

static bool is_denied(const char *code)
{
    return str_starts(code, "AccessDenied") || strcmp(code, "UnauthorizedOperation") == 0;
}

static void describe_refusal(const struct aws_call *call, const struct aws_error *error,
                             struct aws_answer *answer)
{
    const char *host = aws_authority(call->request.url);

    err_set(&answer->err, is_denied(error->code) ? ERR_DENIED : ERR_REMOTE,
            "%s%s%s%sHTTP status %" PRId32 " from %s", error->code,
            error->code[0] != '\0' && error->message[0] != '\0' ? ": " : "", error->message,
            error->code[0] != '\0' || error->message[0] != '\0' ? ", " : "", answer->status,
            host != NULL ? host : "");
}

/* The clock of the service is told by the Date of its answers. */
static bool learn_skew(struct aws_call *call, const struct web_answer *web, enum aws_fate fate)
{
    struct aws *aws = call->aws;

    if (web->date.ms != 0)
        aws->skew_ms =
            aws_retry_skew_ms(aws->skew_ms, web->date.ms - loop_now(aws->loop).wall.ms, fate);
    const int64_t change_ms = aws->skew_ms - call->skew_ms;
    return change_ms >= AWS_SKEW_STEP_MS || change_ms <= -AWS_SKEW_STEP_MS;
}

static void act(struct aws_call *call, enum aws_fate fate, bool has_new_skew,
                struct aws_answer *answer)
{
    struct aws *aws = call->aws;
    const struct aws_next next =
        aws_retry_step(&call->retry, fate, call->request.is_write, has_new_skew,
                       aws_call_left_ms(call), random_bits());

    if (fate == AWS_FATE_THROTTLED) {
        aws->throttled++;
        aws_budget_drain(&aws->budget, loop_now(aws->loop).mono);
    }
    /* Calls that flew together are refused together: only the first of them says so. */
    if (fate == AWS_FATE_CREDENTIALS && call->generation == aws->generation) {
        aws->generation++;
        aws_chain_refused(aws->chain);
    }
    call->answer = *answer;
    call->answer.body = "";
    call->answer.body_bytes = 0;
    if (next.kind != AWS_NEXT_END) {
        aws_call_again(call, next.wait_ms);
        return;
    }
    answer->outcome = next.outcome;
    answer->err.retry = next.may_retry;
    if (call->retry.n_tries > 1 && answer->outcome != AWS_OK)
        err_wrap(&answer->err, "after %" PRIu32 " tries", call->retry.n_tries);
    aws_call_finish(call, answer);
}

static void on_web(void *arg, const struct web_answer *web)
{
    struct aws_call *call = arg;
    struct aws_answer answer = {
        .status = web->status, .body = web->body, .body_bytes = web->body_bytes, .err = web->err
    };
    enum aws_fate fate = AWS_FATE_OK;
    bool has_new_skew = false;

    call->web = NULL;
    switch (web->outcome) {
    case WEB_NOT_SENT:
        aws_try_not_sent(call, &web->err);
        return;
    case WEB_UNKNOWN:
        fate = AWS_FATE_NO_ANSWER;
        break;
    case WEB_ANSWERED:
        if (web->status < 200 || web->status > 299) {
            struct aws_error error;

            aws_error_read(web->body, web->body_bytes, web->error_type, &error);
            str_copy(answer.code, sizeof(answer.code), error.code);
            describe_refusal(call, &error, &answer);
        }
        fate = aws_retry_fate(web->status, answer.code);
        has_new_skew = learn_skew(call, web, fate);
        break;
    }
    /* An answer that is too long will be so again. */
    if (fate == AWS_FATE_NO_ANSWER && !call->request.is_write && !web->err.retry) {
        answer.outcome = AWS_FAILED;
        aws_call_finish(call, &answer);
        return;
    }
    act(call, fate, has_new_skew, &answer);
}

void aws_try_not_sent(struct aws_call *call, const struct err *err)
{
    struct aws_answer answer = { .outcome = AWS_FAILED, .body = "", .err = *err };

    if (err->retry)
        act(call, AWS_FATE_NOT_SENT, false, &answer);
    else
        aws_call_finish(call, &answer);
}

static int start(struct aws_call *call, const struct aws_signed *s, struct err *err)
{
    const struct aws *aws = call->aws;
    const struct aws_request *request = &call->request;
    int64_t timeout_ms = aws_call_left_ms(call);

    if (!request->is_write && timeout_ms > AWS_READ_TRY_MS)
        timeout_ms = AWS_READ_TRY_MS;
    const struct web_request web = { .method = request->method,
                                     .url = buf_text(&s->url),
                                     .headers = s->headers,
                                     .n_headers = s->n_headers,
                                     .body = request->body,
                                     .body_bytes = request->body_bytes,
                                     .ca_file = aws->cfg->ca_file,
                                     .proxy = aws->cfg->proxy,
                                     .timeout_ms = timeout_ms > 0 ? timeout_ms : 1,
                                     .answer_max_bytes = request->answer_max_bytes };
    if (web_start(aws->web, &web, on_web, call, &call->web, err) == 0)
        return 0;
    /* What is too long was refused before: the web has no room now. */
    err->retry = err->code == ERR_LIMIT;
    return -1;
}

void aws_try_send(struct aws_call *call, const struct aws_credentials *credentials)
{
    struct aws *aws = call->aws;
    const struct wall time = { .ms = loop_now(aws->loop).wall.ms + aws->skew_ms };
    struct aws_signed s;
    struct err err = { 0 };

    call->skew_ms = aws->skew_ms;
    call->generation = aws->generation;
    if (aws_sign(&call->request, credentials, time, &s, &err) != 0 || start(call, &s, &err) != 0) {
        aws_try_not_sent(call, &err);
    } else {
        aws->sent++;
        aws_call_move(call, AWS_STAGE_FLIES);
    }
    aws_signed_fini(&s);
}
