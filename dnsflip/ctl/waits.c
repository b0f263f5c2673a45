#include "dnsflip/ctl/waits.h"

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/ctl/call.h"
#include "dnsflip/ctl/methods.h"
#include "dnsflip/ctl/views.h"
#include "dnsflip/io/loop.h"

#define LOOK_MS 250 /* also without an event, for what no event tells */

struct wait {
    struct ctl_call *call; /* owned until answered */
    char operation[OPERATION_ID_BYTES];
    enum wait_level level;
    struct mono until;
    struct wait *next;
};

struct ctl_waits {
    struct loop *loop;     /* borrowed */
    struct engine *engine; /* borrowed */
    struct loop_timer *timer;
    struct wait *first; /* owned, all of the list */
};

bool waits_is_over(const struct operation *op, enum wait_level level)
{
    if (op->state == OP_PARTIAL)
        return level == WAIT_ACCEPTED;
    if (op_state_is_ended(op->state))
        return true;
    switch (level) {
    case WAIT_ACCEPTED:
        return op->state != OP_RECORDING;
    case WAIT_SETTLED:
        return op->state == OP_VERIFYING;
    case WAIT_CONVERGED:
        return false;
    }
    return false;
}

static bool is_reached(const struct operation *op, enum wait_level level)
{
    switch (level) {
    case WAIT_ACCEPTED:
        return op->state != OP_RECORDING && op->state != OP_REFUSED;
    case WAIT_SETTLED:
        return op->settled.ms != 0 || op->state == OP_VERIFYING || op->state == OP_DONE;
    case WAIT_CONVERGED:
        return op->state == OP_DONE;
    }
    return false;
}

/* True once the wait is answered. */
static bool look(struct ctl_waits *waits, struct wait *w, struct mono now)
{
    const struct operation *op = ledger_find_operation(engine_ledger(waits->engine), w->operation);
    struct proto_error error;

    if (op == NULL) {
        (void)proto_fail_exit(&error, 1, "operation %s is no longer known", w->operation);
        ctl_call_error(w->call, &error);
        return true;
    }
    if (w->call->conn != NULL && !waits_is_over(op, w->level) && now.ms < w->until.ms)
        return false;
    cJSON *view = cJSON_CreateObject();
    (void)cJSON_AddItemToObject(view, "operation", views_operation(op));
    (void)cJSON_AddStringToObject(view, "level", methods_levels[w->level]);
    (void)cJSON_AddBoolToObject(view, "reached", is_reached(op, w->level));
    (void)cJSON_AddBoolToObject(view, "over", waits_is_over(op, w->level));
    ctl_call_result(w->call, view);
    return true;
}

static void on_timer(void *arg)
{
    struct ctl_waits *waits = arg;
    struct mono now = loop_now(waits->loop).mono;
    struct wait **place = &waits->first;

    while (*place != NULL) {
        struct wait *w = *place;

        if (look(waits, w, now)) {
            *place = w->next;
            mem_free(w);
        } else {
            place = &w->next;
        }
    }
    if (waits->first != NULL)
        loop_timer_set(waits->timer, mono_add(now, LOOK_MS));
}

struct ctl_waits *waits_new(struct loop *loop, struct engine *engine)
{
    struct ctl_waits *waits = mem_zalloc(sizeof(*waits));

    waits->loop = loop;
    waits->engine = engine;
    waits->timer = loop_timer_new(loop, on_timer, waits);
    return waits;
}

void waits_free(struct ctl_waits *waits)
{
    if (waits == NULL)
        return;
    loop_timer_free(waits->timer);
    while (waits->first != NULL) {
        struct wait *w = waits->first;

        waits->first = w->next;
        mem_free(w->call);
        mem_free(w);
    }
    mem_free(waits);
}

void waits_add(struct ctl_waits *waits, struct ctl_call *call, const char *operation,
               enum wait_level level, int64_t timeout_ms)
{
    struct wait *w = mem_zalloc(sizeof(*w));

    w->call = call;
    w->level = level;
    w->until = mono_add(loop_now(waits->loop).mono, timeout_ms);
    (void)str_copy(w->operation, sizeof(w->operation), operation);
    w->next = waits->first;
    waits->first = w;
    waits_touch(waits);
}

void waits_touch(struct ctl_waits *waits)
{
    if (waits->first != NULL)
        loop_timer_set(waits->timer, loop_now(waits->loop).mono);
}
