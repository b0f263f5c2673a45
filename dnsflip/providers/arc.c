/* The provider arc: routing controls read and turned through the endpoints of an ARC cluster, one
 * after the other until one answers.  AWS promises three of five at any time. */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/aws.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/model/operation.h"
#include "dnsflip/providers/arc_message.h"
#include "dnsflip/providers/arc_plan.h"

/* For an answer of one endpoint, waiting for budget included. */
#define ENDPOINT_MS INT64_C(2000)
/* Between looks at controls that do not show a change yet. */
#define SETTLE_POLL_MS INT64_C(1000)
#define SUBMIT_MS INT64_C(25000) /* each endpoint ROUNDS times, and some room */
#define ROUNDS 2                 /* so often each endpoint is tried in one call */

struct arc {
    struct provider provider; /* first: ops finds back */
    const struct settings *settings;
    const struct arc_cfg *cfg; /* both borrowed */
    unsigned index;
    struct loop *loop; /* borrowed */
    struct aws *aws;   /* owned */
    unsigned endpoint; /* the one that answered last: asked first */
};

enum purpose { PURPOSE_READ = 0, PURPOSE_SUBMIT, PURPOSE_SETTLE, PURPOSE_FIND };

/* One call: the controls are read one by one, then what is to be done with them is done. */
struct arc_call {
    struct provider_call call; /* first */
    struct arc *arc;
    enum purpose purpose;
    struct step step;
    bool is_on[CLUSTERS_MAX];
    unsigned n_read;          /* controls read so far */
    unsigned n_failed;        /* answers that were none, since the call began or the last poll */
    unsigned endpoint;        /* being asked */
    int8_t believed;          /* read: the place that should be there, -1 = not known */
    bool may_have_changed;    /* a transaction was sent whose outcome is not known */
    bool is_updating;         /* all are read: the transaction is on its way */
    struct aws_call *request; /* NULL = none in flight */
    struct loop_timer *timer; /* owned; settle: the next look */
    union {
        provider_read_done *read;
        provider_submit_done *submit;
        provider_settle_done *settle;
        provider_find_done *find;
    } done;
    void *arg;
};

static struct arc *arc_of(struct provider *p)
{
    return (struct arc *)(void *)p;
}

static void call_free(struct arc_call *call)
{
    if (call->request != NULL)
        aws_cancel(call->request);
    loop_timer_free(call->timer);
    loop_defer_free(call->arc->loop, call);
}

static void arc_cancel(struct provider_call *call)
{
    call_free((struct arc_call *)(void *)call);
}

/* Ends the call: live NULL = err says why its end was not reached. */
static void finish(struct arc_call *call, const struct live *live, const struct err *err)
{
    struct arc_call it = *call;
    struct live unreadable = { .status = LIVE_UNREADABLE, .place = -1 };
    char words[STEP_TEXT_BYTES];

    arc_plan_words(it.arc->cfg, it.is_on, words, sizeof(words));
    call_free(call);
    switch (it.purpose) {
    case PURPOSE_READ:
        if (live == NULL)
            unreadable.err = *err;
        it.done.read(it.arg, live != NULL ? live : &unreadable);
        break;
    case PURPOSE_SUBMIT:
        it.done.submit(it.arg, live != NULL || it.may_have_changed ? "" : NULL,
                       live != NULL ? NULL : err);
        break;
    case PURPOSE_SETTLE:
        it.done.settle(it.arg, live != NULL ? NULL : err);
        break;
    case PURPOSE_FIND:
        it.done.find(it.arg, live != NULL ? arc_plan_found(&it.step, live) : FOUND_UNREADABLE,
                     live != NULL ? words : err->text);
        break;
    }
}

static void ask(struct arc_call *call);

static void conflict(struct arc_call *call)
{
    const struct settings *s = call->arc->settings;
    const struct group_cfg *g = &s->groups[call->step.group];
    char words[STEP_TEXT_BYTES];
    struct err err = { 0 };

    arc_plan_words(call->arc->cfg, call->is_on, words, sizeof(words));
    (void)err_set(&err, ERR_CONFLICT,
                  "routing controls: expected %s On alone, found %s: somebody else has set them",
                  s->clusters[g->clusters[call->step.from]].name, words);
    finish(call, NULL, &err);
}

