#include "dnsflip/io/aws.h"

#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/io/aws_credentials.h"
#include "dnsflip/io/aws_internal.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/io/web.h"

static struct aws_list *list_of(const struct aws_call *call)
{
    return call->stage == AWS_STAGE_WAITS ? &call->aws->waiting[call->request.lane]
                                          : &call->aws->others;
}

static uint32_t *count_of(const struct aws_call *call)
{
    switch (call->stage) {
    case AWS_STAGE_WAITS:
        return &call->aws->n_waiting;
    case AWS_STAGE_BACKS_OFF:
        return &call->aws->n_backing_off;
    case AWS_STAGE_FLIES:
        return &call->aws->n_flying;
    case AWS_STAGE_ENDS:
        break;
    }
    return NULL;
}

static void count(const struct aws_call *call, int change)
{
    uint32_t *n = count_of(call);

    if (n != NULL)
        *n += (uint32_t)change;
}

static void unlink_call(struct aws_call *call)
{
    struct aws_list *list = list_of(call);

    count(call, -1);
    *(call->prev != NULL ? &call->prev->next : &list->first) = call->next;
    *(call->next != NULL ? &call->next->prev : &list->last) = call->prev;
    call->prev = NULL;
    call->next = NULL;
}

static void link_first(struct aws_call *call)
{
    struct aws_list *list = list_of(call);

    count(call, 1);
    call->next = list->first;
    *(list->first != NULL ? &list->first->prev : &list->last) = call;
    list->first = call;
}

static void link_last(struct aws_call *call)
{
    struct aws_list *list = list_of(call);

    count(call, 1);
    call->prev = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = call;
    list->last = call;
}

static const char *keep(struct aws_call *call, const char *text)
{
    char *copy = mem_strdup(text != NULL ? text : "");

    call->texts[call->n_texts++] = copy;
    return copy;
}

static void keep_request(struct aws_call *call, const struct aws_request *from)
{
    struct aws_request *to = &call->request;

    *to = *from;
    to->service = keep(call, from->service);
    to->region = keep(call, from->region);
    to->url = keep(call, from->url);
    to->method = keep(call, from->method);
    to->path = keep(call, from->path);
    to->content_type = keep(call, from->content_type);
    to->target = keep(call, from->target);
    for (size_t i = 0; i < from->n_params; i++)
        to->params[i] = (struct aws_param){ keep(call, from->params[i].name),
                                            keep(call, from->params[i].value) };
    if (from->body != NULL) {
        char *body = mem_zalloc(from->body_bytes + 1);

        memcpy(body, from->body, from->body_bytes);
        call->texts[call->n_texts++] = body;
        to->body = body;
    }
}

static void call_free(struct aws_call *call)
{
    for (size_t i = 0; i < call->n_texts; i++)
        mem_free(call->texts[i]);
    loop_timer_free(call->timer);
    mem_free(call);
}

int64_t aws_call_left_ms(const struct aws_call *call)
{
    return mono_since(call->deadline, loop_now(call->aws->loop).mono);
}

/* Who waits is looked at in the next turn. */
static void look_soon(struct aws *aws)
{
    loop_timer_set(aws->turn, loop_now(aws->loop).mono);
}

void aws_call_move(struct aws_call *call, enum aws_stage stage)
{
    unlink_call(call);
    call->stage = stage;
    link_first(call);
    switch (stage) {
    case AWS_STAGE_WAITS:
        loop_timer_set(call->timer, call->deadline);
        look_soon(call->aws);
        break;
    case AWS_STAGE_FLIES:
        loop_timer_clear(call->timer);
        break;
    case AWS_STAGE_BACKS_OFF:
    case AWS_STAGE_ENDS:
        break;
    }
}

void aws_call_again(struct aws_call *call, int64_t wait_ms)
{
    if (wait_ms <= 0) {
        aws_call_move(call, AWS_STAGE_WAITS);
        return;
    }
    aws_call_move(call, AWS_STAGE_BACKS_OFF);
    loop_timer_set(call->timer, mono_add(loop_now(call->aws->loop).mono, wait_ms));
    look_soon(call->aws); /* one less is on its way */
}

