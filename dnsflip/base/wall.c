#include "dnsflip/base/wall.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define MS_PER_S 1000

struct wall wall_now(void)
{
    struct timespec ts = { 0 };
    int rc = clock_gettime(CLOCK_REALTIME, &ts);

    assert(rc == 0);
    (void)rc;
    return (struct wall){ .ms = (int64_t)ts.tv_sec * MS_PER_S + ts.tv_nsec / 1000000 };
}

struct instant instant_now(void)
{
    return (struct instant){ .mono = mono_now(), .wall = wall_now() };
}

const char *wall_format(struct wall t, char out[static WALL_TEXT_BYTES])
{
    int64_t ms = t.ms % MS_PER_S;
    time_t s = (time_t)(t.ms / MS_PER_S);
    struct tm tm = { 0 };

    if (t.ms == 0) {
        (void)snprintf(out, WALL_TEXT_BYTES, "-");
        return out;
    }
    if (ms < 0) {
        ms += MS_PER_S;
        s--;
    }
    if (gmtime_r(&s, &tm) == NULL) {
        (void)snprintf(out, WALL_TEXT_BYTES, "?");
        return out;
    }
    size_t n = strftime(out, WALL_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out + n, WALL_TEXT_BYTES - n, ".%03uZ", (unsigned)ms);
    return out;
}

/* Reads exactly n digits at *p and moves past them. */
static bool digits(const char **p, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return false;
        *out = *out * 10 + (**p - '0');
    }
    return true;
}

static bool one_of(const char **p, const char *set)
{
    for (; *set != '\0'; set++) {
        if (**p == *set) {
            (*p)++;
            return true;
        }
    }
    return false;
}

static bool date_and_time(const char **p, struct tm *tm)
{
    int year = 0;
    int month = 0;

    if (!digits(p, 4, &year) || !one_of(p, "-") || !digits(p, 2, &month) || !one_of(p, "-") ||
        !digits(p, 2, &tm->tm_mday) || !one_of(p, "Tt "))
        return false;
    if (!digits(p, 2, &tm->tm_hour) || !one_of(p, ":") || !digits(p, 2, &tm->tm_min) ||
        !one_of(p, ":") || !digits(p, 2, &tm->tm_sec))
        return false;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    /* 60 is a leap second; timegm makes it the next minute's first. */
    return month >= 1 && month <= 12 && tm->tm_mday >= 1 && tm->tm_mday <= 31 &&
           tm->tm_hour <= 23 && tm->tm_min <= 59 && tm->tm_sec <= 60;
}

/* ".123456": milliseconds, the rest is dropped.  No dot is 0. */
static bool fraction(const char **p, int64_t *ms)
{
    int64_t weight = MS_PER_S / 10;

    *ms = 0;
    if (!one_of(p, "."))
        return true;
    if (**p < '0' || **p > '9')
        return false;
    for (; **p >= '0' && **p <= '9'; (*p)++, weight /= 10)
        *ms += weight * (**p - '0');
    return true;
}

static bool offset(const char **p, int64_t *s)
{
    int hours = 0;
    int minutes = 0;
    bool is_west = **p == '-';

    *s = 0;
    if (one_of(p, "Zz"))
        return true;
    if (!one_of(p, "+-") || !digits(p, 2, &hours) || !one_of(p, ":") || !digits(p, 2, &minutes))
        return false;
    *s = ((int64_t)hours * 60 + minutes) * 60;
    if (is_west)
        *s = -*s;
    return hours <= 23 && minutes <= 59;
}

int wall_parse(const char *text, struct wall *out, struct err *err)
{
    const char *p = text;
    struct tm tm = { 0 };
    int64_t ms = 0;
    int64_t offset_s = 0;

    if (!date_and_time(&p, &tm) || !fraction(&p, &ms) || !offset(&p, &offset_s) || *p != '\0')
        return err_set(
            err, ERR_CONFIG,
            "\"%s\" is not a time like 2026-11-23T03:04:05Z or 2026-11-23T03:04:05+01:00", text);
    int day = tm.tm_mday;
    bool is_leap_second = tm.tm_sec == 60;
    int64_t s = (int64_t)timegm(&tm);
    if (tm.tm_mday != day && !is_leap_second)
        return err_set(err, ERR_CONFIG, "\"%s\": that month has no day %d", text, day);
    s -= offset_s;
    if (s < 0)
        return err_set(err, ERR_CONFIG, "\"%s\" is before 1970", text);
    out->ms = s * MS_PER_S + ms;
    return 0;
}
