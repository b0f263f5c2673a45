/* tests/sim/sim.c -- plays stories: the real engine, policies, ledger and local provider in a
 * simulated world.  One .scn file is one test; its lines are acts and expectations in time order.
 *
 *   config FILE                        the configuration, beside the story (first line)
 *   kills FILE ... | chance FILE ...   instead: see kills.c, chance.c
 *   at TIME ACT...                     TIME as 90s, 2m, 1h30m since the start
 * acts:
 *   CLUSTER net ok|refuse|hang|noroute     CLUSTER app serving|waiting|sick
 *   CLUSTER flaps PERIOD | broken N | promoted | stale | leads-to ADDRESS
 *   dns silent|ok      face dead|ok      descriptors spent|ok      lock broken|ok
 *   uplink up|down     disk ok|stuck|fails|MSms     hook fence|promote ok|fails|hangs
 *   overflow ok|stuck|fails   (the disk of the overflow file)
 *   proof broken       freeze TIME      clock +TIME|-TIME      restart [TIME]
 *   restart_with FILE       (another configuration, its clusters in the same order)
 *   reload FILE [TIME]      (the face takes it after TIME)
 *   accept FILE [TIME] exits N [by RULE]   (a reload that moves the names of every group)
 *   edit FILE               (the file is this one now; nobody is told)
 *   secondary ...           see story_secondary.c
 *   stray GROUP CLUSTER [EPOCH]   the page says so; EPOCH: else of the newest operation
 *   do VERB ...        see story_do.c: ends in "exits N" and perhaps "by RULE"
 *   expect ...         see story_expect.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "tests/sim/story.h"

static bool set_word(const char *word, const char *const words[], int n, int *out)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(words[i], word) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool act_cluster(struct world_cluster *c, char *const w[], int n)
{
    static const char *const nets[] = { "ok", "refuse", "hang", "noroute" };
    static const char *const apps[] = { "serving", "waiting", "sick" };
    uint64_t count;
    int value;

    if (n == 3 && strcmp(w[1], "net") == 0 && set_word(w[2], nets, 4, &value)) {
        c->net = (enum world_net)value;
        return true;
    }
    if (n == 3 && strcmp(w[1], "app") == 0 && set_word(w[2], apps, 3, &value)) {
        c->app = (enum world_app)value;
        return true;
    }
    if (n == 3 && strcmp(w[1], "flaps") == 0)
        return str_parse_duration(w[2], &c->flap_ms);
    if (n == 3 && strcmp(w[1], "broken") == 0 && str_parse_u64(w[2], 1000, &count)) {
        c->broken = (uint32_t)count;
        return true;
    }
    if (n == 2 && strcmp(w[1], "stale") == 0) {
        c->is_stale = true;
        return true;
    }
    if (n == 3 && strcmp(w[1], "leads-to") == 0)
        return str_copy(c->address, sizeof(c->address), w[2]);
    c->is_promoted = n == 2 && strcmp(w[1], "promoted") == 0;
    return c->is_promoted;
}

static const char *const disk_words[] = { "ok", "stuck", "fails" };

static bool act_disk(const char *word)
{
    int value;

    if (set_word(word, disk_words, 3, &value)) {
        world.disk = (enum world_disk)value;
        return true;
    }
    return str_parse_duration(word, &world.disk_ms);
}

static bool act_overflow(const char *word)
{
    int value;

    if (!set_word(word, disk_words, 3, &value))
        return false;
    world.overflow_disk = (enum world_disk)value;
    return true;
}

static bool act_hook(const char *which, const char *how)
{
    static const char *const words[] = { "ok", "fails", "hangs" };
    int value;

    if (!set_word(how, words, 3, &value))
        return false;
    if (strcmp(which, "fence") == 0)
        world.fence = (enum world_hook)value;
    else
        world.promote = (enum world_hook)value;
    return true;
}

static bool act_clock(const char *word)
{
    int64_t ms;

    if ((word[0] != '+' && word[0] != '-') || !str_parse_duration(word + 1, &ms))
        return false;
    world_loop_step_wall(world.loop, word[0] == '-' ? -ms : ms);
    return true;
}

static bool act_stray(struct story *s, const char *name, const char *cluster, const char *epoch)
{
    uint64_t forced = 0;
    int i = settings_find_group(s->settings, name);
    int c = settings_find_cluster(s->settings, cluster);
    struct group_status g;

    if (i < 0 || c < 0 || (epoch != NULL && !str_parse_u64(epoch, UINT32_MAX, &forced)))
        return false;
    engine_group_status(s->engine, (uint32_t)i, &g);
    page_set(world.page, (uint32_t)i,
             (struct page_word){ .index = (uint8_t)(group_find_cluster(g.cfg, (unsigned)c) + 1),
                                 .epoch = epoch != NULL ? (uint32_t)forced : g.operation->epoch });
    return true;
}

/* accept FILE [TIME] exits N [by RULE] */
static bool act_accept(struct story *s, char *const w[], int n)
{
    bool has_time = strcmp(w[2], "exits") != 0;
    int at = has_time ? 3 : 2;
    uint64_t exit = 0;
    int64_t ms = 0;

    if (has_time && !str_parse_duration(w[2], &ms))
        return false;
    if (n < at + 2 || strcmp(w[at], "exits") != 0 || !str_parse_u64(w[at + 1], 255, &exit))
        return false;
    return story_accept(s, w[1], ms, exit, n == at + 4 ? w[at + 3] : NULL);
}

