#include "dnsflip/lab/demo.h"

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/lab/observer.h"
#include "dnsflip/lab/process.h"
#include "dnsflip/lab/run.h"

#define ROUND_MS 5      /* between two questions for the same name */
#define LOOK_MS 100     /* while the daemon makes up its mind */
#define JUDGED_MS 20000 /* for both clusters to be judged */
#define STEADY_MS 1000  /* of answers before the kill */
#define MOVED_MS 15000  /* for the last hostname to move */
#define AFTER_MS 500    /* of answers behind the last move */
#define ENDED_MS 8000   /* for has_ended */
#define ANSWER_BYTES_MAX (16U << 20)

struct demo {
    struct run run;
    struct observer observer;
    char config[PATH_BYTES];
    int64_t start_us, kill_us; /* mono_now_us */
    struct wall kill_wall;
    bool is_first_told, is_last_told; /* of what the observer saw */
};

/* ---- what is said -------------------------------------------------------------------------------
 */

static void say(const char *time, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const char *time, const char *fmt, ...)
{
    va_list ap;

    printf("%10s  ", time);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    (void)fflush(stdout);
}

static const char *seconds(int64_t us, char out[static NAME_BYTES])
{
    str_format(out, NAME_BYTES, "%+.3f s", (double)us / 1e6);
    return out;
}

/* Prints "$ dnsflip ..." and what it prints. */
static void show(const struct demo *d, const char *a, const char *b, const char *c)
{
    const char *argv[8] = { d->run.program };
    size_t n = 1;
    struct err err;

    argv[n++] = a;
    if (b != NULL)
        argv[n++] = b;
    if (c != NULL)
        argv[n++] = c;
    argv[n++] = "--config";
    argv[n++] = d->config;
    printf("\n$ dnsflip %s%s%s%s%s\n", a, b ? " " : "", b ? b : "", c ? " " : "", c ? c : "");
    (void)fflush(stdout);
    if (process_run(argv, NULL, &err) < 0)
        printf("%s\n", err.text);
}

/* ---- asking the daemon, as any script would
 * ------------------------------------------------------ */

/* The answer of `dnsflip status --json`; NULL if there was none. */
static cJSON *ask_status(const struct demo *d)
{
    const char *argv[] = { d->run.program, "status", "--json", "--config", d->config, NULL };
    cJSON *answer = NULL;
    struct buf out;
    struct err err;

    buf_init(&out, ANSWER_BYTES_MAX);
    if (process_run(argv, &out, &err) == 0)
        answer = cJSON_Parse(buf_text(&out));
    buf_fini(&out);
    return answer;
}

static const cJSON *group_of(const cJSON *status)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(status, "groups"), 0);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));

    return text != NULL ? text : "";
}

static bool is_up(const cJSON *group, int cluster, const char *role)
{
    const cJSON *one = cJSON_GetArrayItem(cJSON_GetObjectItem(group, "clusters"), cluster);

    return strcmp(text_of(cJSON_GetObjectItem(one, role), "verdict"), "up") == 0;
}

/* Both judged, each in its role, and nothing in the way of a move. */
static bool is_ready(const struct demo *d)
{
    cJSON *status = ask_status(d);
    const cJSON *group = group_of(status);
    bool ready = is_up(group, 0, "as_active") && is_up(group, 1, "as_standby") &&
                 cJSON_GetArraySize(cJSON_GetObjectItem(group, "conditions")) == 0;

    cJSON_Delete(status);
    return ready;
}

/* The operation is over, and its destination judged as the active cluster that it is now. */
static bool has_ended(const struct demo *d, char operation[static OPERATION_ID_BYTES])
{
    cJSON *status = ask_status(d);
    const cJSON *group = group_of(status);
    const cJSON *op = cJSON_GetObjectItem(group, "operation");
    bool ended = cJSON_IsTrue(cJSON_GetObjectItem(op, "ended")) && is_up(group, 1, "as_active");

    str_copy(operation, OPERATION_ID_BYTES, text_of(op, "operation"));
    cJSON_Delete(status);
    return ended;
}

