/* dnsflip/base/err.h -- errors as values: a code to branch on, a text for people. */
#ifndef DNSFLIP_BASE_ERR_H
#define DNSFLIP_BASE_ERR_H

#include <stdbool.h>

#define ERR_TEXT_BYTES 512

enum err_code {
    ERR_NONE = 0,
    ERR_USAGE,  /* the caller asked for something that does not exist */
    ERR_CONFIG, /* what a person wrote is wrong */
    ERR_SYS,    /* the kernel said no */
    ERR_TIMEOUT,
    ERR_REMOTE,   /* the other side answered, and it was not what it should be */
    ERR_DENIED,   /* no permission */
    ERR_CONFLICT, /* the world is not what we thought */
    ERR_NOMEM,
    ERR_LIMIT, /* a numbered limit was reached */
};

struct err {
    enum err_code code;        /* what a caller may branch on */
    bool retry;                /* may the same call succeed later, unchanged? */
    char text[ERR_TEXT_BYTES]; /* for people; cut if too long, always terminated */
};

/* Sets *err.  Always returns -1, so that a caller can say "return err_set(...)". */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and the text of errno value sys_errno added. */
int err_sys(struct err *err, int sys_errno, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the text that err holds.  Always returns -1. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
