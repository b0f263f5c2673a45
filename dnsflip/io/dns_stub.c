#include <string.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/dns_internal.h"

#define CACHE_ENTRIES 4096 /* a name that falls on another's entry replaces it */
#define TTL_MAX_S 300
#define TTL_OF_NOTHING_S 5 /* a name without addresses is asked for again after that */
#define CNAMES_MAX 8
#define DNS_PORT 53
#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_BYTES_MAX 65536
#define ATTEMPT_MIN_MS 10

struct entry {
    char name[HOSTNAME_BYTES];
    int family;
    struct mono until;
    struct dns_answer answer;
};

struct dns_cache {
    struct entry *entries[CACHE_ENTRIES]; /* owned; NULL = never used */
};

/* A name on its way to addresses. */
struct resolve {
    struct dns_ask ask;        /* first: a pointer to it is a pointer to this */
    char name[HOSTNAME_BYTES]; /* as asked for */
    char at[HOSTNAME_BYTES];   /* the CNAME it has come to */
    int family;
    struct mono deadline;
    size_t tries_left;        /* of resolvers, for the name it has come to */
    size_t resolver;          /* index of the one asked */
    int cnames;               /* followed */
    uint32_t ttl_s;           /* least so far */
    struct dns_ask *question; /* in flight; NULL = none */
    struct loop_timer *soon;  /* owned; delivers answer */
    struct dns_answer answer;
};

struct dns_cache *dns_cache_new(void)
{
    return mem_zalloc(sizeof(struct dns_cache));
}

void dns_cache_free(struct dns_cache *cache)
{
    for (size_t i = 0; i < CACHE_ENTRIES; i++)
        mem_free(cache->entries[i]);
    mem_free(cache);
}

static struct entry **entry_of(struct dns_cache *cache, const char *name, int family)
{
    uint32_t hash = 2166136261u ^ (uint32_t)family; /* FNV-1a */
    for (const char *p = name; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)str_lower(*p)) * 16777619u;
    return &cache->entries[hash % CACHE_ENTRIES];
}

static void remember(struct resolve *r)
{
    struct dns_client *client = r->ask.client;
    uint32_t ttl_s = r->answer.n_ips > 0 ? r->ttl_s : TTL_OF_NOTHING_S;
    if (ttl_s == 0)
        return;
    struct entry **place = entry_of(client->cache, r->name, r->family);
    if (*place == NULL)
        *place = mem_zalloc(sizeof **place);
    struct entry *e = *place;
    str_copy(e->name, sizeof e->name, r->name);
    e->family = r->family;
    e->answer = r->answer;
    e->until = mono_add(loop_now(client->loop).mono,
                        INT64_C(1000) * (ttl_s < TTL_MAX_S ? ttl_s : TTL_MAX_S));
}

static const struct entry *recall(struct dns_client *client, const char *name, int family)
{
    const struct entry *e = *entry_of(client->cache, name, family);
    if (e == NULL || e->family != family || !str_equal_nocase(e->name, name) ||
        e->until.ms <= loop_now(client->loop).mono.ms)
        return NULL;
    return e;
}

static void resolve_free(struct resolve *r)
{
    if (r->question != NULL)
        dns_client_cancel(r->question);
    dns_ask_unlink(&r->ask);
    loop_timer_free(r->soon);
    mem_free(r);
}

static void cancel_resolve(struct dns_ask *ask)
{
    resolve_free((struct resolve *)ask);
}

static void deliver(void *arg)
{
    struct resolve *r = arg;
    r->ask.done(r->ask.arg, &r->answer);
    resolve_free(r);
}

static void ask_resolver(struct resolve *r, bool is_tcp);

/* The next resolver, or the end with answer. */
static void try_next(struct resolve *r, const struct dns_answer *answer)
{
    struct dns_client *client = r->ask.client;
    r->tries_left--;
    r->resolver = client->n_resolvers > 0 ? (r->resolver + 1) % client->n_resolvers : 0;
    if (r->tries_left > 0 && loop_now(client->loop).mono.ms < r->deadline.ms) {
        ask_resolver(r, false);
        return;
    }
    r->answer = *answer;
    if (answer->status == DNS_ASK_ANSWERED || answer->status == DNS_ASK_REFUSED ||
        answer->status == DNS_ASK_MALFORMED)
        r->answer.status = DNS_ASK_LOCAL; /* a resolver of ours that cannot do its work */
    if (answer->status == DNS_ASK_ANSWERED)
        str_format(r->answer.detail, sizeof r->answer.detail, "resolver says rcode %u",
                   answer->rcode);
    deliver(r);
}