/* All states are read. */
static void look(struct arc_call *call)
{
    const struct arc *arc = call->arc;
    struct live live;

    arc_plan_live(arc->settings, arc->index, call->step.group, call->is_on, &live);
    if (live.status == LIVE_ONE && call->believed >= 0 && live.place != call->believed)
        arc_plan_words(arc->cfg, call->is_on, live.err.text, sizeof(live.err.text));
    switch (call->purpose) {
    case PURPOSE_READ:
    case PURPOSE_FIND:
        finish(call, &live, NULL);
        return;
    case PURPOSE_SETTLE:
        if (arc_plan_judge(&call->step, &live) == ARC_DONE) {
            finish(call, &live, NULL);
            return;
        }
        call->n_read = 0;
        call->n_failed = 0;
        loop_timer_set(call->timer, mono_add(loop_now(arc->loop).mono, SETTLE_POLL_MS));
        return;
    case PURPOSE_SUBMIT:
        break;
    }
    switch (arc_plan_judge(&call->step, &live)) {
    case ARC_DONE:
        finish(call, &live, NULL);
        break;
    case ARC_SEND:
        call->is_updating = true;
        ask(call);
        break;
    case ARC_CONFLICT:
        conflict(call);
        break;
    }
}

/* The endpoint gave no answer that counts: the next one is asked, from the first control on, for
 * what was sent may have had its effect. */
static void rotate(struct arc_call *call, const struct err *why)
{
    const struct arc_cfg *cfg = call->arc->cfg;
    struct err err = *why;

    if (++call->n_failed >= ROUNDS * (unsigned)cfg->n_endpoints) {
        (void)err_wrap(&err, "no endpoint of the ARC cluster answers (%u tries); the last, in %s",
                       call->n_failed, cfg->endpoints[call->endpoint].region);
        finish(call, NULL, &err);
        return;
    }
    call->endpoint = (call->endpoint + 1) % cfg->n_endpoints;
    call->is_updating = false;
    call->n_read = 0;
    ask(call);
}

static void refused(struct arc_call *call, const struct aws_answer *answer)
{
    struct err err = answer->err;

    /* A safety rule's refusal: its text names the rule. */
    if (strcmp(answer->code, "ConflictException") == 0) {
        err.code = ERR_DENIED;
        (void)err_wrap(&err, "refused by Application Recovery Controller, most likely a safety "
                             "rule; no routing control has changed");
    } else {
        (void)err_wrap(&err, "the ARC endpoint in %s",
                       call->arc->cfg->endpoints[call->endpoint].region);
    }
    finish(call, NULL, &err);
}

static void on_answer(void *arg, const struct aws_answer *answer)
{
    struct arc_call *call = arg;
    struct arc *arc = call->arc;
    struct live live = { .status = LIVE_ONE };
    struct err err = { 0 };

    call->request = NULL;
    if (answer->outcome == AWS_REFUSED &&
        strcmp(answer->code, "EndpointTemporarilyUnavailableException") != 0) {
        refused(call, answer);
        return;
    }
    if (answer->outcome != AWS_OK) {
        call->may_have_changed |= call->is_updating && answer->outcome == AWS_UNKNOWN;
        rotate(call, &answer->err);
        return;
    }
    if (call->is_updating) {
        arc->endpoint = call->endpoint;
        finish(call, &live, NULL);
        return;
    }
    if (arc_message_state(answer->body, answer->body_bytes, arc->cfg->controls[call->n_read].arn,
                          &call->is_on[call->n_read], &err) != 0) {
        rotate(call, &err);
        return;
    }
    arc->endpoint = call->endpoint;
    if (++call->n_read < arc->cfg->n_controls)
        ask(call);
    else
        look(call);
}

