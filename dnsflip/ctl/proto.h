/* dnsflip/ctl/proto.h -- the control protocol's text: JSON-RPC 2.0, one object a line.  PURE: a
 * line in, a request or an error out. */
#ifndef DNSFLIP_CTL_PROTO_H
#define DNSFLIP_CTL_PROTO_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"
#include "dnsflip/model/limits.h"

#define PROTO_VERSION 1
#define PROTO_LINE_BYTES_MAX 65536 /* of a request, its newline included */
#define PROTO_ID_BYTES 128         /* of an id, written as JSON */

/* JSON-RPC's own errors; all others are PROTO_EXIT_BASE - exit code of the command. */
#define PROTO_PARSE_ERROR (-32700)
#define PROTO_INVALID_REQUEST (-32600)
#define PROTO_METHOD_NOT_FOUND (-32601)
#define PROTO_INVALID_PARAMS (-32602)
#define PROTO_EXIT_BASE (-32000)

struct proto_request {
    char id[PROTO_ID_BYTES]; /* JSON text: 7, "a", null */
    const char *method;      /* in root */
    const cJSON *params;     /* in root: an object, or NULL if there were none */
    cJSON *root;             /* owned */
};

/* A plain value. */
struct proto_error {
    int code;
    char text[ERR_TEXT_BYTES];
    char rule[NAME_BYTES];              /* refused by this guard; "" = by none */
    bool may_override;                  /* naming rule as an override would lift it */
    char operation[OPERATION_ID_BYTES]; /* concerned; "" = none */
};

/* Both always return -1, so that a caller can say "return proto_fail(...)". */
int proto_fail(struct proto_error *error, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* exit 1..255: the command's exit code. */
int proto_fail_exit(struct proto_error *error, int exit, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads one line without its newline.  On failure out->id is what could be read of it, else
 * "null", and nothing is owned. */
__attribute__((warn_unused_result)) int
proto_parse(const char *line, size_t len, struct proto_request *out, struct proto_error *error);
void proto_request_fini(struct proto_request *request);

/* Each appends one line, newline included. */
void proto_add_result(struct buf *out, const char *id, const cJSON *result);
void proto_add_error(struct buf *out, const char *id, const struct proto_error *error);
void proto_add_event(struct buf *out, const char *method, const cJSON *params);

#endif
