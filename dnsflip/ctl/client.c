#include "dnsflip/ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"

#define READ_BYTES 65536
#define EXIT_USAGE 64

struct ctl_client {
    int fd;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct buf in;
    uint64_t next_id;
};

int ctl_client_open(const char *path, struct ctl_client **out, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    *out = NULL;
    if (!str_copy(address.sun_path, sizeof(address.sun_path), path))
        return err_set(err, ERR_USAGE, "%s: a socket's path is at most %zu bytes long", path,
                       sizeof(address.sun_path) - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(err, errno, "control socket");
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        int reason = errno;

        (void)close(fd);
        if (reason == EACCES)
            return err_set(
                err, ERR_DENIED,
                "%s: permission denied: be root, or in the group that the socket belongs to "
                "(ls -l shows it)",
                path);
        (void)err_sys(err, reason, "no daemon answers at %s", path);
        err->code = ERR_REMOTE;
        err->retry = reason == ENOENT || reason == ECONNREFUSED || reason == EAGAIN;
        return -1;
    }
    struct ctl_client *client = mem_zalloc(sizeof(*client));
    client->fd = fd;
    (void)str_copy(client->path, sizeof(client->path), path);
    buf_init(&client->in, CLIENT_ANSWER_BYTES_MAX);
    *out = client;
    return 0;
}

void ctl_client_close(struct ctl_client *client)
{
    if (client == NULL)
        return;
    (void)close(client->fd);
    buf_fini(&client->in);
    mem_free(client);
}

/* Waits for bytes and appends them. */
static int fill(struct ctl_client *client, struct mono until, bool has_limit, struct err *err)
{
    struct pollfd wait = { .fd = client->fd, .events = POLLIN };
    static char bytes[READ_BYTES];
    int64_t left_ms = has_limit ? mono_since(until, mono_now()) : -1;

    if (has_limit && left_ms < 0)
        left_ms = 0;
    int ready = poll(&wait, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
    if (ready < 0 && errno != EINTR)
        return err_sys(err, errno, "%s", client->path);
    if (ready == 0)
        return err_set(err, ERR_TIMEOUT, "%s: the daemon did not answer in time", client->path);
    if (ready < 0)
        return 0;
    ssize_t n = recv(client->fd, bytes, sizeof(bytes), 0);
    if (n < 0 && errno == EINTR)
        return 0;
    if (n <= 0) {
        (void)err_set(err, ERR_REMOTE, "%s: the daemon closed the connection", client->path);
        err->retry = true;
        return -1;
    }
    if (!buf_add(&client->in, bytes, (size_t)n))
        return err_set(err, ERR_LIMIT, "%s: an answer longer than %u bytes", client->path,
                       CLIENT_ANSWER_BYTES_MAX);
    return 0;
}

/* The next line as JSON, the caller's. */
static int next_line(struct ctl_client *client, int64_t timeout_ms, cJSON **out, struct err *err)
{
    struct mono until = mono_add(mono_now(), timeout_ms < 0 ? 0 : timeout_ms);
    size_t looked = 0;

    for (;;) {
        const char *text = buf_text(&client->in);
        const char *end = memchr(text + looked, '\n', client->in.len - looked);

        if (end != NULL) {
            *out = cJSON_ParseWithLength(text, (size_t)(end - text));
            buf_consume(&client->in, (size_t)(end - text) + 1);
            if (*out == NULL)
                return err_set(err, ERR_REMOTE, "%s: an answer that is not JSON", client->path);
            return 0;
        }
        looked = client->in.len;
        if (fill(client, until, timeout_ms >= 0, err) != 0)
            return -1;
    }
}

static int send_request(struct ctl_client *client, const char *method, cJSON *params,
                        struct err *err)
{
    cJSON *request = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(request, "jsonrpc", "2.0");
    (void)cJSON_AddNumberToObject(request, "id", (double)++client->next_id);
    (void)cJSON_AddStringToObject(request, "method", method);
    if (params != NULL)
        (void)cJSON_AddItemToObject(request, "params", params);
    char *text = cJSON_PrintUnformatted(request);
    cJSON_Delete(request);
    size_t len = strlen(text);
    text[len] = '\n';
    int result = 0;
    for (size_t sent = 0; sent < len + 1 && result == 0;) {
        ssize_t n = send(client->fd, text + sent, len + 1 - sent, MSG_NOSIGNAL);

        if (n > 0)
            sent += (size_t)n;
        else if (errno == EPIPE || errno == ECONNRESET)
            break; /* closed by the daemon: what it said before, if only why, is still to be read */
        else if (errno != EINTR)
            result = err_sys(err, errno, "%s", client->path);
    }
    cJSON_free(text);
    return result;
}

static void read_error(const cJSON *object, struct proto_error *error)
{
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(object, "code");
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(object, "message");
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(object, "data");
    const cJSON *rule = cJSON_GetObjectItemCaseSensitive(data, "rule");
    const cJSON *operation = cJSON_GetObjectItemCaseSensitive(data, "operation");

    *error =
        (struct proto_error){ .code = cJSON_IsNumber(code) ? code->valueint : PROTO_EXIT_BASE - 1 };
    if (cJSON_IsString(message))
        (void)str_copy(error->text, sizeof(error->text), message->valuestring);
    if (cJSON_IsString(rule))
        (void)str_copy(error->rule, sizeof(error->rule), rule->valuestring);
    error->may_override = cJSON_IsString(cJSON_GetObjectItemCaseSensitive(data, "override"));
    if (cJSON_IsString(operation))
        (void)str_copy(error->operation, sizeof(error->operation), operation->valuestring);
}

int ctl_client_call(struct ctl_client *client, const char *method, cJSON *params,
                    int64_t timeout_ms, cJSON **result, struct proto_error *error, struct err *err)
{
    cJSON *line = NULL;

    *result = NULL;
    if (send_request(client, method, params, err) != 0)
        return -1;
    for (;;) {
        if (next_line(client, timeout_ms, &line, err) != 0)
            return -1;
        if (cJSON_GetObjectItemCaseSensitive(line, "method") == NULL)
            break;
        cJSON_Delete(line); /* an event that came first */
    }
    cJSON *failure = cJSON_GetObjectItemCaseSensitive(line, "error");
    if (failure != NULL) {
        read_error(failure, error);
        cJSON_Delete(line);
        return 1;
    }
    *result = cJSON_DetachItemFromObjectCaseSensitive(line, "result");
    cJSON_Delete(line);
    if (*result == NULL)
        return err_set(err, ERR_REMOTE, "%s: an answer without a result", client->path);
    return 0;
}

int ctl_client_event(struct ctl_client *client, int64_t timeout_ms, cJSON **out, struct err *err)
{
    cJSON *line = NULL;

    *out = NULL;
    while (*out == NULL) {
        if (next_line(client, timeout_ms, &line, err) != 0)
            return -1;
        *out = cJSON_DetachItemFromObjectCaseSensitive(line, "params");
        cJSON_Delete(line);
    }
    return 0;
}

int ctl_client_exit(const struct proto_error *error)
{
    int exit = PROTO_EXIT_BASE - error->code;

    if (error->code == PROTO_INVALID_PARAMS || error->code == PROTO_INVALID_REQUEST)
        return EXIT_USAGE;
    return exit >= 1 && exit <= 255 ? exit : 1;
}
