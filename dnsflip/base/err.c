#include "dnsflip/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Formats beside err first: an argument may be err->text itself. */
__attribute__((format(printf, 2, 0))) static void set_text(struct err *err, const char *fmt,
                                                           va_list ap, const char *tail)
{
    char text[ERR_TEXT_BYTES];
    int n = vsnprintf(text, sizeof(text), fmt, ap);

    if (n < 0)
        text[0] = '\0';
    if (tail != NULL && n >= 0 && (size_t)n < sizeof(text))
        (void)snprintf(text + n, sizeof(text) - (size_t)n, ": %s", tail);
    memcpy(err->text, text, strlen(text) + 1);
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    err->code = code;
    err->retry = false;
    va_start(ap, fmt);
    set_text(err, fmt, ap, NULL);
    va_end(ap);
    return -1;
}

int err_sys(struct err *err, int sys_errno, const char *fmt, ...)
{
    const char *reason = strerrordesc_np(sys_errno);
    char number[32];
    va_list ap;

    if (reason == NULL) {
        (void)snprintf(number, sizeof(number), "errno %d", sys_errno);
        reason = number;
    }
    err->code = ERR_SYS;
    err->retry = sys_errno == EAGAIN || sys_errno == EINTR;
    va_start(ap, fmt);
    set_text(err, fmt, ap, reason);
    va_end(ap);
    return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
    char old[ERR_TEXT_BYTES];
    va_list ap;

    memcpy(old, err->text, sizeof(old));
    va_start(ap, fmt);
    set_text(err, fmt, ap, old);
    va_end(ap);
    return -1;
}
