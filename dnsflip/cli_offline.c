#include "dnsflip/cli_offline.h"

#include "dnsflip/base/str.h"
#include "dnsflip/engine/journal.h"

static int on_entry(void *arg, const struct journal_entry *entry, struct err *err)
{
    return ledger_fold(arg, entry, err);
}

int cli_ledger_adopt(struct ledger *l, const char *group, const char *cluster, struct err *err)
{
    struct journal_entry adopt = {
        .seq = l->seq + 1, .time = wall_now(), .kind = ENTRY_ADOPT, .epoch = ledger_next_epoch(l, 1)
    };

    (void)str_copy(adopt.group, sizeof(adopt.group), group);
    (void)str_copy(adopt.to, sizeof(adopt.to), cluster);
    return ledger_fold(l, &adopt, err);
}

/* As if init had just been told so. */
static int fold_active(struct ledger *l, const struct settings *s, const char *cluster,
                       struct err *err)
{
    struct journal_entry init = { .seq = 1, .time = wall_now(), .kind = ENTRY_INIT, .epoch = 1 };
    int index = settings_find_cluster(s, cluster);

    if (index < 0)
        return err_set(err, ERR_USAGE, "--active is \"%s\", but %s has no such cluster", cluster,
                       s->path);
    if (ledger_fold(l, &init, err) != 0)
        return -1;
    for (size_t i = 0; i < s->n_groups; i++) {
        if (group_find_cluster(&s->groups[i], (unsigned)index) >= 0 &&
            cli_ledger_adopt(l, s->groups[i].name, cluster, err) != 0)
            return -1;
    }
    return 0;
}

int cli_ledger(const struct cli_args *args, const struct settings *s, struct ledger **out,
               struct err *err)
{
    const char *active = cli_value(args, CLI_ACTIVE, NULL);
    struct ledger *l = ledger_new();
    char path[PATH_BYTES];
    uint64_t torn_bytes;
    int result;

    *out = NULL;
    (void)str_format(path, sizeof(path), "%s/%s", s->node.state_dir, JOURNAL_FILE);
    if (active != NULL)
        result = fold_active(l, s, active, err);
    else if ((result = journal_read(path, on_entry, l, &torn_bytes, err)) != 0)
        (void)err_wrap(err, "no daemon answers, and the journal tells nothing (--active CLUSTER "
                            "says which cluster is active)");
    if (result == 0 && l->head_left > 0)
        result =
            err_set(err, ERR_REMOTE, "%s: %u lines of its head are missing", path, l->head_left);
    if (result != 0) {
        ledger_free(l);
        return -1;
    }
    *out = l;
    return 0;
}
