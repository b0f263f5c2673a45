/* dnsflip/judge_pair.c -- views and pages: made, filled with what is served now, handed on. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/str.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/dns/secrets.h"
#include "dnsflip/dns/view.h"
#include "dnsflip/judge_state.h"
#include "dnsflip/render/render.h"
#include "dnsflip/render/restamp.h"

#define COOKIES_LAST_MS UINT64_C(86400000) /* how long one secret of our own makes cookies */

void judge_pair_drop(struct judge_pair *pair)
{
    if (pair->view != NULL)
        view_close(pair->view);
    if (pair->words != NULL)
        page_unmap(pair->words);
    if (pair->view_fd >= 0)
        close(pair->view_fd);
    if (pair->page_fd >= 0)
        close(pair->page_fd);
    if (pair->secrets_fd >= 0)
        close(pair->secrets_fd);
    *pair = JUDGE_PAIR_NONE;
}

static int keep(struct judge_pair *pair, struct err *err)
{
    if (view_open(pair->view_fd, &pair->view, err) < 0)
        return err_wrap(err, "view");
    if (page_map(pair->page_fd, &pair->words, err) < 0)
        return err_wrap(err, "page");
    if (pair->words->groups != view_groups(pair->view) ||
        pair->words->generation != view_generation(pair->view))
        return err_set(err, ERR_REMOTE, "view and page do not belong together");
    pair->generation = pair->words->generation;
    pair->serial = view_serial(pair->view);
    return 0;
}

void judge_pair_keep(struct judge_pair *pair, int view_fd, int page_fd, int secrets_fd)
{
    struct err err;

    *pair = (struct judge_pair){ .view_fd = view_fd, .page_fd = page_fd, .secrets_fd = secrets_fd };
    if (keep(pair, &err) < 0) {
        log_error("judge", "the kept pair is unusable: %s", err.text);
        judge_pair_drop(pair);
    }
}

/* The word that the kept pair has for a group, its index turned into the group's present order;
 * not set if the pair does not serve the group. */
static struct page_word kept_word(const struct settings *s, const struct group_cfg *g,
                                  const struct judge_pair *kept)
{
    for (uint32_t i = 0; kept->view != NULL && i < view_groups(kept->view); i++) {
        const char *name = view_group_name(kept->view, i);
        struct page_word word;
        const char *cluster;
        int at, place;

        if (name == NULL || strcmp(name, g->name) != 0)
            continue;
        word = page_get(kept->words, i);
        cluster = word.index == 0 ? NULL : view_cluster_name(kept->view, i, word.index);
        at = cluster == NULL ? -1 : settings_find_cluster(s, cluster);
        place = at < 0 ? -1 : group_find_cluster(g, (unsigned)at);
        if (place < 0)
            return (struct page_word){ 0 };
        return (struct page_word){ .index = (uint8_t)(place + 1), .epoch = word.epoch };
    }
    return (struct page_word){ 0 };
}

/* What the journal says; not set for an unadopted group. */
static int journalled_word(const struct settings *s, const struct group_cfg *g,
                           const struct ledger *ledger, struct page_word *out, struct err *err)
{
    const struct ledger_group *known = ledger_find(ledger, g->name);
    int at, place;

    *out = (struct page_word){ 0 };
    if (known == NULL || !known->is_adopted)
        return 0;
    at = settings_find_cluster(s, known->active);
    place = at < 0 ? -1 : group_find_cluster(g, (unsigned)at);
    if (place < 0)
        return err_set(err, ERR_CONFIG,
                       "group %s: the journal says its active cluster is %s, which the "
                       "configuration does not give it: put it back, or switch away from it first",
                       g->name, known->active);
    *out = (struct page_word){ .index = (uint8_t)(place + 1), .epoch = known->epoch };
    return 0;
}

int judge_pair_check(const struct settings *s, const struct ledger *ledger, struct err *err)
{
    struct page_word ignored;

    for (uint32_t i = 0; i < s->n_groups; i++) {
        if (journalled_word(s, &s->groups[i], ledger, &ignored, err) < 0)
            return -1;
    }
    return 0;
}

