#include "dnsflip/providers/survey.h"

#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/dns_client.h"
#include "dnsflip/io/dns_wire.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/answer_match.h"

/* A name is asked for its addresses of each family that some cluster gives it. */
struct survey_name {
    struct survey *survey;
    uint32_t group;                 /* index into survey.groups */
    const struct hostname_cfg *cfg; /* borrowed */
    struct dns_ask *asks[2];        /* A, AAAA; NULL = not in flight */
    bool is_tcp[2];
    uint32_t places; /* see struct survey_group */
    bool is_unread, is_absent;
};

struct survey {
    struct io *io;                   /* borrowed */
    const struct settings *settings; /* borrowed */
    struct inet_addr server;
    struct survey_group *groups; /* owned */
    size_t n_groups;
    struct survey_name *names; /* owned */
    size_t n_names;
    size_t n_waiting;             /* questions */
    struct loop_timer *end_timer; /* owned */
    survey_done *done;
    void *arg;
};

/* ---- the end --------------------------------------------------------------------------------- */

static void count_name(const struct survey_name *name, struct survey_group *g)
{
    g->asked++;
    if (name->is_unread) {
        g->unread++;
        return;
    }
    if (name->is_absent) {
        g->absent++;
        return;
    }
    g->places &= name->places;
    if (name->places == 0)
        g->strange++;
    else
        g->names[__builtin_ctz(name->places)]++;
}