void aws_call_finish(struct aws_call *call, const struct aws_answer *answer)
{
    aws_done *done = call->done;
    void *arg = call->arg;

    look_soon(call->aws);
    unlink_call(call);
    call_free(call);
    done(arg, answer);
}

/* Its time is over and nothing of it is on its way. */
static void give_up(struct aws_call *call)
{
    const struct aws *aws = call->aws;
    struct aws_answer answer = call->answer;
    const long long waited_ms = mono_since(loop_now(aws->loop).mono, call->started);

    answer.outcome = AWS_FAILED;
    answer.body = "";
    if (call->retry.n_tries > 0)
        err_wrap(&answer.err, "given up after %u tries in %lld ms", call->retry.n_tries, waited_ms);
    else if (aws->asking != NULL)
        err_set(&answer.err, ERR_TIMEOUT, "no AWS credentials came within %lld ms", waited_ms);
    else
        err_set(&answer.err, ERR_TIMEOUT,
                "no turn within %lld ms: %u requests to AWS wait, of which %d/s may leave",
                waited_ms, aws->n_waiting,
                call->request.lane == AWS_LANE_FLIP ? AWS_FLIP_PER_S : AWS_REFRESH_PER_S);
    answer.err.retry = true;
    aws_call_finish(call, &answer);
}

static void on_call_timer(void *arg)
{
    struct aws_call *call = arg;
    struct aws_answer answer;

    switch (call->stage) {
    case AWS_STAGE_WAITS:
        give_up(call);
        break;
    case AWS_STAGE_BACKS_OFF:
        aws_call_move(call, AWS_STAGE_WAITS);
        break;
    case AWS_STAGE_ENDS:
        answer = call->answer;
        aws_call_finish(call, &answer);
        break;
    case AWS_STAGE_FLIES:
        break;
    }
}

static uint32_t flight_max(enum aws_lane lane)
{
    return lane == AWS_LANE_FLIP ? AWS_FLIGHT_MAX : AWS_REFRESH_FLIGHT_MAX;
}

static int64_t least_ms(const struct aws_request *request)
{
    return request->is_write ? AWS_WRITE_LEAST_MS : 1;
}

/* A waiting flip, else a waiting refresh, else NULL. */
static struct aws_call *first_waiting(const struct aws *aws)
{
    struct aws_call *flip = aws->waiting[AWS_LANE_FLIP].first;

    return flip != NULL ? flip : aws->waiting[AWS_LANE_REFRESH].first;
}

static void on_credentials(void *arg, const struct aws_credentials *credentials,
                           const struct err *err)
{
    struct aws *aws = arg;
    struct aws_call *call = first_waiting(aws);

    aws->asking = NULL;
    look_soon(aws);
    if (call == NULL)
        return;
    if (credentials == NULL)
        aws_try_not_sent(call, err);
    else if (aws_call_left_ms(call) < least_ms(&call->request))
        give_up(call);
    else if (aws->n_flying < flight_max(call->request.lane) &&
             aws_budget_take(&aws->budget, call->request.lane,
                             aws->waiting[AWS_LANE_FLIP].first != NULL, loop_now(aws->loop).mono))
        aws_try_send(call, credentials);
}

/* Credentials are asked for only when a request may leave, so that they are of the moment, and no
 * token is held while their source is slow. */
static void on_turn(void *arg)
{
    struct aws *aws = arg;
    const struct aws_call *call = first_waiting(aws);

    if (call == NULL || aws->asking != NULL || aws->n_flying >= flight_max(call->request.lane))
        return;
    const struct mono now = loop_now(aws->loop).mono;
    const int64_t wait_ms = aws_budget_wait_ms(&aws->budget, call->request.lane, now);
    if (wait_ms > 0)
        loop_timer_set(aws->turn, mono_add(now, wait_ms));
    else
        aws->asking = aws_chain_get(aws->chain, on_credentials, aws);
}