const char *judge_pair_cluster(const struct judge_pair *pair, const char *group)
{
    for (uint32_t i = 0; pair->view != NULL && i < view_groups(pair->view); i++) {
        const char *name = view_group_name(pair->view, i);
        uint8_t index = page_get(pair->words, i).index;

        if (name != NULL && strcmp(name, group) == 0)
            return index == 0 ? NULL : view_cluster_name(pair->view, i, index);
    }
    return NULL;
}

bool judge_pair_digest(const struct judge_pair *pair, char out[static SETTINGS_DIGEST_BYTES])
{
    static const uint8_t not_said[PAGE_SETTINGS_BYTES];

    if (pair->words == NULL || memcmp(pair->words->settings, not_said, sizeof(not_said)) == 0)
        return false;
    str_hex(pair->words->settings, sizeof(pair->words->settings), out);
    return true;
}

static int fill(const struct settings *s, const struct ledger *ledger,
                const struct judge_pair *kept, struct page *page, struct err *err)
{
    for (uint32_t i = 0; i < s->n_groups; i++) {
        struct page_word journalled, word = kept_word(s, &s->groups[i], kept);

        if (journalled_word(s, &s->groups[i], ledger, &journalled, err) < 0)
            return -1;
        page_set(page, i, word.index != 0 ? word : journalled);
    }
    return 0;
}

/* Newer (RFC 1982) than this one; 0 = there is none. */
static uint32_t above(uint32_t serial, uint32_t other)
{
    return other != 0 && (int32_t)(other + 1 - serial) > 0 ? other + 1 : serial;
}

/* Newer than every epoch and every serial before it, a journal's lost end included. */
static uint32_t next_serial(const struct ledger *ledger, const struct judge_pair *kept)
{
    uint32_t serial = (uint32_t)(wall_now().ms / 1000);

    if (kept->pinned != 0)
        return kept->pinned;
    serial = above(serial, ledger->epoch);
    serial = above(serial, ledger->serial);
    serial = above(serial, kept->serial);
    for (uint32_t i = 0; kept->view != NULL && i < view_groups(kept->view); i++)
        serial = above(serial, page_word_serial(page_get(kept->words, i)));
    return serial;
}

/* All keys of all zones; the loader has seen to it that those of one name are one key. */
static int gather_keys(const struct settings *s, struct transfer_key keys[TRANSFER_KEYS_MAX],
                       size_t *n, struct err *err)
{
    *n = 0;
    for (size_t i = 0; i < s->n_providers; i++) {
        const struct secondaries_cfg *sec = &s->providers[i].local.secondaries;

        if (sec->transfer_key_file[0] != '\0' && sec->n_keys == 0)
            return err_set(err, ERR_CONFIG,
                           "providers.%s.secondaries.transfer_key_file: %s cannot be read by the "
                           "user that dnsflip runs as, and nobody could transfer the zone",
                           s->providers[i].name, sec->transfer_key_file);
        for (size_t k = 0; k < sec->n_keys; k++) {
            size_t same = 0;

            while (same < *n && strcmp(keys[same].name, sec->keys[k].name) != 0)
                same++;
            if (same == TRANSFER_KEYS_MAX)
                return err_set(err, ERR_LIMIT, "more than %d transfer keys in all zones together",
                               TRANSFER_KEYS_MAX);
            keys[same] = sec->keys[k];
            *n += same == *n;
        }
    }
    return 0;
}

/* The secret that the kept pair's cookies were made with, if it was of our own making. */
static void keep_cookies(const struct judge_pair *kept, struct secrets_cookies *out)
{
    const struct secrets *s = NULL;
    struct err err;

    if (kept->secrets_fd < 0)
        return;
    if (secrets_open(kept->secrets_fd, &s, &err) != 0) {
        log_warn("judge", "clients need new cookies, the kept ones are unusable: %s", err.text);
        return;
    }
    if (s->cookies.made_ms != 0)
        *out = s->cookies;
    secrets_close(s);
}

/* Those of the file; without one a secret of our own, which outlives reloads and judges, and gives
 * way to a new one once a day: cookies of the one before are taken as long as they would be. */