static void on_end(void *arg)
{
    struct survey *s = arg;
    survey_done *done = s->done;
    void *done_arg = s->arg;

    for (size_t i = 0; i < s->n_names; i++)
        count_name(&s->names[i], &s->groups[s->names[i].group]);
    for (size_t i = 0; i < s->n_groups; i++) {
        if (s->groups[i].asked == s->groups[i].unread + s->groups[i].absent)
            s->groups[i].places = 0;
    }

    struct survey_group *groups = s->groups;
    size_t n = s->n_groups;

    s->groups = NULL;
    survey_cancel(s);
    done(done_arg, groups, n);
    mem_free(groups);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static const uint16_t types[] = { DNS_TYPE_A, DNS_TYPE_AAAA };

static void send_question(struct survey_name *name, int which, bool is_tcp);

static void take_answer(struct survey_name *name, uint16_t type, const struct dns_answer *answer)
{
    struct survey *s = name->survey;
    const struct group_cfg *group = &s->settings->groups[s->groups[name->group].group];

    if (answer->status != DNS_ASK_ANSWERED || answer->truncated ||
        (answer->rcode != DNS_RCODE_NOERROR && answer->rcode != DNS_RCODE_NXDOMAIN) ||
        !answer->authoritative) {
        name->is_unread = true;
    } else if (answer->rcode == DNS_RCODE_NXDOMAIN) {
        name->is_absent = true;
    } else {
        for (unsigned p = 0; p < group->n_clusters; p++) {
            if (!answer_match(&name->cfg->targets[p], type, answer))
                name->places &= ~(UINT32_C(1) << p);
        }
    }
    if (--s->n_waiting == 0)
        loop_timer_set(s->end_timer, loop_now(s->io->loop).mono);
}

/* A server that limits its rate cuts answers off: over TCP it gives them whole. */
static void on_answer(struct survey_name *name, int which, const struct dns_answer *answer)
{
    name->asks[which] = NULL;
    if (answer->status == DNS_ASK_ANSWERED && answer->truncated && !name->is_tcp[which])
        send_question(name, which, true);
    else
        take_answer(name, types[which], answer);
}

static void on_a(void *arg, const struct dns_answer *answer)
{
    on_answer(arg, 0, answer);
}

static void on_aaaa(void *arg, const struct dns_answer *answer)
{
    on_answer(arg, 1, answer);
}

static void send_question(struct survey_name *name, int which, bool is_tcp)
{
    dns_ask_done *const done[] = { on_a, on_aaaa };

    name->is_tcp[which] = is_tcp;
    name->asks[which] =
        dns_client_ask(name->survey->io->dns_client, &name->survey->server, name->cfg->name,
                       types[which], is_tcp, SURVEY_TIMEOUT_MS, done[which], name);
}

/* A CNAME answers every type alike: one question is enough where there are only those. */
static bool concerns(const struct survey_name *name, const struct group_cfg *group, uint16_t type)
{
    for (unsigned p = 0; p < group->n_clusters; p++) {
        const struct target *t = &name->cfg->targets[p];

        if (type == DNS_TYPE_A ? t->n_a > 0 || t->cname[0] != '\0' : t->n_aaaa > 0)
            return true;
    }
    return false;
}

static void ask(struct survey_name *name)
{
    struct survey *s = name->survey;
    const struct group_cfg *group = &s->settings->groups[s->groups[name->group].group];

    name->places = (UINT32_C(1) << group->n_clusters) - 1;
    for (int i = 0; i < 2; i++) {
        if (!concerns(name, group, types[i]))
            continue;
        s->n_waiting++;
        send_question(name, i, s->n_names > SURVEY_UDP_MAX);
    }
}

/* ---- the list of names ----------------------------------------------------------------------- */

static size_t count_names(const struct group_cfg *group, unsigned provider)
{
    size_t n = 0;

    for (size_t i = 0; i < group->n_hostnames; i++)
        n += group->hostnames[i].provider == provider;
    return n;
}

/* At most `most` of the group's names in the zone, evenly spread. */
static void add_names(struct survey *s, uint32_t group, unsigned provider, size_t n, size_t most)
{
    const struct group_cfg *cfg = &s->settings->groups[group];
    size_t wanted = n < most ? n : most, seen = 0, taken = 0;

    s->groups[s->n_groups++] = (struct survey_group){ .group = group, .places = UINT32_MAX };
    for (size_t i = 0; i < cfg->n_hostnames && taken < wanted; i++) {
        if (cfg->hostnames[i].provider != provider)
            continue;
        if (seen++ * wanted / n < taken)
            continue;
        s->names[s->n_names++] = (struct survey_name){ .survey = s,
                                                       .group = (uint32_t)s->n_groups - 1,
                                                       .cfg = &cfg->hostnames[i] };
        taken++;
    }
}

static void list_names(struct survey *s, unsigned provider)
{
    size_t n_groups = 0, most;

    for (size_t g = 0; g < s->settings->n_groups; g++)
        n_groups += count_names(&s->settings->groups[g], provider) > 0;
    most = n_groups == 0 ? 1 : SURVEY_TOTAL_MAX / n_groups;
    most = most > SURVEY_NAMES_MAX ? SURVEY_NAMES_MAX : most == 0 ? 1 : most;
    s->groups = mem_array(n_groups + 1, sizeof(*s->groups));
    s->names = mem_array(n_groups * most + 1, sizeof(*s->names));
    for (size_t g = 0; g < s->settings->n_groups; g++) {
        size_t n = count_names(&s->settings->groups[g], provider);

        if (n > 0)
            add_names(s, (uint32_t)g, provider, n, most);
    }
}

struct survey *survey_start(struct io *io, const struct settings *settings, unsigned provider,
                            const struct inet_addr *server, survey_done *done, void *arg)
{
    struct survey *s = mem_zalloc(sizeof(*s));

    *s = (struct survey){
        .io = io, .settings = settings, .server = *server, .done = done, .arg = arg
    };
    s->end_timer = loop_timer_new(io->loop, on_end, s);
    list_names(s, provider);
    for (size_t i = 0; i < s->n_names; i++)
        ask(&s->names[i]);
    if (s->n_waiting == 0)
        loop_timer_set(s->end_timer, loop_now(io->loop).mono);
    return s;
}

void survey_cancel(struct survey *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_names; i++) {
        for (int k = 0; k < 2; k++) {
            if (s->names[i].asks[k] != NULL)
                dns_client_cancel(s->names[i].asks[k]);
        }
    }
    loop_timer_free(s->end_timer);
    mem_free(s->groups);
    mem_free(s->names);
    loop_defer_free(s->io->loop, s);
}

/* "answers use1 for 5 names, usw2 for 1 name". */
static void list_places(const struct settings *settings, const struct survey_group *g, char *out,
                        size_t cap)
{
    const struct group_cfg *cfg = &settings->groups[g->group];
    size_t len = 0;

    out[0] = '\0';
    for (unsigned p = 0; p < cfg->n_clusters; p++) {
        if (g->names[p] == 0)
            continue;
        (void)str_format(out + len, cap - len, "%s %s for %u name%s", len == 0 ? "answers" : ",",
                         settings->clusters[cfg->clusters[p]].name, g->names[p],
                         g->names[p] == 1 ? "" : "s");
        len += strlen(out + len);
    }
    if (g->strange > 0)
        (void)str_format(out + len, cap - len, "%s what no cluster has for %u name%s",
                         len == 0 ? "answers" : ",", g->strange, g->strange == 1 ? "" : "s");
}

void survey_words(const struct settings *settings, const struct survey_group *g, char *out,
                  size_t cap)
{
    const struct group_cfg *cfg = &settings->groups[g->group];

    if (g->places != 0)
        (void)str_format(out, cap, "answers %s",
                         settings->clusters[cfg->clusters[__builtin_ctz(g->places)]].name);
    else
        list_places(settings, g, out, cap);
}
