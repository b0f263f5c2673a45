/* tests/support/load.h -- somebody who asks an instance one question after the other, from a thread
 * of his own, and counts what he hears. */
#ifndef TESTS_SUPPORT_LOAD_H
#define TESTS_SUPPORT_LOAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "tests/support/instance.h"

#define LOAD_ANSWER_MS 2000 /* an answer that takes longer is lost */
#define LOAD_WAIT_MS 60000  /* for what must happen, on a machine under load */

struct load {
    const struct instance *in;
    pthread_t thread;
    _Atomic bool is_to_stop;
    _Atomic unsigned asked, wrong, lost;
    _Atomic unsigned cluster[3]; /* right answers, by what they said */
};

/* Both return when enough has been asked to mean something. */
void load_start(struct load *load, const struct instance *in);
void load_stop(struct load *load);

/* Until so many more questions have been asked. */
void load_await(struct load *load, unsigned more);

#endif
