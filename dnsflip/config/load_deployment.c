#include "dnsflip/config/loader.h"

#include <string.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/config/value.h"

static const char *deployment_problem(const char *name)
{
    if (name[0] == '\0' || strlen(name) >= DEPLOYMENT_BYTES)
        return "a deployment's name has 1 to 127 characters";
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.")] != '\0')
        return "a deployment's name is part of host names: a-z, 0-9, '-' and '.'";
    return NULL;
}

static void add_deployment(struct deployments *d, const char *name, size_t n)
{
    if ((d->n & (d->n - 1)) == 0)
        d->names = mem_resize(d->names, d->n == 0 ? 1 : 2 * d->n, sizeof(d->names[0]));
    d->names[d->n++] = mem_strndup(name, n);
}

void loader_free_deployments(struct deployments *d)
{
    for (size_t i = 0; i < d->n; i++)
        mem_free(d->names[i]);
    mem_free(d->names);
}

/* One name a line; '#' begins a comment. */
static void read_lines(struct loader *l, const char *path, const char *text,
                       struct deployments *out)
{
    uint32_t line = 1;
    struct name_map seen;

    name_map_init(&seen);
    for (; *text != '\0'; line++) {
        size_t length = strcspn(text, "\n");
        size_t start = strspn(text, " \t\r");
        size_t n = start > length ? 0 : strcspn(text + start, " \t\r\n#");
        struct config_place place = { path, line, (uint32_t)start + 1 };

        if (n > 0) {
            add_deployment(out, text + start, n);

            const char *name = out->names[out->n - 1];
            const char *problem = deployment_problem(name);
            size_t behind = start + n + strspn(text + start + n, " \t\r");

            if (problem == NULL && text[behind] != '\n' && text[behind] != '#' &&
                text[behind] != '\0')
                problem = "one name a line";
            if (problem == NULL && !name_map_add(&seen, name, line))
                problem = "the name is there twice";
            if (problem != NULL) {
                config_report_add(l->report, CONFIG_ERROR, place, "'%.64s': %s", name, problem);
                out->is_refused = true;
            }
        }
        text += length + (text[length] == '\n');
    }
    name_map_fini(&seen);
}

static void read_file(struct loader *l, const struct yaml_node *map, struct deployments *out)
{
    const struct yaml_node *file = yaml_tree_find(map, "file");
    char path[PATH_BYTES];
    struct buf text;
    struct err err;

    if (file == NULL || map->n_children != 1) {
        loader_error(l, map, "is a list of names, or a map with the one key 'file'");
        return;
    }
    if (!loader_is_value(l, file))
        return;
    if (!value_join_path(path, sizeof(path), l->dir, file->text)) {
        loader_error(l, file, "the path is too long");
        return;
    }
    buf_init(&text, SCHEMA_DEPLOYMENTS_BYTES_MAX);
    if (fsio_read(path, &text, &err) != 0)
        loader_error(l, file, "%s", err.text);
    if (text.len == 0)
        out->is_refused = true;
    else
        read_lines(l, path, buf_text(&text), out);
    buf_fini(&text);
}

void load_deployments(struct loader *l, const struct yaml_node *node, struct deployments *out)
{
    struct name_map seen;

    if (node == NULL || node->kind == YAML_TREE_REFUSED)
        return;
    if (node->kind == YAML_TREE_MAP) {
        read_file(l, node, out);
        return;
    }
    if (!loader_is_list(l, node, HOSTNAMES_MAX))
        return;
    name_map_init(&seen);
    for (const struct yaml_node *c = node->child; c != NULL; c = c->next) {
        const char *problem = NULL;

        if (!loader_is_value(l, c))
            continue;
        problem = deployment_problem(c->text);
        if (problem == NULL && !name_map_add(&seen, c->text, 0))
            problem = "the name is there twice";
        if (problem != NULL) {
            loader_error(l, c, "'%.64s': %s", c->text, problem);
            out->is_refused = true;
        }
        add_deployment(out, c->text, strlen(c->text));
    }
    name_map_fini(&seen);
}
