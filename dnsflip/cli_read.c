#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/str.h"
#include "dnsflip/cli.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_show.h"
#include "dnsflip/cli_table.h"
#include "dnsflip/ctl/proto.h"
#include "dnsflip/formats.h"

#define LIMIT_MAX 5000
#define FOLLOW_LOOK_MS 500 /* so often it is looked whether anybody still reads */

/* An object with the text member if it was given. */
static cJSON *params_with(const char *name, const char *value)
{
    cJSON *params = cJSON_CreateObject();

    if (value != NULL)
        (void)cJSON_AddStringToObject(params, name, value);
    return params;
}

static void finish(const struct cli_args *args, const cJSON *result,
                   void (*show)(const cJSON *result, struct buf *out))
{
    struct buf out;

    if (cli_has(args, CLI_JSON)) {
        cli_print_json(result);
        return;
    }
    buf_init(&out, CLI_SHOW_BYTES_MAX);
    show(result, &out);
    cli_show_print(&out);
    buf_fini(&out);
}

static void show_status(const cJSON *result, struct buf *out)
{
    cli_show_status(result, cli_table_may_colour(), out);
}

static void show_one_group(const cJSON *result, struct buf *out)
{
    cli_show_group(cJSON_GetArrayItem(cli_member(result, "groups"), 0), cli_table_may_colour(),
                   out);
}

int cli_status(const struct cli_args *args)
{
    const char *group = cli_operand(args, 0);
    cJSON *result = NULL;
    int exit = cli_call(args, "status", params_with("group", group), &result);

    if (exit == CLI_DONE)
        finish(args, result, group != NULL ? show_one_group : show_status);
    cJSON_Delete(result);
    return exit;
}

int cli_explain(const struct cli_args *args)
{
    cJSON *result = NULL;
    int exit = cli_call(args, "explain", params_with("group", cli_operand(args, 0)), &result);

    if (exit == CLI_DONE)
        finish(args, result, cli_show_explained);
    cJSON_Delete(result);
    return exit;
}

/* Reads --limit into params; false once a usage error was printed. */
static bool add_limit(const struct cli_args *args, cJSON *params)
{
    const char *text = cli_value(args, CLI_LIMIT, NULL);
    uint64_t limit;

    if (text == NULL)
        return true;
    if (!str_parse_u64(text, LIMIT_MAX, &limit) || limit == 0) {
        (void)cli_fail_text(args, CLI_USAGE, "--limit is \"%s\", not a number from 1 to %d", text,
                            LIMIT_MAX);
        return false;
    }
    (void)cJSON_AddNumberToObject(params, "limit", (double)limit);
    return true;
}

/* ---- events --------------------------------------------------------------------------------- */

static void print_entry(const struct cli_args *args, const cJSON *entry)
{
    struct buf out;

    if (cli_has(args, CLI_JSON)) {
        cli_print_json(entry);
        (void)fflush(stdout);
        return;
    }
    buf_init(&out, CLI_SHOW_BYTES_MAX);
    cli_show_entry(entry, &out);
    cli_show_print(&out);
    buf_fini(&out);
}

/* Subscribes first and asks then: what happens between the two is printed rather than lost. */
static int start_events(const struct cli_args *args, struct ctl_client **client,
                        const cJSON *params, double *last)
{
    cJSON *result = NULL, *ignored = NULL;
    const cJSON *entry;
    int exit = CLI_DONE;

    if (cli_has(args, CLI_FOLLOW))
        exit = cli_call_again(args, client, "subscribe", NULL, CLIENT_CALL_MS, &ignored);
    if (exit == CLI_DONE)
        exit = cli_call_again(args, client, "events", params, CLIENT_CALL_MS, &result);
    cJSON_ArrayForEach(entry, cli_member(result, "events"))
    {
        print_entry(args, entry);
        *last = cli_number(entry, "seq");
    }
    cJSON_Delete(ignored);
    cJSON_Delete(result);
    return exit;
}

/* `| head -1` leaves while nothing happens: only the pipe's other end can tell. */
static bool has_reader(void)
{
    struct pollfd out = { .fd = STDOUT_FILENO };

    return poll(&out, 1, 0) <= 0 || (out.revents & (POLLERR | POLLNVAL)) == 0;
}

