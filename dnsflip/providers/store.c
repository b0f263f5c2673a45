#include "dnsflip/providers/store.h"

#include "dnsflip/base/mem.h"
#include "dnsflip/base/serial.h"
#include "dnsflip/base/str.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/model/operation.h"
#include "dnsflip/providers/secondaries.h"

/* How often a settle asks whether every answer thread has been quiet. */
#define QUIET_POLL_MS INT64_C(1)

struct store {
    struct provider provider; /* first: ops finds back */
    struct loop *loop;        /* borrowed */
    struct store_pages pages;
    const struct counters *counters; /* borrowed, NULL = no face */
    uint64_t face;                   /* counts faces: a settle that began on another starts anew */
};

/* Every call is over in the next turn but settle, which polls. */
struct store_call {
    struct provider_call call; /* first */
    struct store *store;
    struct step step;
    struct loop_timer *timer; /* owned */
    struct counters_quiet quiet;
    uint64_t face;
    bool is_watching; /* quiet is filled */
    bool is_stored;   /* submit: the word is written; else err says why not */
    struct err err;
    union {
        provider_read_done *read;
        provider_submit_done *submit;
        provider_settle_done *settle;
        provider_find_done *find;
    } done;
    void *arg;
};

static struct store *store_of(struct provider *p)
{
    return (struct store *)(void *)p;
}

static void call_free(struct store_call *call)
{
    loop_timer_free(call->timer);
    loop_defer_free(call->store->loop, call);
}

void store_cancel(struct provider_call *call)
{
    call_free((struct store_call *)(void *)call);
}

static struct store_call *call_new(struct provider *p, const struct step *step, loop_fn *fn,
                                   void *arg)
{
    struct store *store = store_of(p);
    struct store_call *call = mem_zalloc(sizeof(*call));

    call->call.ops = p->ops;
    call->store = store;
    call->step = *step;
    call->arg = arg;
    call->timer = loop_timer_new(store->loop, fn, call);
    loop_timer_set(call->timer, loop_now(store->loop).mono);
    return call;
}

/* The word of a group as the page has it now; not set while there is no page. */
static struct page_word word_of(const struct store *store, uint32_t group)
{
    if (store->pages.page == NULL || group >= store->pages.page->groups)
        return (struct page_word){ 0 };
    return page_get(store->pages.page, group);
}

static void on_read(void *arg)
{
    struct store_call *call = arg;
    struct page_word word = word_of(call->store, call->step.group);
    struct live live = { .status = LIVE_ONE,
                         .place = (int8_t)(word.index - 1),
                         .epoch = word.epoch };
    provider_read_done *done = call->done.read;
    void *done_arg = call->arg;

    if (call->store->pages.page == NULL) {
        live.status = LIVE_UNREADABLE;
        err_set(&live.err, ERR_SYS, "there is no page yet");
    } else if (word.index == 0) {
        live.status = LIVE_ABSENT;
    } else {
        secondaries_live(call->store->pages.secondaries, call->step.group, word, &live);
    }
    call_free(call);
    done(done_arg, &live);
}

struct provider_call *store_read(struct provider *p, uint32_t group, int8_t believed,
                                 provider_read_done *done, void *arg)
{
    struct step step = { .group = group };
    struct store_call *call = call_new(p, &step, on_read, arg);

    (void)believed;
    call->done.read = done;
    return &call->call;
}

/* The word of a flip: its serial is newer than the view's own and that of every word on the page,
 * even if its operation began before them. */
static struct page_word next_word(const struct page *page, uint32_t view_serial, uint8_t index,
                                  uint32_t epoch)
{
    uint32_t newest = serial_newest(epoch - 1, view_serial);
    uint32_t ahead;

    for (uint32_t i = 0; i < page->groups; i++) {
        struct page_word word = page_get(page, i);

        if (word.index != 0)
            newest = serial_newest(newest, page_word_serial(word));
    }
    ahead = newest + 1 - epoch;
    return (struct page_word){ .index = index,
                               .epoch = epoch,
                               .ahead = ahead < PAGE_AHEAD_MAX ? ahead : PAGE_AHEAD_MAX };
}

