#include "dnsflip/io/aws_refresh.h"

bool aws_refresh_is_usable(const struct aws_refresh_state *s, struct instant now)
{
    return s->has_keys && !s->is_refused && (s->expires.ms == 0 || s->expires.ms - now.wall.ms > 0);
}

enum aws_refresh aws_refresh_decide(const struct aws_refresh_state *s, struct instant now)
{
    bool is_usable = aws_refresh_is_usable(s, now);
    bool may_ask = s->n_failed == 0 || now.mono.ms >= s->next_try.ms;
    if (!is_usable)
        return may_ask ? AWS_REFRESH_WAIT : AWS_REFRESH_FAIL;
    if (s->expires.ms == 0 || s->expires.ms - now.wall.ms >= AWS_ADVISORY_MS || !may_ask)
        return AWS_REFRESH_USE;
    return s->expires.ms - now.wall.ms >= AWS_MANDATORY_MS ? AWS_REFRESH_USE_AND_ASK
                                                           : AWS_REFRESH_WAIT;
}

struct aws_refresh_state aws_refresh_failed(struct aws_refresh_state s, struct instant now)
{
    int64_t pause_ms = AWS_PAUSE_FIRST_MS;
    for (unsigned i = 0; i < s.n_failed && pause_ms < AWS_PAUSE_MAX_MS; i++)
        pause_ms *= 2;
    s.next_try = mono_add(now.mono, pause_ms < AWS_PAUSE_MAX_MS ? pause_ms : AWS_PAUSE_MAX_MS);
    if (s.n_failed < 1000)
        s.n_failed++;
    return s;
}

struct aws_refresh_state aws_refresh_found(struct wall expires)
{
    return (struct aws_refresh_state){ .has_keys = true, .expires = expires };
}

struct wall aws_refresh_local(struct wall expires, struct wall date, struct wall now)
{
    if (expires.ms == 0 || date.ms == 0)
        return expires;
    int64_t ahead_ms = date.ms - now.ms;
    if (ahead_ms <= AWS_SKEW_MS && ahead_ms >= -AWS_SKEW_MS)
        return expires;
    return (struct wall){ .ms = expires.ms - ahead_ms };
}

struct wall aws_refresh_extend(struct wall expires, struct wall now, int64_t jitter_ms)
{
    int64_t least_ms = AWS_ADVISORY_MS + jitter_ms;
    if (expires.ms == 0 || expires.ms - now.ms > least_ms)
        return expires;
    return (struct wall){ .ms = now.ms + least_ms };
}
