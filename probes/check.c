#include "probes/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/dns_client.h"

static void add_addresses(struct check *c, const struct inet_ip ips[], size_t n)
{
    for (size_t i = 0; i < n && c->n_addresses < ADDRESSES_MAX; i++)
        c->addresses[c->n_addresses++] = ips[i];
}

static void resolve(struct check *c, uint8_t family);

static void on_resolved(void *arg, const struct dns_answer *answer)
{
    struct check *c = arg;
    c->ask = NULL;
    c->seen.times.dns_us = (uint32_t)(mono_now_us() - c->began_us);
    if (answer->status != DNS_ASK_ANSWERED) {
        check_set_both(c, REASON_RESOLVER);
        check_say(c, "%s: %s", c->request->target->cname, answer->detail);
        check_finish(c);
        return;
    }
    add_addresses(c, answer->ips, answer->n_ips);
    if (c->n_addresses > 0) {
        c->ready(c);
        return;
    }
    if (c->request->family == 0 && c->asked_family == 4) {
        resolve(c, 6);
        return;
    }
    check_set_both(c, REASON_RESOLVER);
    check_say(c, "%s has no address (rcode %u)", c->request->target->cname, answer->rcode);
    check_finish(c);
}

static void resolve(struct check *c, uint8_t family)
{
    c->asked_family = family;
    c->ask = dns_client_resolve(c->io->dns_client, c->request->target->cname, family,
                                check_left_ms(c), on_resolved, c);
}

static void on_begin(void *arg)
{
    struct check *c = arg;
    const struct target *target = c->request->target;
    if (target->cname[0] != '\0') {
        resolve(c, c->request->family == 6 ? 6 : 4);
        return;
    }
    if (c->request->family != 6)
        add_addresses(c, target->a, target->n_a);
    if (c->request->family != 4)
        add_addresses(c, target->aaaa, target->n_aaaa);
    if (c->n_addresses > 0) {
        c->ready(c);
        return;
    }
    check_set_both(c, REASON_LOCAL);
    check_say(c, "the target has no address of the family asked for");
    check_finish(c);
}

struct check *check_new(size_t bytes, const struct probe_ops *ops,
                        const struct probe_request *request, struct io *io, probe_done *done,
                        void *arg)
{
    struct check *c = mem_zalloc(bytes);
    c->run.ops = ops;
    c->request = request;
    c->io = io;
    c->done = done;
    c->arg = arg;
    c->began_us = mono_now_us();
    struct mono now = loop_now(io->loop).mono;
    c->deadline = mono_add(mono_now(), request->cfg->timeout_ms);
    c->timer = loop_timer_new(io->loop, on_begin, c);
    loop_timer_set(c->timer, now);
    return c;
}

/* The connection's facts come from the first exchange, the answer's from the last. */
static void note(struct check *c, const struct http_response *response)
{
    struct observation *seen = &c->seen;
    if (!c->has_answered) {
        uint32_t offset = (uint32_t)c->http_began_us;
        const struct probe_times *t = &response->times;
        seen->times.connect_us = t->connect_us > 0 ? t->connect_us + offset : 0;
        seen->times.tls_us = t->tls_us > 0 ? t->tls_us + offset : 0;
        seen->times.first_byte_us = t->first_byte_us > 0 ? t->first_byte_us + offset : 0;
        seen->reused = response->reused;
    }
    c->has_answered = true;
    seen->http_status = response->status;
    if (response->certificate_expires.ms != 0)
        seen->certificate_expires = response->certificate_expires;
    char text[INET_TEXT_BYTES];
    str_copy(seen->address.text, sizeof seen->address.text,
             inet_format_ip(&response->address, text));
    str_copy(seen->detail, sizeof seen->detail, response->detail);
}

static void on_http(void *arg, const struct http_response *response)
{
    struct check *c = arg;
    c->http = NULL;
    note(c, response);
    c->answered(c, response);
}

void check_get(struct check *c, const char *path)
{
    const struct probe_request *request = c->request;
    char full[HTTP_URL_BYTES_MAX];
    struct http_request get = {
        .hostname = request->hostname,
        .path = full,
        .ca_file = request->cfg->ca_file,
        .has_tls = request->cfg->scheme == SCHEME_HTTPS,
        .port = request->cfg->port,
        .n_addresses = c->n_addresses,
        .id = request->id,
        .is_fresh = request->fresh && !c->has_answered,
        .timeout_ms = check_left_ms(c),
        .body_max_bytes = request->cfg->max_body_bytes,
    };
    memcpy(get.addresses, c->addresses, sizeof c->addresses);
    struct err err = { .text = "no time is left" };
    bool fits = str_format(full, sizeof full, "%s%s", request->base_path, path);
    c->http_began_us = mono_now_us() - c->began_us;
    if (fits && get.timeout_ms > 0 &&
        http_start(c->io->http, &get, on_http, c, &c->http, &err) == 0)
        return;
    enum reason_code reason = get.timeout_ms > 0 ? REASON_LOCAL : REASON_TIMEOUT;
    check_set(c, PROFILE_ACTIVE, reason);
    if (!c->is_standby_judged)
        check_set(c, PROFILE_STANDBY, reason);
    check_say(c, "%s", fits ? err.text : "the path is too long");
    check_finish(c);
}

int64_t check_left_ms(const struct check *c)
{
    int64_t left_ms = mono_since(c->deadline, mono_now());
    return left_ms > 0 ? left_ms : 0;
}

void check_set(struct check *c, enum profile profile, enum reason_code reason)
{
    c->seen.reason[profile] = reason;
}

void check_set_both(struct check *c, enum reason_code reason)
{
    check_set(c, PROFILE_ACTIVE, reason);
    check_set(c, PROFILE_STANDBY, reason);
}

void check_say(struct check *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(c->seen.detail, sizeof c->seen.detail, fmt, ap);
    va_end(ap);
    if (n < 0)
        c->seen.detail[0] = '\0';
    for (char *p = c->seen.detail; *p != '\0'; p++) {
        if (*p < ' ' || *p > '~')
            *p = '?';
    }
}

static void check_free(struct check *c)
{
    if (c->ask != NULL)
        dns_client_cancel(c->ask);
    if (c->http != NULL)
        http_cancel(c->http);
    if (c->fini != NULL)
        c->fini(c);
    loop_timer_free(c->timer);
    mem_free(c);
}

void check_finish(struct check *c)
{
    probe_done *done = c->done;
    void *arg = c->arg;
    struct observation seen = c->seen;
    seen.times.total_us = (uint32_t)(mono_now_us() - c->began_us);
    check_free(c);
    done(arg, &seen);
}

void check_cancel(struct probe_run *run)
{
    check_free((struct check *)run);
}

enum reason_code check_status_reason(int32_t status)
{
    if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308)
        return REASON_REDIRECT;
    if (status == 401 || status == 403)
        return REASON_UNAUTHORIZED;
    if (status == 429)
        return REASON_RATE_LIMITED;
    return status >= 500 ? REASON_HTTP_SERVER_ERROR : REASON_HTTP_STATUS;
}

bool check_is_json_type(const char *content_type)
{
    char type[64];
    str_copy(type, sizeof type, content_type);
    type[strcspn(type, "; \t")] = '\0';
    for (char *p = type; *p != '\0'; p++)
        *p = str_lower(*p);
    return strcmp(type, "application/json") == 0 ||
           (str_starts(type, "application/") && str_ends(type, "+json"));
}
