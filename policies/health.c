#include "policies/health.h"

static struct health enter(struct health h, enum health_status status, struct mono now)
{
    if (h.status != status) {
        h.status = status;
        h.since = now;
    }
    return h;
}

const char *health_cfg_problem(const struct health_cfg *cfg)
{
    if (cfg->rise == 0)
        return "rise must be at least 1";
    if (cfg->fall == 0)
        return "fall must be at least 1";
    if (cfg->ok_reset == 0 || cfg->ok_reset > cfg->rise)
        return "ok_reset must be between 1 and rise";
    if (cfg->stale_ms <= 0)
        return "stale must be longer than 0";
    return NULL;
}

struct health health_start(struct mono now)
{
    return (struct health){ .status = HEALTH_UNKNOWN, .since = now, .heard = now };
}

struct health health_step(const struct health_cfg *cfg, struct health h, enum outcome v,
                          struct mono now)
{
    /* First, so that failures an hour apart never count as in a row. */
    h = health_expire(cfg, h, now);

    switch (v) {
    case OUTCOME_INCONCLUSIVE:
        h.inconclusive++;
        return h;
    case OUTCOME_PASS:
        h.passes++;
        if (h.passes >= cfg->ok_reset)
            h.fails = 0;
        break;
    case OUTCOME_FAIL:
        h.fails++;
        h.passes = 0;
        break;
    }
    h.inconclusive = 0;
    h.heard = now;

    if (h.passes >= cfg->rise)
        return enter(h, HEALTH_UP, now);
    if (h.fails >= cfg->fall)
        return enter(h, HEALTH_DOWN, now);
    return h;
}

struct health health_expire(const struct health_cfg *cfg, struct health h, struct mono now)
{
    if (mono_since(now, h.heard) < cfg->stale_ms)
        return h;

    /* Silence is not failure: a mute prober must never move traffic. */
    h.passes = 0;
    h.fails = 0;
    return enter(h, HEALTH_UNKNOWN, now);
}

bool health_is_in_doubt(struct health h)
{
    bool last_passed = h.passes > 0;

    switch (h.status) {
    case HEALTH_UP:
        return !last_passed;
    case HEALTH_DOWN:
        return last_passed;
    case HEALTH_UNKNOWN:
        break;
    }
    return true;
}

enum health_status health_join(const enum health_status status[], size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (status[i] != status[0])
            return HEALTH_UNKNOWN;
    }
    return status[0];
}
