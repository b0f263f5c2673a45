/* tests/sim/story_secondary.c -- the zone's secondaries in a story, N = 0, 1 ... in the order of
 * the configuration: secondary N dead|alive|deaf|hears          (deaf: it answers, but takes
 * nothing from us) secondary N writes GROUP CLUSTER SERIALS   (by other hands, so many serials
 * after ours) expect secondary N follows|lags|ahead|unknown expect notified N TIMES */
#include <string.h>

#include "dnsflip/base/str.h"
#include "tests/sim/story.h"

static struct world_secondary *find(const char *number)
{
    uint64_t n;

    return str_parse_u64(number, WORLD_SECONDARIES_MAX - 1, &n) ? &world.secondaries[n] : NULL;
}

static bool write_zone(struct story *s, struct world_secondary *x, char *const w[])
{
    int group = settings_find_group(s->settings, w[0]);
    int cluster = settings_find_cluster(s->settings, w[1]);
    struct secondary_status ours;
    uint64_t by;

    if (group < 0 || group >= WORLD_SECONDARY_GROUPS_MAX || cluster < 0 ||
        engine_secondaries(s->engine) == 0 || !str_parse_u64(w[2], 1000000, &by))
        return false;
    engine_secondary_status(s->engine, 0, &ours);
    x->serial = ours.ours + (uint32_t)by;
    x->places[group] =
        (uint8_t)(group_find_cluster(&s->settings->groups[group], (unsigned)cluster) + 1);
    return true;
}

bool story_secondary(struct story *s, char *const w[], int n)
{
    struct world_secondary *x = n >= 3 ? find(w[1]) : NULL;

    if (x == NULL)
        return false;
    if (n == 6 && strcmp(w[2], "writes") == 0)
        return write_zone(s, x, w + 3);
    if (strcmp(w[2], "dead") == 0 || strcmp(w[2], "alive") == 0) {
        x->is_dead = strcmp(w[2], "dead") == 0;
        return true;
    }
    x->is_deaf = strcmp(w[2], "deaf") == 0;
    return x->is_deaf || strcmp(w[2], "hears") == 0;
}

bool story_expect_secondary(struct story *s, char *const w[])
{
    struct secondary_status status = { .state = SECONDARY_UNKNOWN };
    uint64_t number;

    if (!str_parse_u64(w[1], WORLD_SECONDARIES_MAX - 1, &number) ||
        number >= engine_secondaries(s->engine))
        return story_fail(s, "there is no secondary %s", w[1]);
    if (strcmp(w[0], "notified") == 0) {
        char times[32];

        (void)str_format(times, sizeof(times), "%u", world.secondaries[number].notified);
        return strcmp(times, w[2]) == 0 || story_fail(s, "it was notified %s times", times);
    }
    engine_secondary_status(s->engine, number, &status);
    return strcmp(secondary_state_name(status.state), w[2]) == 0 ||
           story_fail(s, "secondary %s is %s, not %s", w[1], secondary_state_name(status.state),
                      w[2]);
}
