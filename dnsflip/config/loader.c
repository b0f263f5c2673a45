#include "dnsflip/config/loader.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/config/value.h"

#define KEYS_MAX 32        /* of one section */
#define MESSAGE_BYTES 4096 /* one message, its path apart */
#define PATH_TEXT_BYTES 16384

__attribute__((format(printf, 5, 0))) static void
add(struct loader *l, enum config_severity severity, const struct yaml_node *node,
    struct config_place place, const char *fmt, va_list ap)
{
    struct buf text;

    buf_init(&text, PATH_TEXT_BYTES + MESSAGE_BYTES);
    yaml_tree_path(node, &text);
    if (text.len > 0)
        buf_puts(&text, ": ");
    buf_vprintf(&text, fmt, ap);
    config_report_add(l->report, severity, place, "%s", buf_text(&text));
    buf_fini(&text);
}

void loader_error(struct loader *l, const struct yaml_node *node, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(l, CONFIG_ERROR, node, (struct config_place){ l->file, node->line, node->column }, fmt, ap);
    va_end(ap);
}

void loader_key_error(struct loader *l, const struct yaml_node *node, const char *fmt, ...)
{
    struct config_place place = { l->file, node->key_line, node->key_column };
    va_list ap;

    va_start(ap, fmt);
    add(l, CONFIG_ERROR, node, place, fmt, ap);
    va_end(ap);
}

void loader_warn(struct loader *l, const struct yaml_node *node, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(l, CONFIG_WARNING, node, (struct config_place){ l->file, node->line, node->column }, fmt,
        ap);
    va_end(ap);
}

static bool is_kind(struct loader *l, const struct yaml_node *node, enum yaml_tree_kind kind)
{
    if (node == NULL || node->kind == YAML_TREE_REFUSED)
        return false;
    if (node->kind == kind)
        return true;
    if (yaml_tree_is_null(node))
        loader_error(l, node, "has no value, should be %s", yaml_tree_kind_name(kind));
    else
        loader_error(l, node, "is %s, should be %s", yaml_tree_kind_name(node->kind),
                     yaml_tree_kind_name(kind));
    return false;
}

bool loader_is_list(struct loader *l, const struct yaml_node *node, size_t max)
{
    if (!is_kind(l, node, YAML_TREE_LIST))
        return false;
    if (node->n_children > max) {
        loader_error(l, node, "has %u entries, at most %zu are allowed", node->n_children, max);
        return false;
    }
    return true;
}

bool loader_is_map(struct loader *l, const struct yaml_node *node, size_t max)
{
    if (!is_kind(l, node, YAML_TREE_MAP))
        return false;
    if (node->n_children > max) {
        loader_error(l, node, "has %u entries, at most %zu are allowed", node->n_children, max);
        return false;
    }
    return true;
}

bool loader_is_value(struct loader *l, const struct yaml_node *node)
{
    if (!is_kind(l, node, YAML_TREE_SCALAR))
        return false;
    if (yaml_tree_is_null(node)) {
        loader_error(l, node, "has no value");
        return false;
    }
    return true;
}

static const char *nearest_key(const char *name, const struct key_spec *keys)
{
    const char *names[KEYS_MAX];
    size_t n = 0;

    for (; keys[n].name != NULL; n++) {
        assert(n < KEYS_MAX);
        if (str_equal_nocase(keys[n].name, name))
            return keys[n].name;
        names[n] = keys[n].name;
    }
    return str_nearest(name, names, n);
}

static void list_keys(const struct key_spec *keys, struct buf *out)
{
    for (size_t i = 0; keys[i].name != NULL; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : ", ", keys[i].name);
}

void loader_check_keys(struct loader *l, const struct yaml_node *map, const struct key_spec *keys)
{
    for (const struct yaml_node *c = map->child; c != NULL; c = c->next) {
        if (schema_find(keys, c->key) != NULL)
            continue;
        if (l->report->n_errors >= CONFIG_MESSAGES_MAX) {
            loader_key_error(l, c, "unknown key");
            continue;
        }

        const char *nearest = nearest_key(c->key, keys);

        if (nearest != NULL) {
            loader_key_error(l, c, "unknown key; did you mean '%s'?", nearest);
            continue;
        }

        struct buf known;

        buf_init(&known, MESSAGE_BYTES);
        list_keys(keys, &known);
        loader_key_error(l, c, "unknown key; the keys here are %s", buf_text(&known));
        buf_fini(&known);
    }
    for (; keys->name != NULL; keys++) {
        if (keys->required && yaml_tree_find(map, keys->name) == NULL)
            loader_error(l, map, "the key '%s' is missing: %s", keys->name, keys->help);
    }
}

void loader_read(struct loader *l, const struct yaml_node *node, const struct key_spec *key,
                 void *object)
{
    struct err err;

    if (!loader_is_value(l, node))
        return;
    bool may_be_empty = key->fallback == NULL && (key->type == KEY_TEXT || key->type == KEY_PATH);

    if (node->text[0] == '\0' && !may_be_empty) {
        loader_error(l, node, "is empty");
        return;
    }
    if (value_parse(key, node->text, l->dir, object, &err) != 0)
        loader_error(l, node, "%s", err.text);
}

