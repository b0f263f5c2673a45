#include <stdio.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/cli.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_show.h"
#include "dnsflip/ctl/views.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/model/settings.h"

#define LIMIT_MAX 10000

struct audit {
    const char *group; /* NULL = all */
    uint64_t limit;    /* entries kept; 0 = all are printed as they come */
    bool is_json;
    uint64_t n;
    struct journal_entry *ring; /* owned; NULL without a limit */
};

static void print_entry(const struct audit *a, const struct journal_entry *entry)
{
    cJSON *view = views_entry(entry);

    if (a->is_json) {
        cli_print_json(view);
    } else {
        struct buf out;

        buf_init(&out, CLI_SHOW_BYTES_MAX);
        cli_show_entry(view, &out);
        (void)fputs(buf_text(&out), stdout);
        buf_fini(&out);
    }
    cJSON_Delete(view);
}

static int on_entry(void *arg, const struct journal_entry *entry, struct err *err)
{
    struct audit *a = arg;

    (void)err;
    /* What a file's head repeats was shown when it happened, or went with the files before. */
    if (entry_kind_is_head(entry->kind) && entry->kind != ENTRY_ROTATED)
        return 0;
    if (a->group != NULL && strcmp(entry->group, a->group) != 0)
        return 0;
    if (a->ring != NULL)
        a->ring[a->n % a->limit] = *entry;
    else if (a->limit == 0)
        print_entry(a, entry);
    a->n++;
    return 0;
}

/* The journal's folder by the configuration; false after it could not be loaded. */
static bool find_journal(const struct cli_args *args, char *state_dir, size_t cap)
{
    struct settings *s = cli_load(args);

    if (s == NULL)
        return false;
    (void)str_copy(state_dir, cap, s->node.state_dir);
    settings_free(s);
    return true;
}

int cli_audit_verify(const struct cli_args *args)
{
    char state_dir[PATH_BYTES - 64], path[PATH_BYTES];
    char first[WALL_TEXT_BYTES], last[WALL_TEXT_BYTES];
    struct journal_summary found;
    struct err err;

    if (!find_journal(args, state_dir, sizeof(state_dir)))
        return CLI_ERROR;
    if (journal_verify(state_dir, &found, &err) != 0)
        return cli_fail_text(args, CLI_ERROR, "%s", err.text);
    (void)str_format(path, sizeof(path), "%s/%s", state_dir, JOURNAL_FILE);
    if (found.entries == 0)
        return cli_fail_text(args, CLI_ERROR,
                             "%s has no entry, not even of dnsflip init: put its copy back, or "
                             "remove it and run dnsflip init",
                             path);
    (void)wall_format(found.first, first);
    (void)wall_format(found.last, last);
    if (cli_has(args, CLI_JSON)) {
        cJSON *view = cJSON_CreateObject();

        (void)cJSON_AddTrueToObject(view, "ok");
        (void)cJSON_AddStringToObject(view, "journal", path);
        (void)cJSON_AddNumberToObject(view, "files", (double)found.files);
        (void)cJSON_AddNumberToObject(view, "entries", (double)found.entries);
        (void)cJSON_AddNumberToObject(view, "first_seq", (double)found.first_seq);
        (void)cJSON_AddNumberToObject(view, "last_seq", (double)found.last_seq);
        views_add_wall(view, "first", found.first);
        views_add_wall(view, "last", found.last);
        (void)cJSON_AddStringToObject(view, "hash", found.hash);
        (void)cJSON_AddNumberToObject(view, "torn_bytes", (double)found.torn_bytes);
        cli_print_json(view);
        cJSON_Delete(view);
        return CLI_DONE;
    }
    printf("%s: %llu entries from %s to %s, the chain is whole\n"
           "last hash: %s\n",
           path, (unsigned long long)found.entries, first, last, found.hash);
    if (found.files > 1)
        printf("it goes over %llu files, the older ones beside it\n",
               (unsigned long long)found.files);
    if (found.first_seq > 1)
        printf(
            "entries 1 to %llu are not here any more: what was still known of them stands at the "
            "head of the oldest file\n",
            (unsigned long long)found.first_seq - 1);
    if (found.torn_bytes > 0)
        printf("the last line is torn (%llu bytes): a crash left it, the next start cuts it off\n",
               (unsigned long long)found.torn_bytes);
    return CLI_DONE;
}

int cli_audit_show(const struct cli_args *args)
{
    const char *limit = cli_value(args, CLI_LIMIT, NULL);
    char state_dir[PATH_BYTES];
    struct audit a = { .group = cli_value(args, CLI_GROUP, NULL),
                       .is_json = cli_has(args, CLI_JSON) };
    struct err err;

    if (limit != NULL && (!str_parse_u64(limit, LIMIT_MAX, &a.limit) || a.limit == 0))
        return cli_fail_text(args, CLI_USAGE, "--limit is \"%s\", not a number from 1 to %d", limit,
                             LIMIT_MAX);
    if (!find_journal(args, state_dir, sizeof(state_dir)))
        return CLI_ERROR;
    if (a.limit > 0)
        a.ring = mem_array(a.limit, sizeof(*a.ring));
    int result = journal_read_all(state_dir, on_entry, &a, &err);
    uint64_t start = a.ring != NULL && a.n > a.limit ? a.n - a.limit : 0;
    for (uint64_t i = start; a.ring != NULL && i < a.n; i++)
        print_entry(&a, &a.ring[i % a.limit]);
    mem_free(a.ring);
    if (result != 0)
        return cli_fail_text(args, CLI_ERROR, "%s", err.text);
    return CLI_DONE;
}