/* ---- the story ----------------------------------------------------------------------------------
 */

static void introduce(const struct demo *d)
{
    const struct site *s = &d->run.site;
    char a[INET_TEXT_BYTES], b[INET_TEXT_BYTES], c[INET_TEXT_BYTES], time[NAME_BYTES];

    say(seconds(mono_now_us() - d->start_us, time),
        "use1 at %s and usw2 at %s: HTTPS, %u Deployments, %u hostnames",
        inet_format_addr(&s->places[SITE_USE1], a), inet_format_addr(&s->places[SITE_USW2], b),
        s->deployments, s->deployments * SITE_CLASSES);
    say("", "dnsflip answers at %s; everything lies in %s", inet_format_addr(&s->dns, c), s->dir);
    say("", "a demonstration's settings: interval 2s, fast_interval 250ms, timeout 2s, fall 3,");
    say("", "min_outage 0s (the defaults are 10s, 2s, 5s, 3 and 2m)");
}

/* Rounds of questions until what is waited for has come; false if it did not. */
static bool await_ready(struct demo *d)
{
    struct mono end = mono_add(mono_now(), JUDGED_MS);

    while (!is_ready(d)) {
        observer_round(&d->observer, LOOK_MS);
        if (mono_since(mono_now(), end) >= 0 || run_is_asked_to_end())
            return false;
    }
    for (int ms = 0; ms < STEADY_MS; ms += ROUND_MS)
        observer_round(&d->observer, ROUND_MS);
    return true;
}

static bool await_moved(struct demo *d)
{
    struct mono end = mono_add(mono_now(), MOVED_MS);

    while (d->observer.n_moved < d->observer.n_names) {
        observer_round(&d->observer, ROUND_MS);
        if (mono_since(mono_now(), end) >= 0 || run_is_asked_to_end())
            return false;
    }
    for (int ms = 0; ms < AFTER_MS; ms += ROUND_MS)
        observer_round(&d->observer, ROUND_MS);
    return true;
}

static void kill_primary(struct demo *d)
{
    pid_t pid = d->run.places[SITE_USE1];
    char time[NAME_BYTES];

    d->kill_wall = wall_now();
    d->kill_us = mono_now_us();
    kill(pid, SIGKILL);
    printf("\n");
    say(seconds(0, time), "kill -9 %d: use1 is lost", (int)pid);
}

/* What the observer saw up to a moment, told once, between what the journal says. */
static void tell_observer(struct demo *d, int64_t until_us)
{
    struct observer_times t = observer_times(&d->observer);
    char time[NAME_BYTES];

    if (d->observer.n_moved == 0)
        return;
    if (!d->is_first_told && t.first_us <= until_us)
        say(seconds(t.first_us - d->kill_us, time),
            "outside resolver: the first hostname has moved");
    if (!d->is_last_told && t.last_us <= until_us)
        say(seconds(t.last_us - d->kill_us, time), "outside resolver: the last of %zu has moved",
            d->observer.n_names);
    d->is_first_told |= t.first_us <= until_us;
    d->is_last_told |= t.last_us <= until_us;
}

/* What the journal says, in its own words, from the kill on; a decision names its clusters itself.
 */
static void tell_entry(struct demo *d, const cJSON *entry)
{
    static const char *const told[] = { "verdict", "decision", "intent", "step",
                                        "moved",   "settled",  "fence",  "outcome" };
    const char *kind = text_of(entry, "kind");
    const char *state = text_of(entry, "state");
    const char *to = strcmp(kind, "decision") == 0 ? "" : text_of(entry, "to");
    const char *detail = text_of(entry, "detail");
    char time[NAME_BYTES];
    struct wall at;
    struct err err;

    if (wall_parse(text_of(entry, "time"), &at, &err) < 0 || at.ms < d->kill_wall.ms)
        return;
    tell_observer(d, d->kill_us + (at.ms - d->kill_wall.ms) * 1000);
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        if (strcmp(kind, told[i]) != 0)
            continue;
        say(seconds((at.ms - d->kill_wall.ms) * 1000, time), "journal: %-8s %s%s%s%s%.150s", kind,
            state, state[0] != '\0' ? " " : "", to, to[0] != '\0' && detail[0] != '\0' ? ": " : "",
            detail);
    }
}

