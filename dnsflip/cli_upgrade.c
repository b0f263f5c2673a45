#include <stdio.h>
#include <time.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/cli.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_wait.h"

#define ASK_MS INT64_C(150000)   /* for the installed program to be asked, and the judge to leave */
#define FOLLOW_MS INT64_C(60000) /* for the new version to decide */
#define TURN_MS INT64_C(5000)    /* for one answer: the one who would give it may just be ending */
#define JUDGE_START_MS INT64_C(10000) /* for a judge that may just be starting */
#define PAUSE_NS 50000000

enum outcome { OUTCOME_WAIT, OUTCOME_DONE, OUTCOME_FAILED };

/* What a daemon that answers now says about the upgrade that was begun with before's. */
static enum outcome judge_outcome(const cJSON *before, const cJSON *now)
{
    double done = cli_number(now, "upgrades") - cli_number(before, "upgrades");

    if (cli_number(now, "pid") == cli_number(before, "pid"))
        return OUTCOME_WAIT;
    if (done != 1)
        return OUTCOME_FAILED;
    return cli_truth(now, "ready") ? OUTCOME_DONE : OUTCOME_WAIT;
}

/* Asks until it is known; *version is that of who answered last. */
static enum outcome follow(const struct cli_args *args, const cJSON *before, int64_t timeout_ms,
                           cJSON **last)
{
    const struct timespec pause = { .tv_nsec = PAUSE_NS };
    struct mono end = mono_add(mono_now(), timeout_ms);
    enum outcome outcome = OUTCOME_WAIT;

    while (outcome == OUTCOME_WAIT && mono_since(end, mono_now()) > 0) {
        struct ctl_client *client = NULL;
        struct proto_error error;
        cJSON *now = NULL;
        struct err err;

        if (cli_connect(args, &client, &err) == 0 &&
            ctl_client_call(client, "version", NULL, TURN_MS, &now, &error, &err) == 0) {
            cJSON_Delete(*last);
            *last = now;
            outcome = judge_outcome(before, now);
        }
        ctl_client_close(client);
        if (outcome == OUTCOME_WAIT)
            (void)nanosleep(&pause, NULL);
    }
    return outcome;
}

static void print_done(const struct cli_args *args, const char *from, const char *to,
                       int64_t took_ms)
{
    if (!cli_has(args, CLI_JSON)) {
        printf("version %s has taken over from %s, in %lld.%lld s\n", to, from,
               (long long)(took_ms / 1000), (long long)(took_ms % 1000 / 100));
        return;
    }
    cJSON *view = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(view, "from", from);
    (void)cJSON_AddStringToObject(view, "to", to);
    (void)cJSON_AddNumberToObject(view, "took_ms", (double)took_ms);
    cli_print_json(view);
    cJSON_Delete(view);
}

static int tell(const struct cli_args *args, enum outcome outcome, const cJSON *begun,
                const cJSON *last, int64_t took_ms)
{
    const char *to = cli_text(begun, "to");

    switch (outcome) {
    case OUTCOME_DONE:
        print_done(args, cli_text(begun, "from"), cli_text(last, "version"), took_ms);
        return CLI_DONE;
    case OUTCOME_FAILED:
        return cli_fail_text(args, CLI_ERROR,
                             "version %s did not take over: version %s runs; the log says why", to,
                             cli_text(last, "version"));
    case OUTCOME_WAIT:
        break;
    }
    return cli_fail_text(args, CLI_ERROR,
                         "version %s does not decide yet: queries are answered, the log says what "
                         "it waits for",
                         to);
}

/* Whoever runs now.  A judge that does not start is a reason to upgrade: there is a way without
 * one.
 */
static int ask_who_runs(const struct cli_args *args, cJSON **before)
{
    struct ctl_client *client = NULL;
    struct proto_error error;
    struct err err;
    int answer = cli_connect(args, &client, &err);

    if (answer == 0)
        answer = ctl_client_call(client, "version", NULL, JUDGE_START_MS, before, &error, &err);
    ctl_client_close(client);
    if (answer > 0)
        return cli_fail_remote(args, &error);
    if (answer == 0)
        return CLI_DONE;
    return cli_fail_text(args, CLI_ERROR,
                         "%s; where the daemon runs but its judge does not start, SIGUSR2 to its "
                         "first process upgrades without asking the judge",
                         err.text);
}

int cli_upgrade(const struct cli_args *args)
{
    struct mono started = mono_now();
    int64_t timeout_ms = FOLLOW_MS;
    cJSON *before = NULL;
    cJSON *begun = NULL;
    cJSON *last = NULL;
    int exit = cli_wait_check(args);

    if (exit != CLI_DONE)
        return exit;
    if (cli_has(args, CLI_TIMEOUT))
        (void)str_parse_duration(cli_value(args, CLI_TIMEOUT, ""), &timeout_ms);
    exit = ask_who_runs(args, &before);
    if (exit == CLI_DONE)
        exit = cli_call_for(args, "upgrade", NULL, ASK_MS, &begun);
    if (exit == CLI_DONE) {
        enum outcome outcome = follow(args, before, timeout_ms, &last);
        exit = tell(args, outcome, begun, last, mono_since(mono_now(), started));
    }
    cJSON_Delete(before);
    cJSON_Delete(begun);
    cJSON_Delete(last);
    return exit;
}
