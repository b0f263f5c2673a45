#include "dnsflip/config/load.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/config/loader.h"
#include "dnsflip/config/print.h"

/* The absolute folder of the file: it holds wherever a daemon's working directory goes. */
static void find_dir(struct loader *l)
{
    char folder[PATH_BYTES];
    char *absolute = NULL;
    const char *slash = strrchr(l->file, '/');

    if (slash == NULL)
        str_copy(folder, sizeof(folder), ".");
    else if (slash == l->file)
        str_copy(folder, sizeof(folder), "/");
    else
        (void)str_format(folder, sizeof(folder), "%.*s", (int)(slash - l->file), l->file);
    absolute = realpath(folder, NULL);
    str_copy(l->dir, sizeof(l->dir), absolute == NULL ? folder : absolute);
    mem_free(absolute);
}

static void check_version(struct loader *l, const struct yaml_node *node)
{
    if (node != NULL && loader_is_value(l, node) && strcmp(node->text, SCHEMA_VERSION) != 0)
        loader_error(l, node, "'%.32s' is not a version that is known: write " SCHEMA_VERSION,
                     node->text);
}

/* In the order in which sections refer to each other. */
static void load_sections(struct loader *l, const struct yaml_node *root)
{
    const struct yaml_node *references = yaml_tree_find(root, "references");

    if (!loader_is_map(l, root, SIZE_MAX))
        return;
    loader_check_keys(l, root, schema_keys(SCHEMA_TOP));
    check_version(l, yaml_tree_find(root, "version"));
    load_node(l, yaml_tree_find(root, "node"));
    if (references != NULL)
        load_references(l, references);
    load_clusters(l, yaml_tree_find(root, "clusters"));
    load_providers(l, yaml_tree_find(root, "providers"));
    load_policies(l, yaml_tree_find(root, "policies"));
    load_groups(l, yaml_tree_find(root, "groups"));
    load_cross_checks(l);
}

int config_load_text(const char *path, const char *text, size_t len, struct settings **out,
                     struct config_report *report)
{
    size_t errors = report->n_errors;
    struct yaml_tree *tree = yaml_tree_parse(path, text, len, report);

    *out = NULL;
    if (tree != NULL) {
        struct loader *l = mem_zalloc(sizeof(*l));

        l->report = report;
        l->file = path;
        l->s = mem_zalloc(sizeof(*l->s));
        find_dir(l);
        str_copy(l->s->path, sizeof(l->s->path), path);
        load_sections(l, yaml_tree_root(tree));
        *out = l->s;
        name_map_fini(&l->hostnames);
        mem_free(l->groups);
        mem_free(l);
        yaml_tree_free(tree);
    }
    config_report_sort(report, path);
    if (report->n_errors > errors) {
        settings_free(*out);
        *out = NULL;
        return -1;
    }
    print_digest(*out, (*out)->digest);
    return 0;
}

int config_load(const char *path, struct settings **out, struct config_report *report)
{
    struct buf text;
    struct err err;
    int result = -1;

    *out = NULL;
    buf_init(&text, YAML_TREE_BYTES_MAX);
    if (fsio_read(path, &text, &err) != 0)
        config_report_add(report, CONFIG_ERROR, (struct config_place){ 0 }, "%s", err.text);
    else
        result = config_load_text(path, buf_text(&text), text.len, out, report);
    buf_fini(&text);
    return result;
}
