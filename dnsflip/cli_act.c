#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/cli.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_wait.h"
#include "dnsflip/model/limits.h"

#define METHOD_BYTES 64

/* Which member an option or operand becomes. */
static const struct {
    enum cli_option option;
    const char *name;
} texts[] = {
    { CLI_TO, "to" },   { CLI_REASON, "reason" }, { CLI_REQUEST_ID, "request_id" },
    { CLI_FOR, "for" }, { CLI_GROUP, "group" },   { CLI_ACTIVE, "active" },
};

static const char *operand_name(const struct cli_command *c)
{
    switch (c->kind) {
    case CLI_A_GROUP:
        return "group";
    case CLI_A_CLUSTER:
        return "cluster";
    case CLI_AN_OPERATION:
        return "operation";
    case CLI_ANYTHING:
    case CLI_FILE:
    case CLI_A_RULE:
    case CLI_WORDS:
        return NULL;
    }
    return NULL;
}

/* One for each run of a moving verb, so that asking again after a lost connection does nothing
 * twice. */
static void add_request_id(cJSON *params)
{
    char id[REQUEST_ID_BYTES / 2];

    (void)str_format(id, sizeof(id), "cli-%u-%d-%lld-%lld", (unsigned)getuid(), (int)getpid(),
                     (long long)wall_now().ms, (long long)mono_now_us());
    (void)cJSON_AddStringToObject(params, "request_id", id);
}

static cJSON *params_of(const struct cli_args *args)
{
    cJSON *params = cJSON_CreateObject();
    bool is_move = (args->command->options & CLI_BIT(CLI_WAIT)) != 0;

    if (args->n_operands > 0)
        (void)cJSON_AddStringToObject(params, operand_name(args->command), args->operands[0]);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (cli_has(args, texts[i].option))
            (void)cJSON_AddStringToObject(params, texts[i].name,
                                          cli_value(args, texts[i].option, ""));
    }
    if (cli_has(args, CLI_PROMOTED))
        (void)cJSON_AddTrueToObject(params, "promoted");
    if (cli_has(args, CLI_PLANNED))
        (void)cJSON_AddTrueToObject(params, "planned");
    if (cli_has(args, CLI_OVERRIDE)) {
        cJSON *list = cJSON_AddArrayToObject(params, "override");

        for (size_t n = 0; cli_nth(args, CLI_OVERRIDE, n) != NULL; n++)
            (void)cJSON_AddItemToArray(list, cJSON_CreateString(cli_nth(args, CLI_OVERRIDE, n)));
    }
    if (is_move && !cli_has(args, CLI_REQUEST_ID))
        add_request_id(params);
    return params;
}

/* What the daemon would refuse too, said in the command line's own words. */
static int check(const struct cli_args *args)
{
    const char *name = args->command->name;
    bool is_forced = strcmp(name, "failover") == 0 || strcmp(name, "hold") == 0 ||
                     strcmp(name, "pause") == 0 ||
                     (strcmp(name, "evacuate") == 0 && !cli_has(args, CLI_PLANNED));

    if (is_forced && !cli_has(args, CLI_REASON))
        return cli_fail_text(args, CLI_USAGE, "%s needs --reason TEXT", name);
    if (cli_has(args, CLI_OVERRIDE) && !cli_has(args, CLI_REASON))
        return cli_fail_text(args, CLI_USAGE, "--override needs --reason TEXT");
    if (strcmp(name, "switch") == 0 && !cli_has(args, CLI_TO))
        return cli_fail_text(args, CLI_USAGE, "switch needs --to CLUSTER");
    if (strcmp(name, "adopt") == 0 && !cli_has(args, CLI_ACTIVE))
        return cli_fail_text(args, CLI_USAGE, "adopt needs --active CLUSTER");
    return CLI_DONE;
}

static void print_reply(const cJSON *reply)
{
    bool is_repeat = cli_truth(reply, "repeat") && cJSON_IsString(cli_member(reply, "operation"));
    /* An accepted move names its group itself. */
    const char *group = cli_number(reply, "exit") > 0 ? cli_text(reply, "group") : "";

    (void)fprintf(stderr, "%s%s%s%s\n", group, group[0] != '\0' ? ": " : "",
                  cli_text(reply, "text"),
                  is_repeat ? " (asked before: nothing was done again)" : "");
}

