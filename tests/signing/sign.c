/* tests/signing/sign.c -- signs what it is told to, many requests one after the other, so that
 * other signers' results can be held against ours.  stdin: one "WORD HEX [HEX]" a line, the values
 * in hex for they hold any byte; "header" takes a name and a value and may be repeated; "sign" ends
 * a request.  stdout, for each: canonical request, string to sign, Authorization, in hex; or "error
 * TEXT". */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/sigv4.h"

#define OUT_BYTES_MAX (128U << 10)

/* The request at hand: all texts owned. */
struct told {
    char *method, *path, *query, *body, *id, *secret, *region, *service, *time;
    struct sigv4_header headers[SIGV4_HEADERS_MAX + 1];
    char *owned[2 * (SIGV4_HEADERS_MAX + 1)]; /* the headers' names and values */
    size_t n_headers, body_bytes;
    bool is_raw;
};

static char *unhex(const char *hex, size_t *n)
{
    *n = strlen(hex) / 2;
    char *text = mem_zalloc(*n + 1);

    if (!str_unhex(hex, text, *n)) {
        (void)fprintf(stderr, "not hex: %s\n", hex);
        exit(64);
    }
    return text;
}

static void tell(struct told *told, const char *word, char *value)
{
    struct {
        const char *word;
        char **text;
    } known[] = {
        { "method", &told->method }, { "path", &told->path },       { "query", &told->query },
        { "body", &told->body },     { "id", &told->id },           { "secret", &told->secret },
        { "region", &told->region }, { "service", &told->service }, { "time", &told->time },
    };
    char *second = strchr(value, ' ');
    size_t n;

    if (second != NULL)
        *second++ = '\0';
    if (strcmp(word, "header") == 0 && second != NULL && told->n_headers <= SIGV4_HEADERS_MAX) {
        char **owned = &told->owned[2 * told->n_headers];

        owned[0] = unhex(value, &n);
        owned[1] = unhex(second, &n);
        told->headers[told->n_headers++] = (struct sigv4_header){ owned[0], owned[1] };
        return;
    }
    if (strcmp(word, "raw") == 0) {
        told->is_raw = true;
        return;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(word, known[i].word) != 0)
            continue;
        *known[i].text = unhex(value, &n);
        told->body_bytes = known[i].text == &told->body ? n : told->body_bytes;
        return;
    }
    (void)fprintf(stderr, "unknown word: %s\n", word);
    exit(64);
}

static void print_hex(const struct buf *text)
{
    char *hex = mem_zalloc(2 * text->len + 1);

    str_hex(buf_text(text), text->len, hex);
    (void)puts(hex);
    mem_free(hex);
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void sign(const struct told *told)
{
    char hash[SIGV4_HASH_BYTES];
    struct err err = { 0 };
    struct wall time;
    struct secret *secret = secret_new(or_empty(told->secret), strlen(or_empty(told->secret)));

    sigv4_hash(told->body, told->body_bytes, hash);
    struct sigv4_request request = {
        .method = or_empty(told->method),
        .path = or_empty(told->path),
        .query = or_empty(told->query),
        .headers = told->headers,
        .n_headers = told->n_headers,
        .payload_hash = hash,
        .is_path_normalised = !told->is_raw,
    };
    struct sigv4_key key = { .access_key_id = or_empty(told->id),
                             .secret_key = secret,
                             .region = or_empty(told->region),
                             .service = or_empty(told->service) };
    struct buf out[3];

    for (size_t i = 0; i < 3; i++)
        buf_init(&out[i], OUT_BYTES_MAX);
    bool done = wall_parse(or_empty(told->time), &time, &err) == 0;
    key.time = done ? time : (struct wall){ 0 };
    done = done && sigv4_canonical(&request, &out[0], &err) == 0 &&
           sigv4_string_to_sign(buf_text(&out[0]), &key, &out[1], &err) == 0 &&
           sigv4_authorize(&request, &key, &out[2], &err) == 0;
    if (!done)
        (void)printf("error %s\n", err.text);
    for (size_t i = 0; i < 3; i++) {
        if (done)
            print_hex(&out[i]);
        buf_fini(&out[i]);
    }
    secret_free(secret);
}

static void forget(struct told *told)
{
    for (size_t i = 0; i < 2 * told->n_headers; i++)
        mem_free(told->owned[i]);
    mem_free(told->method);
    mem_free(told->path);
    mem_free(told->query);
    mem_free(told->body);
    mem_free(told->id);
    mem_free(told->secret);
    mem_free(told->region);
    mem_free(told->service);
    mem_free(told->time);
    *told = (struct told){ 0 };
}

int main(void)
{
    struct told told = { 0 };
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    while ((n = getline(&line, &cap, stdin)) > 0) {
        line[n - 1] = '\0';
        char *value = strchr(line, ' ');
        if (value != NULL)
            *value++ = '\0';
        if (strcmp(line, "sign") == 0) {
            sign(&told);
            forget(&told);
        } else {
            tell(&told, line, value != NULL ? value : line + n - 1);
        }
    }
    free(line);
    return 0;
}