/* What happens to the judge itself. */
static bool act_judge(struct story *s, char *const w[], int n)
{
    int64_t ms = 0;

    if (n <= 2 && strcmp(w[0], "restart") == 0) {
        if (n == 2 && !str_parse_duration(w[1], &ms))
            return false;
        story_restart(s, ms);
        return true;
    }
    if (n == 2 && strcmp(w[0], "restart_with") == 0)
        return story_restart_with(s, w[1]);
    if (n == 2 && strcmp(w[0], "reload") == 0)
        return story_reload(s, w[1], 0);
    if (n == 3 && strcmp(w[0], "reload") == 0)
        return str_parse_duration(w[2], &ms) && story_reload(s, w[1], ms);
    if (n == 2 && strcmp(w[0], "edit") == 0)
        return str_copy(s->file, sizeof(s->file), w[1]);
    if (n >= 4 && strcmp(w[0], "accept") == 0)
        return act_accept(s, w, n);
    if (n == 2 && strcmp(w[0], "freeze") == 0 && str_parse_duration(w[1], &ms)) {
        world_loop_freeze(world.loop, ms);
        return true;
    }
    return false;
}

static bool act_world(struct story *s, char *const w[], int n)
{
    if (n >= 3 && strcmp(w[0], "stray") == 0)
        return act_stray(s, w[1], w[2], n > 3 ? w[3] : NULL);
    if (n == 2 && strcmp(w[0], "uplink") == 0) {
        world.is_uplink_down = strcmp(w[1], "down") == 0;
        return true;
    }
    if (n == 2 && strcmp(w[0], "disk") == 0)
        return act_disk(w[1]);
    if (n == 2 && strcmp(w[0], "overflow") == 0)
        return act_overflow(w[1]);
    if (n == 3 && strcmp(w[0], "hook") == 0)
        return act_hook(w[1], w[2]);
    if (n == 2 && strcmp(w[0], "proof") == 0) {
        world.is_proof_broken = strcmp(w[1], "broken") == 0;
        return world.is_proof_broken;
    }
    if (n == 2 && strcmp(w[0], "clock") == 0)
        return act_clock(w[1]);
    return false;
}

/* What is either so or, by "ok", not. */
static bool act_switch(struct story *s, char *const w[], int n)
{
    const struct {
        const char *what, *how;
        bool *is;
    } rows[] = { { "dns", "silent", &world.is_dns_silent },
                 { "descriptors", "spent", &world.is_spent },
                 { "lock", "broken", &world.is_lock_broken } };

    if (n == 2 && strcmp(w[0], "face") == 0) {
        story_set_face(s, strcmp(w[1], "dead") != 0);
        return true;
    }
    for (size_t i = 0; n == 2 && i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(w[0], rows[i].what) != 0)
            continue;
        *rows[i].is = strcmp(w[1], rows[i].how) == 0;
        return *rows[i].is || strcmp(w[1], "ok") == 0;
    }
    return false;
}

static bool act(struct story *s, char *const w[], int n)
{
    int cluster = settings_find_cluster(world.settings, w[0]);

    if (cluster >= 0)
        return act_cluster(&world.clusters[cluster], w, n);
    if (strcmp(w[0], "do") == 0)
        return story_do(s, w + 1, n - 1);
    if (strcmp(w[0], "expect") == 0)
        return story_expect(s, w + 1, n - 1);
    if (strcmp(w[0], "secondary") == 0 && story_secondary(s, w, n))
        return true;
    if (act_judge(s, w, n) || act_world(s, w, n) || act_switch(s, w, n))
        return true;
    return story_fail(s, "there is no such act: %s", w[0]);
}

static int split(char *line, char *words[])
{
    int n = 0;
    char *rest = line, *word;

    while ((word = strtok_r(rest, " \t\n", &rest)) != NULL && n < STORY_WORDS_MAX)
        words[n++] = word;
    return n;
}

static bool play_line(struct story *s, char *line)
{
    char *words[STORY_WORDS_MAX];
    int n = split(line, words);
    int64_t at;

    if (n == 0 || words[0][0] == '#')
        return true;
    if (n == 2 && strcmp(words[0], "config") == 0)
        return story_begin(s, words[1]);
    if (n > 2 && strcmp(words[0], "kills") == 0)
        return kills_play(s, words, n);
    if (n > 2 && strcmp(words[0], "chance") == 0)
        return chance_play(s, words, n);
    if (n < 3 || strcmp(words[0], "at") != 0 || !str_parse_duration(words[1], &at))
        return story_fail(s, "a line is: at TIME ACT...");
    world_loop_until(world.loop, mono_add(s->zero, at));
    story_check_always(s);
    return act(s, words + 2, n - 2);
}

static bool play(const char *path)
{
    struct story s = { .path = path };
    FILE *file = fopen(path, "r");
    char line[512];
    bool ok = file != NULL;

    while (ok && fgets(line, sizeof(line), file) != NULL) {
        s.line++;
        ok = play_line(&s, line) && s.error[0] == '\0';
    }
    if (file != NULL)
        (void)fclose(file);
    story_end(&s);
    if (!ok)
        printf("# %s:%u: %s\n", path, s.line, s.error[0] != '\0' ? s.error : "wrong");
    return ok;
}

/* A killed process frees nothing; its memory is not a leak of ours. */
const char *sanitizer_options(void) __asm__("__asan_default_options");
const char *sanitizer_options(void)
{
    return "detect_leaks=0";
}

int main(int argc, char **argv)
{
    int failed = 0;

    log_init("sim", getenv("SIM_LOG") != NULL ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR + 1);
    printf("1..%d\n", argc - 1);
    for (int i = 1; i < argc; i++) {
        bool ok = play(argv[i]);

        printf("%sok %d - %s\n", ok ? "" : "not ", i, argv[i]);
        failed += !ok;
    }
    return failed > 0;
}
