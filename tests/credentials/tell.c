/* tests/credentials/tell.c -- the credential chain as a filter, for tests/e2e/test_credentials*.py.
 * usage: tell PROFILE REGION (either may be ""), the environment as for any AWS client.
 *
 *   get N     N calls in one turn; for each a line when it is answered:
 *               keys ID EXPIRES-IN-S|never HASH SOURCE   HASH: of "SECRET TOKEN"
 *               error TEXT
 *   refused   the service did not take what the last call gave
 *   cancel    a call, cancelled at once
 *
 * Ends with its standard input. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_credentials.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/io/sigv4.h"
#include "dnsflip/io/web.h"

#define CALLS_MAX 1000

struct tell {
    struct loop *loop;
    struct aws_chain *chain;
    struct buf input;
};

static void hash(const struct aws_credentials *credentials, char out[SIGV4_HASH_BYTES])
{
    struct buf both;
    buf_init(&both, 16384);
    buf_printf(&both, "%s %s", secret_reveal(credentials->secret_key),
               credentials->session_token != NULL ? secret_reveal(credentials->session_token) : "");
    sigv4_hash(buf_text(&both), both.len, out);
    buf_fini(&both);
}

static void on_keys(void *arg, const struct aws_credentials *credentials, const struct err *err)
{
    const struct tell *tell = arg;
    char hex[SIGV4_HASH_BYTES];
    if (credentials == NULL) {
        printf("error %s\n", err->text);
    } else {
        hash(credentials, hex);
        int64_t left_ms = credentials->expires.ms - loop_now(tell->loop).wall.ms;
        if (credentials->expires.ms == 0)
            printf("keys %s never %s %s\n", credentials->access_key_id, hex, credentials->source);
        else
            printf("keys %s %lld %s %s\n", credentials->access_key_id, (long long)(left_ms / 1000),
                   hex, credentials->source);
    }
    (void)fflush(stdout);
}

static void on_never(void *arg, const struct aws_credentials *credentials, const struct err *err)
{
    (void)arg;
    (void)credentials;
    (void)err;
    abort();
}

static void command(struct tell *tell, const char *line)
{
    uint64_t n = 0;
    if (str_starts(line, "get ") && str_parse_u64(line + 4, CALLS_MAX, &n)) {
        for (; n > 0; n--)
            (void)aws_chain_get(tell->chain, on_keys, tell);
    } else if (strcmp(line, "refused") == 0) {
        aws_chain_refused(tell->chain);
    } else if (strcmp(line, "cancel") == 0) {
        aws_chain_cancel(aws_chain_get(tell->chain, on_never, NULL));
    } else {
        (void)fprintf(stderr, "tell: no such command: %s\n", line);
        exit(2);
    }
}

static void on_input(void *arg)
{
    struct tell *tell = arg;
    char bytes[4096];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        loop_stop(tell->loop);
        return;
    }
    buf_add(&tell->input, bytes, (size_t)n);
    char *end = NULL;
    while (tell->input.len > 0 && (end = memchr(tell->input.data, '\n', tell->input.len)) != NULL) {
        *end = '\0';
        command(tell, tell->input.data);
        buf_consume(&tell->input, (size_t)(end - tell->input.data) + 1);
    }
}

int main(int argc, char **argv)
{
    struct tell tell = { 0 };
    struct web *web = NULL;
    struct aws_cfg cfg = { 0 };
    struct err err;
    if (argc != 3 || !str_copy(cfg.profile, sizeof cfg.profile, argv[1]) ||
        !str_copy(cfg.region, sizeof cfg.region, argv[2])) {
        (void)fprintf(stderr, "usage: tell PROFILE REGION\n");
        return 2;
    }
    buf_init(&tell.input, 65536);
    if (loop_new(&tell.loop, &err) != 0 || web_new(tell.loop, &web, &err) != 0 ||
        aws_chain_new(&cfg, tell.loop, web, &tell.chain, &err) != 0) {
        (void)fprintf(stderr, "tell: %s\n", err.text);
        return 1;
    }
    (void)fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
    struct loop_fd *watch = loop_fd_new(tell.loop, STDIN_FILENO, false, on_input, &tell);
    loop_run(tell.loop);
    loop_fd_free(watch);
    aws_chain_free(tell.chain);
    web_free(web);
    loop_free(tell.loop);
    buf_fini(&tell.input);
    return 0;
}
