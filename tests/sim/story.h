/* tests/sim/story.h -- one story being played. */
#ifndef TESTS_SIM_STORY_H
#define TESTS_SIM_STORY_H

#include <stdbool.h>

#include "dnsflip/engine/engine.h"
#include "dnsflip/io/io.h"
#include "tests/sim/world.h"

#define STORY_WORDS_MAX 32

struct hooks;
struct store_pages;
struct provider;
struct secondaries;

struct story {
    const char *path;
    unsigned line;
    struct mono zero; /* the start */
    struct settings *settings;
    struct ledger *ledger;
    struct provider **providers; /* owned */
    struct hooks *hooks;
    struct secondaries *secondaries;
    struct engine *engine;
    struct io io;
    int page_fd;
    struct loop_timer *follow; /* a reload's; NULL = there was none */
    bool is_handing_over;
    bool is_adopted;         /* the face has taken the next pair; the engine has not followed */
    struct loop_timer *hand; /* an accepted reload's; NULL = there was none */
    char file[64];           /* the configuration file as it is now; "" = the one in use */
    char accepted[65];       /* digest of what is to be handed over */
    int64_t adopted_ms;      /* the face takes the next pair after so long */
    struct {
        struct settings *settings;
        struct provider **providers;
        struct page *page;
        int page_fd;
        uint32_t groups[GROUPS_MAX]; /* see struct store_pages */
        uint8_t index[GROUPS_MAX * CLUSTERS_MAX];
    } next; /* while is_handing_over */
    char error[512];
    struct command_result result; /* of the last do */
    bool has_result;
};

/* All return false, with s->error set, if the story does not go as written. */
bool story_fail(struct story *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool story_begin(struct story *s, const char *config);
void story_restart(struct story *s, int64_t dead_ms); /* kill -9 of the judge, later a new one */
void story_set_face(struct story *s, bool is_alive);
bool story_restart_with(struct story *s, const char *config);
/* A new configuration: the face takes the new pair after so long. */
bool story_reload(struct story *s, const char *config, int64_t adopted_ms);
/* The same with moves, as operations: see story_accept.c. */
bool story_accept(struct story *s, const char *config, int64_t adopted_ms, uint64_t exit,
                  const char *rule);
bool story_accept_begin(struct story *s, const char *config, int64_t adopted_ms);
void story_accept_hand_over(void *story, const char *configuration); /* engine_deps */
void story_accept_dropped(void *story, const char *why);
bool story_hand_over(struct story *s, int64_t adopted_ms); /* s->next.settings are loaded */
bool story_load(struct story *s, const char *config, struct settings **out);
bool story_open_providers(struct story *s, const struct settings *settings, struct provider ***out,
                          const struct store_pages *pages);
void story_end(struct story *s);

/* What the last do came to, once it is answered. */
bool story_answered(struct story *s, uint64_t exit, const char *rule);
bool story_do(struct story *s, char *const words[], int n);
/* kills.c, chance.c: whole families of stories; words as written in the one line of the file. */
bool kills_play(struct story *s, char *const words[], int n);
bool chance_play(struct story *s, char *const words[], int n);

/* story_secondary.c: words as written, "secondary" or "notified" the first of them. */
bool story_secondary(struct story *s, char *const words[], int n);
bool story_expect_secondary(struct story *s, char *const words[]);

bool story_expect(struct story *s, char *const words[], int n);

/* What must hold at any moment of any story. */
void story_check_always(struct story *s);

#endif
