#include "dnsflip/cli_wait.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/cli_ask.h"

#define TIMEOUT_MS INT64_C(7200000) /* every stage of an operation has a deadline of its own */
#define TURN_MS INT64_C(1000)       /* of one question; progress is printed between two */

int cli_wait_check(const struct cli_args *args)
{
    const char *text = cli_value(args, CLI_TIMEOUT, NULL);
    int64_t ms;

    if (text == NULL || str_parse_duration(text, &ms))
        return CLI_DONE;
    return cli_fail_text(args, CLI_USAGE, "--timeout is \"%s\", not a duration such as 90s or 5m",
                         text);
}

static void print_progress(const cJSON *op, int64_t waited_ms)
{
    char line[256];
    bool is_terminal = isatty(STDERR_FILENO) == 1;

    if (cli_number(op, "asked") > 0)
        (void)str_format(line, sizeof(line), "%s %s: %s, %.0f of %.0f answers, %lld s",
                         cli_text(op, "verb"), cli_text(op, "group"), cli_text(op, "state"),
                         cli_number(op, "verified"), cli_number(op, "asked"),
                         (long long)(waited_ms / 1000));
    else
        (void)str_format(line, sizeof(line), "%s %s: %s, step %.0f of %.0f, %lld s",
                         cli_text(op, "verb"), cli_text(op, "group"), cli_text(op, "state"),
                         cli_number(op, "step"), cli_number(op, "steps"),
                         (long long)(waited_ms / 1000));
    (void)fprintf(stderr, is_terminal ? "\r\033[K%s" : "%s\n", line);
}

static void clear_progress(bool was_printed)
{
    if (was_printed && isatty(STDERR_FILENO) == 1)
        (void)fputs("\r\033[K", stderr);
}

static cJSON *question(const char *operation, const char *level, int64_t ms)
{
    cJSON *params = cJSON_CreateObject();
    char timeout[32];

    (void)str_format(timeout, sizeof(timeout), "%lldms", (long long)ms);
    (void)cJSON_AddStringToObject(params, "operation", operation);
    (void)cJSON_AddStringToObject(params, "level", level);
    (void)cJSON_AddStringToObject(params, "timeout", timeout);
    return params;
}

static int exit_of(const cJSON *answer, const cJSON *op)
{
    int exit = (int)cli_number(op, "exit");

    if (cli_truth(answer, "reached"))
        return CLI_DONE;
    return exit != CLI_DONE ? exit : CLI_PARTIAL;
}

int cli_wait(const struct cli_args *args, struct ctl_client **client, const char *operation,
             cJSON **final)
{
    const char *level = cli_value(args, CLI_WAIT, "settled");
    int64_t timeout_ms = TIMEOUT_MS;
    struct mono started = mono_now();
    bool is_printed = false;

    *final = NULL;
    if (cli_has(args, CLI_TIMEOUT))
        (void)str_parse_duration(cli_value(args, CLI_TIMEOUT, ""), &timeout_ms);
    for (;;) {
        int64_t left_ms = timeout_ms - mono_since(mono_now(), started);
        cJSON *params = question(operation, level,
                                 left_ms < 0         ? 0
                                 : left_ms < TURN_MS ? left_ms
                                                     : TURN_MS);
        cJSON *answer = NULL;
        int exit = cli_call_again(args, client, "operation.wait", params, CLIENT_CALL_MS, &answer);

        cJSON_Delete(params);
        if (exit != CLI_DONE)
            return exit;
        cJSON *op = cJSON_DetachItemFromObjectCaseSensitive(answer, "operation");
        if (cli_truth(answer, "over") || left_ms <= TURN_MS) {
            exit = exit_of(answer, op);
            cJSON_Delete(answer);
            clear_progress(is_printed);
            *final = op;
            return exit;
        }
        cJSON_Delete(answer);
        print_progress(op, mono_since(mono_now(), started));
        is_printed = true;
        cJSON_Delete(op);
    }
}

void cli_wait_print(const cJSON *op)
{
    const char *detail = cli_text(op, "detail");

    printf("%s: %s, %s %s -> %s, %.0f name%s, epoch %.0f%s%s\n", cli_text(op, "group"),
           cli_text(op, "state"), cli_text(op, "verb"), cli_text(op, "from"), cli_text(op, "to"),
           cli_number(op, "names"), cli_number(op, "names") == 1 ? "" : "s",
           cli_number(op, "epoch"), detail[0] != '\0' ? ": " : "", detail);
}

int cli_operation_wait(const struct cli_args *args)
{
    struct ctl_client *client = NULL;
    cJSON *final = NULL;
    int exit = cli_wait_check(args);

    if (exit != CLI_DONE)
        return exit;
    exit = cli_wait(args, &client, args->operands[0], &final);
    if (final != NULL && cli_has(args, CLI_JSON))
        cli_print_json(final);
    else if (final != NULL)
        cli_wait_print(final);
    cJSON_Delete(final);
    ctl_client_close(client);
    return exit;
}