static int make_cookies(const struct settings *s, const struct judge_pair *kept,
                        struct secrets_cookies *out, struct err *err)
{
    const struct dns_cfg *cfg = &s->node.dns;
    struct cookie_secrets *made = &out->secrets;
    uint64_t now_ms = (uint64_t)wall_now().ms;

    if (cfg->cookie_secret_file[0] != '\0' && cfg->n_cookie_secrets == 0)
        return err_set(err, ERR_CONFIG,
                       "node.dns.cookie_secret_file: %s cannot be read by the user that dnsflip "
                       "runs as",
                       cfg->cookie_secret_file);
    if (cfg->n_cookie_secrets > 0) {
        made->n = cfg->n_cookie_secrets;
        memcpy(made->secret, cfg->cookie_secrets, sizeof(made->secret));
        return 0;
    }
    keep_cookies(kept, out);
    if (made->n > 0 && now_ms - out->made_ms < COOKIES_LAST_MS)
        return 0;
    memcpy(made->secret[1], made->secret[0], COOKIE_SECRET_BYTES);
    made->n = made->n > 0 ? 2 : 1;
    out->made_ms = now_ms;
    if (getrandom(made->secret[0], COOKIE_SECRET_BYTES, 0) != COOKIE_SECRET_BYTES)
        return err_sys(err, errno, "getrandom");
    return 0;
}

static int make_secrets(const struct settings *s, uint64_t generation,
                        const struct judge_pair *kept, int *out, struct err *err)
{
    struct transfer_key keys[TRANSFER_KEYS_MAX];
    struct secrets_cookies cookies = { .made_ms = 0 };
    size_t n;

    *out = -1;
    if (gather_keys(s, keys, &n, err) == 0 && make_cookies(s, kept, &cookies, err) == 0)
        *out = secrets_new(generation, keys, n, &cookies, err);
    explicit_bzero(keys, sizeof(keys));
    explicit_bzero(&cookies, sizeof(cookies));
    return *out >= 0 ? 0 : -1;
}

static int open_view(const struct settings *s, const struct judge_answers *answers,
                     struct judge_pair *out, struct err *err)
{
    struct err why;

    if (answers->bytes != NULL) {
        out->view_fd =
            restamp_view(answers->bytes, answers->len, out->generation, out->serial, &why);
        if (out->view_fd >= 0 && view_open(out->view_fd, &out->view, &why) == 0)
            return 0;
        /* Of another version: what it answered is made anew from its settings. */
        log_warn("judge", "the kept view is rendered anew: %s", why.text);
        if (out->view_fd >= 0)
            close(out->view_fd);
    }
    out->view_fd = render_view(s, out->generation, out->serial, err);
    return out->view_fd < 0 ? -1 : view_open(out->view_fd, &out->view, err);
}

int judge_pair_make(const struct settings *s, const struct ledger *ledger,
                    const struct judge_pair *kept, const struct judge_answers *answers,
                    struct judge_pair *out, struct err *err)
{
    *out = (struct judge_pair){ .view_fd = -1,
                                .page_fd = -1,
                                .secrets_fd = -1,
                                .generation = kept->generation + 1,
                                .serial = next_serial(ledger, kept) };
    if (open_view(s, answers, out, err) < 0)
        goto fail;
    if (make_secrets(s, out->generation, kept, &out->secrets_fd, err) < 0)
        goto fail;
    out->page_fd = page_new((uint32_t)s->n_groups, out->generation, &out->page, err);
    out->words = out->page;
    if (out->page_fd < 0 || fill(s, ledger, kept, out->page, err) < 0)
        goto fail;
    (void)str_unhex(s->digest, out->page->settings, sizeof(out->page->settings));
    return 0;
fail:
    judge_pair_drop(out);
    return -1;
}

int judge_pair_send(const struct judge_pair *pair, struct err *err)
{
    struct link_message m = link_message(LINK_PAIR);
    int fds[LINK_PAIR_FDS_MAX] = { pair->view_fd, pair->page_fd, pair->secrets_fd };

    m.generation = pair->generation;
    return judge_link_send(&m, fds, pair->secrets_fd < 0 ? 2 : 3, err);
}