/* Waits for the operation that reply names, if it names one and waiting was asked for. */
static int follow(const struct cli_args *args, struct ctl_client **client, cJSON *reply)
{
    const cJSON *operation = cli_member(reply, "operation");
    cJSON *final = NULL;

    if (!cli_has(args, CLI_JSON))
        print_reply(reply);
    if (!cJSON_IsString(operation) || (args->command->options & CLI_BIT(CLI_WAIT)) == 0 ||
        strcmp(cli_value(args, CLI_WAIT, "settled"), "accepted") == 0)
        return CLI_DONE;
    int exit = cli_wait(args, client, operation->valuestring, &final);
    if (final != NULL) {
        if (!cli_has(args, CLI_JSON))
            cli_wait_print(final);
        (void)cJSON_AddItemToObject(reply, "result", final);
    }
    return exit;
}

/* 0 if all are, else 4 if some are, else the first bad one. */
static int join_exits(int n_good, int first_bad)
{
    return first_bad == CLI_DONE ? CLI_DONE : n_good > 0 ? CLI_PARTIAL : first_bad;
}

static int follow_all(const struct cli_args *args, struct ctl_client **client, const cJSON *result)
{
    cJSON *part;
    int n_good = 0, first_bad = CLI_DONE;

    if (cJSON_GetArraySize(cli_member(result, "groups")) == 0 && !cli_has(args, CLI_JSON))
        (void)fprintf(stderr, "no group is active in %s: nothing to do\n",
                      cli_text(result, "cluster"));
    cJSON_ArrayForEach(part, cli_member(result, "groups"))
    {
        int exit = (int)cli_number(part, "exit");

        if (exit != CLI_DONE) {
            if (!cli_has(args, CLI_JSON))
                print_reply(part);
        } else {
            exit = follow(args, client, part);
        }
        if (exit == CLI_DONE)
            n_good++;
        else if (first_bad == CLI_DONE)
            first_bad = exit;
    }
    return join_exits(n_good, first_bad);
}

int cli_act(const struct cli_args *args)
{
    struct ctl_client *client = NULL;
    cJSON *result = NULL;
    char method[METHOD_BYTES];
    int exit = check(args);

    if (exit != CLI_DONE || (exit = cli_wait_check(args)) != CLI_DONE)
        return exit;
    (void)str_copy(method, sizeof(method), args->command->name);
    char *space = strchr(method, ' ');
    if (space != NULL)
        *space = '.';
    cJSON *params = params_of(args);
    /* Only what carries a request id may be asked twice. */
    if (cJSON_HasObjectItem(params, "request_id")) {
        exit = cli_call_again(args, &client, method, params, CLIENT_CALL_MS, &result);
        cJSON_Delete(params);
    } else {
        exit = cli_call(args, method, params, &result);
    }
    if (exit == CLI_DONE) {
        exit = cJSON_IsArray(cli_member(result, "groups")) ? follow_all(args, &client, result)
                                                           : follow(args, &client, result);
        if (cli_has(args, CLI_JSON))
            cli_print_json(result);
    }
    cJSON_Delete(result);
    ctl_client_close(client);
    return exit;
}

/* The members that reload has beside those of every act. */
static cJSON *reload_params(const struct cli_args *args)
{
    cJSON *params = params_of(args);

    cJSON_DeleteItemFromObjectCaseSensitive(params, "group");
    if (cli_has(args, CLI_ACCEPT))
        (void)cJSON_AddStringToObject(params, "accept", cli_value(args, CLI_ACCEPT, ""));
    if (cli_has(args, CLI_GROUP)) {
        cJSON *list = cJSON_AddArrayToObject(params, "adopt");

        for (size_t n = 0; cli_nth(args, CLI_GROUP, n) != NULL; n++)
            (void)cJSON_AddItemToArray(list, cJSON_CreateString(cli_nth(args, CLI_GROUP, n)));
    }
    return params;
}

int cli_reload(const struct cli_args *args)
{
    struct ctl_client *client = NULL;
    cJSON *result = NULL;
    int exit = check(args);

    if (exit != CLI_DONE || (exit = cli_wait_check(args)) != CLI_DONE)
        return exit;
    cJSON *params = reload_params(args);
    exit = cli_call_again(args, &client, "reload", params, CLIENT_CALL_MS, &result);
    cJSON_Delete(params);
    if (exit == CLI_DONE) {
        bool is_moving = cJSON_IsArray(cli_member(result, "groups"));

        if (is_moving)
            exit = follow_all(args, &client, result);
        if (cli_has(args, CLI_JSON))
            cli_print_json(result);
        else if (!is_moving)
            printf("generation %.0f is in use%s%s\n", cli_number(result, "generation"),
                   cli_text(result, "text")[0] != '\0' ? ": " : "", cli_text(result, "text"));
    }
    cJSON_Delete(result);
    ctl_client_close(client);
    return exit;
}