/* One JSON object a line. */
static void tell_journal(struct demo *d)
{
    const char *argv[] = { d->run.program, "audit", "show", "--json", "--config", d->config, NULL };
    const char *next;
    struct buf out;
    struct err err;

    buf_init(&out, ANSWER_BYTES_MAX);
    if (process_run(argv, &out, &err) != 0)
        buf_reset(&out);
    next = buf_text(&out);
    for (cJSON *entry; (entry = cJSON_ParseWithOpts(next, &next, false)) != NULL;) {
        tell_entry(d, entry);
        cJSON_Delete(entry);
    }
    buf_fini(&out);
}

/* The last line; the exit code. */
static int sum_up(const struct demo *d)
{
    const struct observer *o = &d->observer;
    struct observer_times t = observer_times(o);
    bool is_good = o->n_moved == o->n_names && o->wrong == 0;

    printf("\n%s: %zu of %zu hostnames moved, the last %.3f s after the kill, all within %.0f ms "
           "of each other; %llu questions, %llu wrong answers\n",
           is_good ? "done" : "FAILED", o->n_moved, o->n_names,
           (double)(t.last_us - d->kill_us) / 1e6, (double)(t.last_us - t.first_us) / 1e3,
           (unsigned long long)o->asked, (unsigned long long)o->wrong);
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int tell(struct demo *d)
{
    char operation[OPERATION_ID_BYTES] = "";
    struct mono end;

    if (!await_ready(d)) {
        printf("the clusters were not judged within %d s\n", JUDGED_MS / 1000);
        show(d, "status", SITE_GROUP, NULL);
        return EXIT_FAILURE;
    }
    say(seconds(mono_now_us() - d->start_us, (char[NAME_BYTES]){ 0 }),
        "both clusters judged: use1 up as active, usw2 up as standby");
    kill_primary(d);
    (void)await_moved(d);
    end = mono_add(mono_now(), ENDED_MS);
    while (!has_ended(d, operation) && mono_since(mono_now(), end) < 0)
        observer_round(&d->observer, ROUND_MS);
    tell_journal(d);
    tell_observer(d, INT64_MAX);
    show(d, "status", NULL, NULL);
    show(d, "explain", SITE_GROUP, NULL);
    if (operation[0] != '\0')
        show(d, "operation", "show", operation);
    return sum_up(d);
}

int demo_main(const char *dir, unsigned deployments)
{
    struct demo *d = &(struct demo){ .start_us = mono_now_us() };
    const struct site *site = &d->run.site;
    struct err err;
    int result;

    run_block_signals();
    say("", "dnsflip lab demo: the primary of two clusters is killed");
    if (run_start(&d->run, dir, deployments, &err) < 0) {
        (void)fprintf(stderr, "dnsflip lab: %s\n", err.text);
        return EXIT_FAILURE;
    }
    site_path(site->dir, "dnsflip.yaml", d->config);
    if (observer_init(&d->observer, &site->dns, &site->places[SITE_USE1].ip,
                      &site->places[SITE_USW2].ip, (size_t)deployments * SITE_CLASSES, &err) < 0) {
        (void)fprintf(stderr, "dnsflip lab: %s\n", err.text);
        run_stop(&d->run);
        return EXIT_FAILURE;
    }
    introduce(d);
    result = tell(d);
    observer_fini(&d->observer);
    run_stop(&d->run);
    return result;
}
