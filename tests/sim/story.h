/* tests/sim/story.h -- one story being played. */
#ifndef TESTS_SIM_STORY_H
#define TESTS_SIM_STORY_H

#include <stdbool.h>

#include "dnsflip/engine/engine.h"
#include "dnsflip/io/io.h"
#include "tests/sim/world.h"

#define STORY_WORDS_MAX 32

struct hooks;
struct provider;

struct story {
    const char *path;
    unsigned line;
    struct mono zero; /* the start */
    struct settings *settings;
    struct ledger *ledger;
    struct provider *providers[PROVIDERS_MAX];
    struct hooks *hooks;
    struct engine *engine;
    struct io io;
    int page_fd;
    char error[512];
    struct command_result result; /* of the last do */
    bool has_result;
};

/* All return false, with s->error set, if the story does not go as written. */
bool story_fail(struct story *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool story_begin(struct story *s, const char *config);
void story_restart(struct story *s); /* kill -9 of the judge, and a new one */
void story_end(struct story *s);

bool story_do(struct story *s, char *const words[], int n);
bool story_expect(struct story *s, char *const words[], int n);

/* What must hold at any moment of any story. */
void story_check_always(struct story *s);

#endif
