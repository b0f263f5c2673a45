/* tests/support/load.c -- asks until told to stop; see the header. */
#include "tests/support/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <string.h>

#include "dnsflip/base/mono.h"

#define ASKED_MIN 200

static void *run(void *arg)
{
    struct load *load = arg;

    while (!atomic_load(&load->is_to_stop)) {
        int cluster = instance_ask(load->in, atomic_fetch_add(&load->asked, 1), LOAD_ANSWER_MS);
        if (cluster < 0)
            atomic_fetch_add(&load->lost, 1);
        else if (cluster == 0)
            atomic_fetch_add(&load->wrong, 1);
        else
            atomic_fetch_add(&load->cluster[cluster], 1);
    }
    return NULL;
}

void load_await(struct load *load, unsigned more)
{
    struct mono end = mono_add(mono_now(), LOAD_WAIT_MS);
    unsigned before = atomic_load(&load->asked);

    while (atomic_load(&load->asked) < before + more) {
        assert_true(mono_since(end, mono_now()) > 0);
        (void)poll(NULL, 0, 1);
    }
}

void load_start(struct load *load, const struct instance *in)
{
    memset(load, 0, sizeof(*load));
    load->in = in;
    assert_int_equal(pthread_create(&load->thread, NULL, run, load), 0);
    load_await(load, ASKED_MIN);
}

void load_stop(struct load *load)
{
    load_await(load, ASKED_MIN);
    atomic_store(&load->is_to_stop, true);
    assert_int_equal(pthread_join(load->thread, NULL), 0);
}