/* Asks the endpoint for the next control's state, or to turn them all. */
static void ask(struct arc_call *call)
{
    const struct arc *arc = call->arc;
    const struct arc_endpoint *endpoint = &arc->cfg->endpoints[call->endpoint];
    char url[AWS_URL_BYTES], path[AWS_URL_BYTES];
    struct buf body;

    buf_init(&body, ARC_BODY_BYTES_MAX);
    if (call->is_updating)
        arc_message_update(
            arc->cfg, arc_plan_control(arc->settings, arc->index, call->step.group, call->step.to),
            &body);
    else
        arc_message_get(arc->cfg->controls[call->n_read].arn, &body);
    (void)arc_message_url(endpoint->url, url, sizeof(url), path, sizeof(path));

    struct aws_request request = {
        .service = ARC_SERVICE,
        .region = endpoint->region,
        .url = url,
        .method = "POST",
        .path = path,
        .content_type = ARC_CONTENT_TYPE,
        .target = call->is_updating ? ARC_TARGET_UPDATE : ARC_TARGET_GET,
        .body = buf_text(&body),
        .body_bytes = body.len,
        .lane = call->purpose == PURPOSE_READ ? AWS_LANE_REFRESH : AWS_LANE_FLIP,
        /* For questions too: whom to ask again is decided here, among five. */
        .is_write = true,
        .timeout_ms = ENDPOINT_MS,
        .answer_max_bytes = ARC_ANSWER_BYTES_MAX,
    };
    call->request = aws_start(arc->aws, &request, on_answer, call);
    buf_fini(&body);
}

static void on_timer(void *arg)
{
    ask(arg);
}

static struct arc_call *call_new(struct provider *p, enum purpose purpose, const struct step *step,
                                 void *arg)
{
    struct arc_call *call = mem_zalloc(sizeof(*call));

    call->call.ops = &provider_arc;
    call->arc = arc_of(p);
    call->purpose = purpose;
    call->step = *step;
    call->arg = arg;
    call->endpoint = call->arc->endpoint;
    call->timer = loop_timer_new(call->arc->loop, on_timer, call);
    ask(call);
    return call;
}

static struct provider_call *arc_read(struct provider *p, uint32_t group, int8_t believed,
                                      provider_read_done *done, void *arg)
{
    struct step step = { .group = group };
    struct arc_call *call = call_new(p, PURPOSE_READ, &step, arg);

    call->believed = believed;
    call->done.read = done;
    return &call->call;
}

static struct provider_call *arc_submit(struct provider *p, const struct step *step,
                                        provider_submit_done *done, void *arg)
{
    struct arc_call *call = call_new(p, PURPOSE_SUBMIT, step, arg);

    call->done.submit = done;
    return &call->call;
}

static struct provider_call *arc_settle(struct provider *p, const struct step *step,
                                        const char *token, provider_settle_done *done, void *arg)
{
    struct arc_call *call = call_new(p, PURPOSE_SETTLE, step, arg);

    (void)token;
    call->done.settle = done;
    return &call->call;
}

static struct provider_call *arc_find(struct provider *p, const struct step *step,
                                      provider_find_done *done, void *arg)
{
    struct arc_call *call = call_new(p, PURPOSE_FIND, step, arg);

    call->done.find = done;
    return &call->call;
}

static int arc_open(const struct settings *settings, unsigned index, struct io *io,
                    struct provider **out, struct err *err)
{
    struct arc *arc = mem_zalloc(sizeof(*arc));

    *arc = (struct arc){ .provider = { .ops = &provider_arc },
                         .settings = settings,
                         .cfg = &settings->providers[index].arc,
                         .index = index,
                         .loop = io->loop };
    if (aws_new(&arc->cfg->aws, io, &arc->aws, err) != 0) {
        mem_free(arc);
        return -1;
    }
    *out = &arc->provider;
    return 0;
}

static void arc_close(struct provider *p)
{
    struct arc *arc = arc_of(p);

    aws_free(arc->aws);
    mem_free(arc);
}

static int64_t arc_refresh_ms(const struct provider_cfg *cfg)
{
    return cfg->arc.refresh_ms;
}

const struct provider_ops provider_arc = {
    .kind = "arc",
    .problem = arc_plan_problem,
    .open = arc_open,
    .read = arc_read,
    .plan = arc_plan_steps,
    .silence = arc_plan_silence,
    .servers = arc_plan_servers,
    .submit = arc_submit,
    .settle = arc_settle,
    .find = arc_find,
    .cancel = arc_cancel,
    .close = arc_close,
    .refresh_ms = arc_refresh_ms,
    .submit_ms = SUBMIT_MS,
    .settle_ms = OP_SETTLE_MS,
};
