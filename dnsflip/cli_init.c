#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/cli.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_serials.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/model/settings.h"
#include "dnsflip/supervisor.h"

/* Seconds since 1970 of the build, which no clock that is right can be before. */
#ifndef DNSFLIP_BUILD_EPOCH
#define DNSFLIP_BUILD_EPOCH 1761955200 /* no build is older than 2025-11-01 */
#endif

#define STATE_DIR_MODE 0750
#define ACTOR_WORD "init"

/* What `--group GROUP=CLUSTER` says about group, else what --active says. */
static const char *active_of(const struct cli_args *args, const char *group)
{
    size_t len = strlen(group);
    const char *text, *found = cli_value(args, CLI_ACTIVE, NULL);

    for (size_t n = 0; (text = cli_nth(args, CLI_GROUP, n)) != NULL; n++) {
        if (strncmp(text, group, len) == 0 && text[len] == '=')
            found = text + len + 1;
    }
    return found;
}

static int check_groups(const struct cli_args *args, const struct settings *s)
{
    const char *text;
    char name[NAME_BYTES];

    for (size_t n = 0; (text = cli_nth(args, CLI_GROUP, n)) != NULL; n++) {
        size_t len = strcspn(text, "=");

        if (text[len] == '\0')
            return cli_fail_text(args, CLI_USAGE, "--group is \"%s\", not GROUP=CLUSTER", text);
        if (!str_format(name, sizeof(name), "%.*s", (int)len, text) ||
            settings_find_group(s, name) < 0)
            return cli_fail_text(args, CLI_ERROR, "--group %s: no such group in %s", text, s->path);
    }
    for (size_t i = 0; i < s->n_groups; i++) {
        const struct group_cfg *g = &s->groups[i];
        const char *active = active_of(args, g->name);
        int cluster = active != NULL ? settings_find_cluster(s, active) : -1;

        if (active == NULL)
            return cli_fail_text(args, CLI_USAGE,
                                 "which cluster is active for group %s?  --active CLUSTER, or "
                                 "--group %s=CLUSTER",
                                 g->name, g->name);
        if (cluster < 0 || group_find_cluster(g, (unsigned)cluster) < 0)
            return cli_fail_text(args, CLI_ERROR, "group %s has no cluster \"%s\"", g->name,
                                 active);
    }
    return CLI_DONE;
}

/* INIT, then an ADOPT for each group, each with an epoch of its own. */
static struct journal_entry *make_entries(const struct cli_args *args, const struct settings *s,
                                          uint32_t epoch, struct wall now)
{
    struct journal_entry *entries = mem_array(s->n_groups + 1, sizeof(*entries));
    struct ledger *l = ledger_new();

    entries[0] = (struct journal_entry){ .kind = ENTRY_INIT, .time = now, .epoch = epoch };
    (void)str_copy(entries[0].detail, sizeof(entries[0].detail), s->node.name);
    l->epoch = epoch;
    for (size_t i = 0; i < s->n_groups; i++) {
        struct journal_entry *e = &entries[i + 1];

        l->epoch = ledger_next_epoch(l, epoch);
        *e = (struct journal_entry){ .kind = ENTRY_ADOPT, .time = now, .epoch = l->epoch };
        (void)str_copy(e->group, sizeof(e->group), s->groups[i].name);
        (void)str_copy(e->to, sizeof(e->to), active_of(args, s->groups[i].name));
        (void)str_format(e->actor, sizeof(e->actor), "uid:%u %s", (unsigned)getuid(), ACTOR_WORD);
    }
    ledger_free(l);
    return entries;
}

/* Root makes the journal and its lock, but the judge, with a uid of its own, goes on with them. */
static int give_to_judge(const char *state_dir, struct err *err)
{
    static const char *const files[] = { JOURNAL_FILE, JOURNAL_LOCK };
    const struct passwd *user = getuid() == 0 ? getpwnam(SUPERVISOR_JUDGE_USER) : NULL;
    char path[PATH_BYTES];

    if (user == NULL)
        return 0;
    if (chown(state_dir, user->pw_uid, user->pw_gid) != 0)
        return err_sys(err, errno, "%s cannot be given to the user %s", state_dir,
                       SUPERVISOR_JUDGE_USER);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)str_format(path, sizeof(path), "%s/%s", state_dir, files[i]);
        if (chown(path, user->pw_uid, user->pw_gid) != 0)
            return err_sys(err, errno, "%s cannot be given to the user %s", path,
                           SUPERVISOR_JUDGE_USER);
    }
    return 0;
}

static void print_done(const struct cli_args *args, const struct settings *s,
                       const struct journal_entry entries[])
{
    if (cli_has(args, CLI_JSON)) {
        cJSON *view = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(view, "state_dir", s->node.state_dir);
        (void)cJSON_AddNumberToObject(view, "epoch", entries[0].epoch);
        cJSON *groups = cJSON_AddArrayToObject(view, "groups");
        for (size_t i = 0; i < s->n_groups; i++) {
            cJSON *one = cJSON_CreateObject();

            (void)cJSON_AddStringToObject(one, "name", entries[i + 1].group);
            (void)cJSON_AddStringToObject(one, "active", entries[i + 1].to);
            (void)cJSON_AddNumberToObject(one, "epoch", entries[i + 1].epoch);
            (void)cJSON_AddItemToArray(groups, one);
        }
        cli_print_json(view);
        cJSON_Delete(view);
        return;
    }
    printf("%s/%s begins at epoch %u\n", s->node.state_dir, JOURNAL_FILE, entries[0].epoch);
    for (size_t i = 0; i < s->n_groups; i++)
        printf("  %s: active %s\n", entries[i + 1].group, entries[i + 1].to);
}

static int write_journal(const struct cli_args *args, const struct settings *s, uint32_t epoch,
                         struct wall now)
{
    struct journal_entry *entries = make_entries(args, s, epoch, now);
    int exit = CLI_DONE;
    struct err err;

    if (fsio_make_dir(s->node.state_dir, STATE_DIR_MODE, &err) != 0 ||
        journal_create(s->node.state_dir, entries, s->n_groups + 1, &err) != 0 ||
        give_to_judge(s->node.state_dir, &err) != 0)
        exit = err.code == ERR_CONFLICT
                   ? cli_fail_text(args, CLI_CONFLICT,
                                   "%s; this node is begun: dnsflip run goes on with it (to begin "
                                   "anew, move it away first)",
                                   err.text)
                   : cli_fail_text(args, CLI_ERROR, "%s", err.text);
    else
        print_done(args, s, entries);
    mem_free(entries);
    return exit;
}

int cli_init(const struct cli_args *args)
{
    struct wall now = wall_now();
    struct settings *s = cli_load(args);
    uint32_t epoch = (uint32_t)(now.ms / 1000);
    struct err err;

    if (s == NULL)
        return CLI_ERROR;
    int exit = check_groups(args, s);
    if (exit == CLI_DONE && now.ms / 1000 < DNSFLIP_BUILD_EPOCH)
        exit = cli_fail_text(args, CLI_ERROR,
                             "the clock is older than this program: epochs come from it, so set it "
                             "right first");
    if (exit == CLI_DONE && cli_serials_raise(s, &epoch, &err) != 0)
        exit = cli_fail_text(args, CLI_ERROR, "%s", err.text);
    if (exit == CLI_DONE)
        exit = write_journal(args, s, epoch, now);
    settings_free(s);
    return exit;
}