/* Prints what comes until the connection breaks or the reader leaves. */
static int follow(const struct cli_args *args, struct ctl_client *client, double *last,
                  struct err *err)
{
    const char *group = cli_value(args, CLI_GROUP, NULL);
    cJSON *entry = NULL;

    while (has_reader()) {
        if (ctl_client_event(client, FOLLOW_LOOK_MS, &entry, err) != 0) {
            if (err->code == ERR_TIMEOUT)
                continue;
            return -1;
        }
        if (group == NULL || strcmp(cli_text(entry, "group"), group) == 0)
            print_entry(args, entry);
        if (cli_number(entry, "seq") > 0)
            *last = cli_number(entry, "seq");
        cJSON_Delete(entry);
        if (ferror(stdout))
            return 0;
    }
    return 0;
}

int cli_events(const struct cli_args *args)
{
    cJSON *params = params_with("group", cli_value(args, CLI_GROUP, NULL));
    struct ctl_client *client = NULL;
    double last = 0;
    struct err err;

    if (!add_limit(args, params)) {
        cJSON_Delete(params);
        return CLI_USAGE;
    }
    int exit = start_events(args, &client, params, &last);
    /* A judge that died is back soon: go on behind the last entry that was printed. */
    while (exit == CLI_DONE && cli_has(args, CLI_FOLLOW) &&
           follow(args, client, &last, &err) != 0) {
        cJSON_DeleteItemFromObjectCaseSensitive(params, "limit");
        cJSON_DeleteItemFromObjectCaseSensitive(params, "after");
        (void)cJSON_AddNumberToObject(params, "after", last);
        exit = err.retry ? start_events(args, &client, params, &last)
                         : cli_fail_text(args, CLI_ERROR, "%s", err.text);
    }
    cJSON_Delete(params);
    ctl_client_close(client);
    return exit;
}

/* ---- operations ----------------------------------------------------------------------------- */

static void show_operations(const cJSON *result, struct buf *out)
{
    cli_show_operations(cli_member(result, "operations"), cli_table_may_colour(), out);
}

int cli_operation_list(const struct cli_args *args)
{
    cJSON *params = params_with("group", cli_operand(args, 0));
    cJSON *result = NULL;

    if (!add_limit(args, params)) {
        cJSON_Delete(params);
        return CLI_USAGE;
    }
    int exit = cli_call(args, "operation.list", params, &result);
    if (exit == CLI_DONE)
        finish(args, result, show_operations);
    cJSON_Delete(result);
    return exit;
}

int cli_operation_show(const struct cli_args *args)
{
    cJSON *result = NULL;
    int exit =
        cli_call(args, "operation.show", params_with("operation", cli_operand(args, 0)), &result);

    if (exit == CLI_DONE)
        finish(args, result, cli_show_operation);
    cJSON_Delete(result);
    return exit;
}

int cli_version(const struct cli_args *args)
{
    struct ctl_client *client = NULL;
    struct proto_error error;
    cJSON *daemon = NULL;
    struct err err;

    if (cli_connect(args, &client, &err) == 0 &&
        ctl_client_call(client, "version", NULL, CLIENT_CALL_MS, &daemon, &error, &err) != 0)
        daemon = NULL;
    ctl_client_close(client);
    if (cli_has(args, CLI_JSON)) {
        cJSON *view = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(view, "version", DNSFLIP_VERSION);
        (void)cJSON_AddNumberToObject(view, "protocol", PROTO_VERSION);
        cJSON *formats = cJSON_AddObjectToObject(view, "formats");
        for (size_t i = 0; i < formats_n; i++)
            (void)cJSON_AddNumberToObject(formats, formats_all[i].name, formats_all[i].number);
        (void)cJSON_AddItemToObject(view, "daemon", daemon != NULL ? daemon : cJSON_CreateNull());
        cli_print_json(view);
        cJSON_Delete(view);
        return CLI_DONE;
    }
    printf("dnsflip %s, protocol %d\n", DNSFLIP_VERSION, PROTO_VERSION);
    if (daemon != NULL)
        printf("daemon %s: dnsflip %s, protocol %.0f; you are %s, role %s\n",
               cli_text(daemon, "name"), cli_text(daemon, "version"),
               cli_number(daemon, "protocol"), cli_text(daemon, "actor"), cli_text(daemon, "role"));
    cJSON_Delete(daemon);
    return CLI_DONE;
}