static void on_answer(void *arg, const struct dns_answer *answer)
{
    struct resolve *r = arg;
    r->question = NULL;
    if (answer->status != DNS_ASK_ANSWERED ||
        (answer->rcode != DNS_RCODE_NOERROR && answer->rcode != DNS_RCODE_NXDOMAIN)) {
        try_next(r, answer);
        return;
    }
    if (answer->truncated) {
        ask_resolver(r, true);
        return;
    }
    if ((answer->n_ips > 0 || answer->cname[0] != '\0') && answer->ttl_s < r->ttl_s)
        r->ttl_s = answer->ttl_s;
    /* A resolver sends the whole chain; what ends in a CNAME was not followed by it. */
    if (answer->n_ips == 0 && answer->cname[0] != '\0' && answer->rcode == DNS_RCODE_NOERROR &&
        r->cnames < CNAMES_MAX) {
        r->cnames++;
        str_copy(r->at, sizeof r->at, answer->cname);
        r->tries_left = r->ask.client->n_resolvers;
        ask_resolver(r, false);
        return;
    }
    r->answer = *answer;
    r->answer.ttl_s = r->ttl_s;
    remember(r);
    deliver(r);
}

static void ask_resolver(struct resolve *r, bool is_tcp)
{
    struct dns_client *client = r->ask.client;
    int64_t left_ms = mono_since(r->deadline, loop_now(client->loop).mono);
    int64_t share_ms = left_ms / (int64_t)(r->tries_left > 0 ? r->tries_left : 1);
    r->question = dns_question_ask(
        client, &client->resolvers[r->resolver], r->at, r->family == 4 ? DNS_TYPE_A : DNS_TYPE_AAAA,
        is_tcp, true, share_ms > ATTEMPT_MIN_MS ? share_ms : ATTEMPT_MIN_MS, on_answer, r);
}

struct dns_ask *dns_client_resolve(struct dns_client *client, const char *name, int family,
                                   int64_t timeout_ms, dns_ask_done *done, void *arg)
{
    struct resolve *r = mem_zalloc(sizeof *r);
    r->ask =
        (struct dns_ask){ .client = client, .done = done, .arg = arg, .cancel = cancel_resolve };
    r->family = family;
    r->ttl_s = TTL_MAX_S;
    r->deadline = mono_add(loop_now(client->loop).mono, timeout_ms);
    r->tries_left = client->n_resolvers;
    dns_ask_link(&r->ask);
    bool fits = str_copy(r->name, sizeof r->name, name);
    str_copy(r->at, sizeof r->at, name);

    const struct entry *known = recall(client, name, family);
    if (known == NULL && fits && client->n_resolvers > 0) {
        ask_resolver(r, false);
        return &r->ask;
    }
    r->answer.status = DNS_ASK_LOCAL;
    str_copy(r->answer.detail, sizeof r->answer.detail,
             fits ? "no resolver is configured" : "name too long");
    if (known != NULL)
        r->answer = known->answer;
    r->soon = loop_timer_new(client->loop, deliver, r);
    loop_timer_set(r->soon, loop_now(client->loop).mono);
    return &r->ask;
}

void dns_client_set_resolvers(struct dns_client *client, const struct inet_addr servers[], size_t n)
{
    client->n_resolvers = n < DNS_RESOLVERS_MAX ? n : DNS_RESOLVERS_MAX;
    for (size_t i = 0; i < client->n_resolvers; i++)
        client->resolvers[i] = servers[i];
}

static void read_line(struct dns_client *client, const char *line, size_t n)
{
    static const char word[] = "nameserver";
    char text[INET_TEXT_BYTES];
    size_t at = sizeof word - 1;
    if (n <= at || memcmp(line, word, at) != 0 || (line[at] != ' ' && line[at] != '\t'))
        return;
    while (at < n && (line[at] == ' ' || line[at] == '\t'))
        at++;
    size_t length = 0;
    while (at + length < n && length + 1 < sizeof text && line[at + length] > ' ' &&
           line[at + length] != '%')
        length++;
    memcpy(text, line + at, length);
    text[length] = '\0';
    struct inet_addr addr = { .port = DNS_PORT };
    if (client->n_resolvers < DNS_RESOLVERS_MAX && inet_parse_ip(text, &addr.ip))
        client->resolvers[client->n_resolvers++] = addr;
}

void dns_stub_read_resolv_conf(struct dns_client *client)
{
    struct buf text;
    struct err err;
    buf_init(&text, RESOLV_CONF_BYTES_MAX);
    client->n_resolvers = 0;
    /* Without the file there is no resolver, and each resolution says so. */
    if (fsio_read(RESOLV_CONF, &text, &err) == 0) {
        const char *line = buf_text(&text);
        while (*line != '\0') {
            size_t n = strcspn(line, "\n");
            read_line(client, line, n);
            line += n + (line[n] == '\n');
        }
    }
    buf_fini(&text);
}