void loader_defaults(const struct key_spec *keys, void *object)
{
    for (; keys->name != NULL; keys++) {
        struct err err = { 0 };

        if (keys->type == KEY_CUSTOM || keys->fallback == NULL)
            continue;

        int read = value_parse(keys, keys->fallback, "", object, &err);

        /* A default passes its own limits: tests/unit/test_schema.c. */
        assert(read == 0);
        (void)read;
    }
}

bool loader_section(struct loader *l, const struct yaml_node *map, const struct key_spec *keys,
                    void *object)
{
    loader_defaults(keys, object);
    if (!loader_is_map(l, map, SIZE_MAX))
        return false;
    loader_check_keys(l, map, keys);
    for (; keys->name != NULL; keys++) {
        const struct yaml_node *node = yaml_tree_find(map, keys->name);

        if (node != NULL && keys->type != KEY_CUSTOM)
            loader_read(l, node, keys, object);
    }
    return true;
}

const struct yaml_node *loader_first(const struct yaml_node *node)
{
    if (node == NULL)
        return NULL;
    return node->kind == YAML_TREE_LIST ? node->child : node;
}

const struct yaml_node *loader_next(const struct yaml_node *node, const struct yaml_node *item)
{
    return node->kind == YAML_TREE_LIST ? item->next : NULL;
}

void loader_name(struct loader *l, const struct yaml_node *node, char out[static NAME_BYTES])
{
    const char *problem = value_name_problem(node->key);

    if (problem != NULL)
        loader_key_error(l, node, "%s", problem);
    else
        str_copy(out, NAME_BYTES, node->key);
}

uint8_t loader_ips(struct loader *l, const struct yaml_node *node, int family, size_t max,
                   struct inet_ip out[])
{
    uint8_t n = 0;

    for (const struct yaml_node *c = loader_first(node); c != NULL; c = loader_next(node, c)) {
        struct inet_ip ip;

        if (!loader_is_value(l, c))
            continue;
        if (n == max) {
            loader_error(l, node, "has %u addresses, at most %zu are allowed", node->n_children,
                         max);
            break;
        }
        if (!inet_parse_ip(c->text, &ip) || (family != 0 && ip.family != family)) {
            loader_error(l, c, "'%.100s' is not an %s address", c->text,
                         family == 4   ? "IPv4"
                         : family == 6 ? "IPv6"
                                       : "IP");
            continue;
        }
        for (uint8_t i = 0; i < n; i++) {
            if (inet_ip_equal(&out[i], &ip))
                loader_error(l, c, "the address %s is there twice", c->text);
        }
        out[n++] = ip;
    }
    return n;
}

uint8_t loader_addrs(struct loader *l, const struct yaml_node *node, uint16_t port, size_t max,
                     struct inet_addr out[])
{
    uint8_t n = 0;

    for (const struct yaml_node *c = loader_first(node); c != NULL; c = loader_next(node, c)) {
        struct inet_addr addr = { .port = port };

        if (!loader_is_value(l, c))
            continue;
        if (n == max) {
            loader_error(l, node, "has %u addresses, at most %zu are allowed", node->n_children,
                         max);
            break;
        }
        if (!inet_parse_addr(c->text, port, &addr)) {
            loader_error(l, c, "'%.100s' is not an address like 192.0.2.1:%u or [2001:db8::1]:%u",
                         c->text, port, port);
            continue;
        }
        if (addr.port == 0) {
            loader_error(l, c, "port 0 is not a port");
            continue;
        }
        for (uint8_t i = 0; i < n; i++) {
            if (inet_ip_equal(&out[i].ip, &addr.ip) && out[i].port == addr.port)
                loader_error(l, c, "the address %s is there twice", c->text);
        }
        out[n++] = addr;
    }
    return n;
}

uint8_t loader_nets(struct loader *l, const struct yaml_node *node, size_t max,
                    struct inet_net out[])
{
    uint8_t n = 0;

    for (const struct yaml_node *c = loader_first(node); c != NULL; c = loader_next(node, c)) {
        if (!loader_is_value(l, c))
            continue;
        if (n == max) {
            loader_error(l, node, "has %u networks, at most %zu are allowed", node->n_children,
                         max);
            break;
        }
        if (inet_parse_net(c->text, &out[n]))
            n++;
        else
            loader_error(l, c,
                         "'%.100s' is not a network like 192.0.2.0/24 or 2001:db8::/32, whose bits "
                         "behind the prefix are zero",
                         c->text);
    }
    return n;
}

bool loader_expand(struct loader *l, const struct yaml_node *node, const char *name,
                   const char *value, char *out, size_t cap)
{
    struct buf text;
    const char *p = node->text;
    size_t name_len = strlen(name);

    buf_init(&text, cap - 1);
    while (*p != '\0') {
        size_t plain = strcspn(p, "{}");

        buf_add(&text, p, plain);
        p += plain;
        if (*p == '\0')
            break;
        if (*p == '{' && strncmp(p + 1, name, name_len) == 0 && p[1 + name_len] == '}') {
            buf_puts(&text, value);
            p += name_len + 2;
            continue;
        }
        loader_error(l, node, "unknown placeholder at '%.40s': only {%s} is known here", p, name);
        buf_fini(&text);
        return false;
    }

    bool fits = !text.overflowed && str_copy(out, cap, buf_text(&text));

    if (!fits)
        loader_error(l, node, "with {%s} = '%.100s' it is longer than %zu characters", name, value,
                     cap - 1);
    buf_fini(&text);
    return fits;
}