int aws_new(const struct aws_cfg *cfg, struct io *io, struct aws **out, struct err *err)
{
    const char *problem = aws_cfg_problem(cfg);
    struct aws_chain *chain = NULL;

    if (problem != NULL)
        return err_set(err, ERR_CONFIG, "%s", problem);
    if (aws_chain_new(cfg, io->loop, io->web, &chain, err) != 0)
        return -1;
    struct aws *aws = mem_zalloc(sizeof(*aws));
    aws->cfg = cfg;
    aws->loop = io->loop;
    aws->web = io->web;
    aws->chain = chain;
    aws->turn = loop_timer_new(io->loop, on_turn, aws);
    aws_budget_init(&aws->budget, loop_now(io->loop).mono);
    *out = aws;
    return 0;
}

void aws_free(struct aws *aws)
{
    if (aws == NULL)
        return;
    for (int lane = 0; lane < AWS_LANES; lane++) {
        while (aws->waiting[lane].first != NULL)
            aws_cancel(aws->waiting[lane].first);
    }
    while (aws->others.first != NULL)
        aws_cancel(aws->others.first);
    aws_chain_free(aws->chain);
    loop_timer_free(aws->turn);
    mem_free(aws);
}

static int check_request(const struct aws *aws, const struct aws_request *request, struct err *err)
{
    const int64_t shortest_ms = 2 * least_ms(request);

    if (request->n_params > AWS_PARAMS_MAX)
        return err_set(err, ERR_USAGE, "a request to AWS with %zu parameters, at most %d",
                       request->n_params, AWS_PARAMS_MAX);
    if (request->timeout_ms < shortest_ms || request->timeout_ms > AWS_TIMEOUT_MS_MAX)
        return err_set(err, ERR_USAGE, "a request to AWS with %lld ms of time, not %lld to %d",
                       (long long)request->timeout_ms, (long long)shortest_ms, AWS_TIMEOUT_MS_MAX);
    if (request->body_bytes > WEB_BODY_BYTES_MAX ||
        request->answer_max_bytes > WEB_ANSWER_BYTES_MAX)
        return err_set(err, ERR_LIMIT,
                       "a request to AWS of %zu bytes whose answer has %zu, at most %u and %u",
                       request->body_bytes, request->answer_max_bytes, WEB_BODY_BYTES_MAX,
                       WEB_ANSWER_BYTES_MAX);
    if (aws->n_waiting + aws->n_backing_off >= AWS_QUEUE_MAX) {
        err_set(err, ERR_LIMIT, "%d requests to AWS wait for their turn already", AWS_QUEUE_MAX);
        err->retry = true;
        return -1;
    }
    return 0;
}

struct aws_call *aws_start(struct aws *aws, const struct aws_request *request, aws_done *done,
                           void *arg)
{
    const struct mono now = loop_now(aws->loop).mono;
    struct aws_call *call = mem_zalloc(sizeof(*call));

    *call = (struct aws_call){ .aws = aws,
                               .done = done,
                               .arg = arg,
                               .started = now,
                               .answer = { .outcome = AWS_FAILED, .body = "" } };
    call->timer = loop_timer_new(aws->loop, on_call_timer, call);
    if (check_request(aws, request, &call->answer.err) != 0) {
        call->stage = AWS_STAGE_ENDS;
        loop_timer_set(call->timer, now);
    } else {
        keep_request(call, request);
        call->deadline = mono_add(now, request->timeout_ms);
        loop_timer_set(call->timer, call->deadline);
        look_soon(aws);
    }
    link_last(call);
    return call;
}

void aws_cancel(struct aws_call *call)
{
    if (call->web != NULL)
        web_cancel(call->web);
    look_soon(call->aws);
    unlink_call(call);
    call_free(call);
}

void aws_state(const struct aws *aws, struct aws_state *out)
{
    const struct mono now = loop_now(aws->loop).mono;

    *out = (struct aws_state){
        .flip_tokens = aws_budget_tokens(&aws->budget, AWS_LANE_FLIP, now),
        .refresh_tokens = aws_budget_tokens(&aws->budget, AWS_LANE_REFRESH, now),
        .n_waiting = aws->n_waiting + aws->n_backing_off,
        .skew_ms = aws->skew_ms,
        .sent = aws->sent,
        .throttled = aws->throttled,
    };
}