/* During a hand-over the face may be on either page; neither is wrong before the other. */
static int write_word(struct store *store, const struct step *step, struct err *err)
{
    const struct store_pages *pages = &store->pages;
    uint32_t other = pages->other == NULL ? UINT32_MAX : pages->other_groups[step->group];
    uint8_t index = 0;

    if (pages->page == NULL) {
        err_set(err, ERR_SYS, "there is no page to write: the face has not taken a view yet");
        err->retry = true;
        return -1;
    }
    if (other != UINT32_MAX) {
        index = pages->other_index[(size_t)step->group * CLUSTERS_MAX + step->to];
        if (index == 0)
            return err_set(err, ERR_CONFLICT,
                           "a reload that is under way takes the destination out of the group");
        page_set(pages->other, other,
                 next_word(pages->other, pages->other_serial, index, step->epoch));
    }
    page_set(pages->page, step->group,
             next_word(pages->page, pages->serial, (uint8_t)(step->to + 1), step->epoch));
    secondaries_changed(pages->secondaries);
    return 0;
}

static void on_submit(void *arg)
{
    struct store_call *call = arg;
    provider_submit_done *done = call->done.submit;
    void *done_arg = call->arg;
    bool is_stored = call->is_stored;
    struct err err = call->err;

    call_free(call);
    if (is_stored)
        done(done_arg, "", NULL);
    else
        done(done_arg, NULL, &err);
}

struct provider_call *store_submit(struct provider *p, const struct step *step,
                                   provider_submit_done *done, void *arg)
{
    struct store_call *call = call_new(p, step, on_submit, arg);

    /* At once: names must not wait for the rest of this turn.  Only the answer comes later. */
    call->is_stored = write_word(call->store, step, &call->err) == 0;
    call->done.submit = done;
    return &call->call;
}

static void on_settle(void *arg)
{
    struct store_call *call = arg;
    const struct store *store = call->store;
    provider_settle_done *done = call->done.settle;
    void *done_arg = call->arg;

    if (store->counters != NULL && (!call->is_watching || call->face != store->face)) {
        counters_quiet_start(store->counters, &call->quiet);
        call->is_watching = true;
        call->face = store->face;
    }
    if (store->counters == NULL || !counters_quiet_passed(store->counters, &call->quiet)) {
        loop_timer_set(call->timer, mono_add(loop_now(store->loop).mono, QUIET_POLL_MS));
        return;
    }
    call_free(call);
    done(done_arg, NULL);
}

struct provider_call *store_settle(struct provider *p, const struct step *step, const char *token,
                                   provider_settle_done *done, void *arg)
{
    struct store_call *call = call_new(p, step, on_settle, arg);

    (void)token;
    call->done.settle = done;
    return &call->call;
}

static void on_find(void *arg)
{
    struct store_call *call = arg;
    const struct step *step = &call->step;
    struct page_word word = word_of(call->store, step->group);
    provider_find_done *done = call->done.find;
    void *done_arg = call->arg;
    char detail[STEP_TEXT_BYTES];
    enum found found = FOUND_OTHER;

    if (call->store->pages.page == NULL)
        found = FOUND_UNREADABLE;
    else if (word.index == step->to + 1 && word.epoch == step->epoch)
        found = FOUND_APPLIED;
    else if (word.index == step->from + 1)
        found = FOUND_NOT_APPLIED;
    str_format(detail, sizeof(detail), "the page says place %d, epoch %u", word.index - 1,
               word.epoch);
    call_free(call);
    done(done_arg, found, detail);
}

struct provider_call *store_find(struct provider *p, const struct step *step,
                                 provider_find_done *done, void *arg)
{
    struct store_call *call = call_new(p, step, on_find, arg);

    call->done.find = done;
    return &call->call;
}

struct provider *store_new(const struct provider_ops *ops, struct io *io)
{
    struct store *store = mem_zalloc(sizeof(*store));

    store->provider.ops = ops;
    store->loop = io->loop;
    return &store->provider;
}

void store_close(struct provider *p)
{
    mem_free(store_of(p));
}

bool store_is(const struct provider *p)
{
    return p != NULL && p->ops->close == store_close;
}

void store_set_pages(struct provider *p, const struct store_pages *pages)
{
    store_of(p)->pages = *pages;
}

void store_set_counters(struct provider *p, const struct counters *counters)
{
    struct store *store = store_of(p);

    store->counters = counters;
    store->face++;
}
