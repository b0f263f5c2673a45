#include "dnsflip/config/loader.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

#define ACCOUNT_BYTES 16384 /* of one passwd or group entry */

/* What became of one entry. */
enum found { FOUND = 0, NOT_FOUND, NO_ROOM };

/* The number behind "NAME" or "NUMBER". */
static bool find_user(const char *text, uint64_t *id)
{
    struct passwd entry;
    struct passwd *found = NULL;

    if (str_parse_u64(text, UINT32_MAX - 1, id))
        return true;

    char *space = mem_zalloc(ACCOUNT_BYTES);

    if (getpwnam_r(text, &entry, space, ACCOUNT_BYTES, &found) == 0 && found != NULL)
        *id = entry.pw_uid;
    mem_free(space);
    return found != NULL;
}

static bool find_group(const char *text, uint64_t *id)
{
    struct group entry;
    struct group *found = NULL;

    if (str_parse_u64(text, UINT32_MAX - 1, id))
        return true;

    char *space = mem_zalloc(ACCOUNT_BYTES);

    if (getgrnam_r(text, &entry, space, ACCOUNT_BYTES, &found) == 0 && found != NULL)
        *id = entry.gr_gid;
    mem_free(space);
    return found != NULL;
}

static enum found add_uid(struct access_cfg *out, const char *name)
{
    uint64_t id = 0;

    if (!find_user(name, &id))
        return NOT_FOUND;
    if (out->n_uids == ACCESS_MAX)
        return NO_ROOM;
    out->uids[out->n_uids++] = (uid_t)id;
    return FOUND;
}

static enum found add_gid(struct access_cfg *out, const char *name)
{
    uint64_t id = 0;

    if (!find_group(name, &id))
        return NOT_FOUND;
    if (out->n_gids == ACCESS_MAX)
        return NO_ROOM;
    out->gids[out->n_gids++] = (gid_t)id;
    return FOUND;
}

static void load_principal(struct loader *l, const struct yaml_node *node, struct access_cfg *out)
{
    enum found found = FOUND;

    if (!loader_is_value(l, node))
        return;

    bool is_user = str_starts(node->text, "uid:");

    if ((!is_user && !str_starts(node->text, "gid:")) || node->text[4] == '\0') {
        loader_error(l, node, "'%.100s' is not uid:NAME, uid:NUMBER, gid:NAME or gid:NUMBER",
                     node->text);
        return;
    }
    found = is_user ? add_uid(out, node->text + 4) : add_gid(out, node->text + 4);
    switch (found) {
    case FOUND:
        break;
    case NOT_FOUND:
        loader_warn(l, node,
                    "there is no %s '%.64s' on this machine; the entry gives nobody access",
                    is_user ? "user" : "group", node->text + 4);
        break;
    case NO_ROOM:
        loader_error(l, node, "one role has at most %d users and %d groups", ACCESS_MAX,
                     ACCESS_MAX);
        break;
    }
}

static void load_role(struct loader *l, const struct yaml_node *node, struct access_cfg *out)
{
    for (const struct yaml_node *c = loader_first(node); c != NULL; c = loader_next(node, c))
        load_principal(l, c, out);
}

static void load_access(struct loader *l, const struct yaml_node *map, struct node_cfg *out)
{
    if (!loader_is_map(l, map, SIZE_MAX))
        return;
    loader_check_keys(l, map, schema_keys(SCHEMA_ACCESS));
    load_role(l, yaml_tree_find(map, "read"), &out->read);
    load_role(l, yaml_tree_find(map, "operate"), &out->operate);
    load_role(l, yaml_tree_find(map, "admin"), &out->admin);
}

static void load_http(struct loader *l, const struct yaml_node *node, struct node_cfg *out)
{
    if (node == NULL || !loader_is_value(l, node) || strcmp(node->text, "none") == 0)
        return;
    if (!inet_parse_addr(node->text, 0, &out->http) || out->http.port == 0) {
        loader_error(l, node, "'%.100s' is not ADDRESS:PORT (127.0.0.1:9353) or none", node->text);
        return;
    }
    if (!inet_is_loopback(&out->http.ip) && out->http_token_file[0] == '\0')
        loader_error(l, node, "%s is not loopback: set http_token_file, or listen on 127.0.0.1",
                     node->text);
}

static void load_dns(struct loader *l, const struct yaml_node *map, struct node_cfg *node)
{
    struct dns_cfg *out = &node->dns;
    const struct key_spec *keys = schema_keys(SCHEMA_DNS);

    loader_defaults(keys, out);
    if (map != NULL && loader_section(l, map, keys, out)) {
        out->n_exempt = loader_nets(l, yaml_tree_find(map, "rate_exempt"), EXEMPT_MAX, out->exempt);
        if (out->cookie_secret_file[0] != '\0')
            load_cookie_secrets(l, yaml_tree_find(map, "cookie_secret_file"), out);
    }
    if (out->nsid[0] == '\0')
        (void)str_copy(out->nsid, sizeof(out->nsid), node->name);
}

void load_node(struct loader *l, const struct yaml_node *map)
{
    struct node_cfg *out = &l->s->node;

    if (!loader_section(l, map, schema_keys(SCHEMA_NODE), out))
        return;
    load_access(l, yaml_tree_find(map, "access"), out);
    load_http(l, yaml_tree_find(map, "http"), out);
    load_dns(l, yaml_tree_find(map, "dns"), out);

    const struct yaml_node *token = yaml_tree_find(map, "http_token_file");

    if (token != NULL && out->http_token_file[0] != '\0' && access(out->http_token_file, R_OK) != 0)
        loader_warn(l, token,
                    "%s cannot be read yet; make it with: umask 077; openssl rand -hex 32 > %s",
                    out->http_token_file, out->http_token_file);
}

/* Two ports of one host are two references that fail together. */
static void report_twice(struct loader *l, const struct yaml_node *node, bool is_port_equal)
{
    if (is_port_equal)
        loader_error(l, node, "the reference is there twice");
    else
        loader_warn(l, node,
                    "the address is there twice: two references that fail together are one");
}

void load_references(struct loader *l, const struct yaml_node *list)
{
    struct settings *s = l->s;

    if (!loader_is_list(l, list, REFERENCES_MAX))
        return;
    for (const struct yaml_node *c = list->child; c != NULL; c = c->next) {
        struct reference_cfg ref;

        if (!loader_is_value(l, c))
            continue;
        if (!str_starts(c->text, "tcp://") ||
            !inet_parse_addr(c->text + strlen("tcp://"), 0, &ref.addr) || ref.addr.port == 0) {
            loader_error(l, c, "'%.100s' is not tcp://ADDRESS:PORT, like tcp://192.0.2.200:443",
                         c->text);
            continue;
        }
        for (uint8_t i = 0; i < s->n_references; i++) {
            if (inet_ip_equal(&s->references[i].addr.ip, &ref.addr.ip))
                report_twice(l, c, s->references[i].addr.port == ref.addr.port);
        }
        s->references[s->n_references++] = ref;
    }
}
