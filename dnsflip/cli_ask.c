#include "dnsflip/cli_ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/config/load.h"
#include "dnsflip/config/value.h"
#include "dnsflip/config/yaml_tree.h"
#include "dnsflip/model/settings.h"

#define RECONNECT_MS INT64_C(45000) /* a judge is restarted within 30 s */
#define RECONNECT_PAUSE_MS 200
#define SOCKET_BYTES 108

const char *cli_config_path(const struct cli_args *args)
{
    return cli_value(args, CLI_CONFIG, CLI_CONFIG_DEFAULT);
}

/* The socket that the configuration names, read past every mistake in it: a file that was edited
 * badly must not keep an operator from a daemon that runs. */
static bool configured_socket(const char *path, char out[static SOCKET_BYTES])
{
    struct config_report report;
    struct buf text;
    struct err err;
    bool is_found = false;

    buf_init(&text, YAML_TREE_BYTES_MAX);
    config_report_init(&report);
    if (fsio_read(path, &text, &err) == 0) {
        struct yaml_tree *tree = yaml_tree_parse(path, buf_text(&text), text.len, &report);

        if (tree != NULL) {
            const struct yaml_node *node = yaml_tree_find(yaml_tree_root(tree), "node");
            const struct yaml_node *socket = yaml_tree_find(node, "control_socket");
            const char *slash = strrchr(path, '/');
            char dir[PATH_BYTES] = ".";

            if (slash != NULL)
                (void)str_format(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
            is_found = socket != NULL && socket->kind == YAML_TREE_SCALAR &&
                       value_join_path(out, SOCKET_BYTES, dir, socket->text);
        }
        yaml_tree_free(tree);
    }
    config_report_fini(&report);
    buf_fini(&text);
    return is_found;
}

int cli_connect(const struct cli_args *args, struct ctl_client **out, struct err *err)
{
    const char *path = cli_value(args, CLI_SOCKET, NULL);
    char configured[SOCKET_BYTES];

    if (path == NULL)
        path =
            configured_socket(cli_config_path(args), configured) ? configured : CLI_SOCKET_DEFAULT;
    return ctl_client_open(path, out, err);
}

struct settings *cli_load(const struct cli_args *args)
{
    struct config_report report;
    struct settings *s = NULL;
    struct buf text;

    config_report_init(&report);
    if (config_load(cli_config_path(args), &s, &report) != 0) {
        buf_init(&text, YAML_TREE_BYTES_MAX);
        config_report_print(&report, &text);
        (void)fputs(buf_text(&text), stderr);
        buf_fini(&text);
        s = NULL;
    }
    config_report_fini(&report);
    return s;
}

/* ---- failures ------------------------------------------------------------------------------- */

static int fail(const struct cli_args *args, int exit, const struct proto_error *error)
{
    if (!cli_has(args, CLI_JSON)) {
        size_t len = strlen(error->text);

        (void)fprintf(stderr, "dnsflip: %s%s", error->text,
                      len > 0 && error->text[len - 1] == '\n' ? "" : "\n");
        return exit;
    }
    cJSON *view = cJSON_CreateObject();
    cJSON *object = cJSON_AddObjectToObject(view, "error");
    (void)cJSON_AddNumberToObject(object, "exit", exit);
    (void)cJSON_AddStringToObject(object, "message", error->text);
    if (error->rule[0] != '\0') {
        (void)cJSON_AddStringToObject(object, "rule", error->rule);
        (void)cJSON_AddBoolToObject(object, "may_override", error->may_override);
    }
    if (error->operation[0] != '\0')
        (void)cJSON_AddStringToObject(object, "operation", error->operation);
    cli_print_json(view);
    cJSON_Delete(view);
    return exit;
}

static void clean(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
        bool is_c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;

        if ((*p < 0x20 && *p != '\n') || *p == 0x7f)
            *p = '?';
        if (is_c1)
            p[0] = p[1] = '?';
    }
}

int cli_fail_remote(const struct cli_args *args, const struct proto_error *error)
{
    struct proto_error copy = *error;

    clean(copy.text);
    return fail(args, ctl_client_exit(error), &copy);
}

int cli_fail_text(const struct cli_args *args, int exit, const char *fmt, ...)
{
    struct proto_error error = { .code = 0 };
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(error.text, sizeof(error.text), fmt, ap);
    va_end(ap);
    return fail(args, exit, &error);
}

/* ---- calls ---------------------------------------------------------------------------------- */

static int fail_connect(const struct cli_args *args, const struct err *err)
{
    if (err->code != ERR_REMOTE)
        return cli_fail_text(args, CLI_ERROR, "%s", err->text);
    return cli_fail_text(args, CLI_ERROR,
                         "%s: is `dnsflip run` running?  --socket or --config says where",
                         err->text);
}

int cli_call(const struct cli_args *args, const char *method, cJSON *params, cJSON **result)
{
    return cli_call_for(args, method, params, CLIENT_CALL_MS, result);
}

int cli_call_for(const struct cli_args *args, const char *method, cJSON *params, int64_t timeout_ms,
                 cJSON **result)
{
    struct ctl_client *client = NULL;
    struct proto_error error;
    struct err err;
    int exit = CLI_DONE;

    *result = NULL;
    if (cli_connect(args, &client, &err) != 0) {
        cJSON_Delete(params);
        return fail_connect(args, &err);
    }
    int answer = ctl_client_call(client, method, params, timeout_ms, result, &error, &err);
    if (answer > 0)
        exit = cli_fail_remote(args, &error);
    else if (answer < 0)
        exit = cli_fail_text(args, CLI_ERROR, "%s", err.text);
    ctl_client_close(client);
    return exit;
}

static void pause_ms(long ms)
{
    const struct timespec t = { .tv_nsec = ms * 1000000 };

    (void)nanosleep(&t, NULL);
}

int cli_call_again(const struct cli_args *args, struct ctl_client **client, const char *method,
                   const cJSON *params, int64_t timeout_ms, cJSON **result)
{
    struct mono until = mono_add(mono_now(), RECONNECT_MS);
    struct proto_error error;
    struct err err;
    bool was_connected = *client != NULL;

    for (;;) {
        if (*client == NULL && cli_connect(args, client, &err) == 0)
            was_connected = true;
        if (*client != NULL) {
            int answer = ctl_client_call(*client, method, cJSON_Duplicate(params, true), timeout_ms,
                                         result, &error, &err);

            if (answer == 0)
                return CLI_DONE;
            if (answer > 0)
                return cli_fail_remote(args, &error);
            ctl_client_close(*client);
            *client = NULL;
        }
        if (!was_connected)
            return fail_connect(args, &err);
        if (!err.retry || mono_since(until, mono_now()) <= 0)
            return cli_fail_text(args, CLI_ERROR, "%s", err.text);
        pause_ms(RECONNECT_PAUSE_MS);
    }
}

/* ---- answers -------------------------------------------------------------------------------- */

void cli_print_json(const cJSON *value)
{
    char *text = cJSON_PrintUnformatted(value);

    puts(text);
    cJSON_free(text);
}

const cJSON *cli_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *cli_text(const cJSON *object, const char *name)
{
    cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsString(v))
        return "";
    clean(v->valuestring);
    return v->valuestring;
}

double cli_number(const cJSON *object, const char *name)
{
    const cJSON *v = cli_member(object, name);

    return cJSON_IsNumber(v) ? v->valuedouble : 0;
}

bool cli_truth(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(cli_member(object, name));
}
