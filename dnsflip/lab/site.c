#include "dnsflip/lab/site.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/str.h"
#include "dnsflip/lab/cluster.h"

#define CONFIG_BYTES_MAX (1U << 20)
#define REMOVE_FDS 16
#define TEMPORARY "/tmp"
#define PREFIX "dnsflip-lab-"
#define YAML_COLUMNS 88

static const char *const words[] = { "sales",    "risk",    "ml",       "billing", "search",
                                     "ads",      "finance", "catalog",  "payroll", "fraud",
                                     "delivery", "support", "security", "growth",  "pricing",
                                     "orders",   "media",   "research", "audit",   "hr" };
#define WORDS (sizeof(words) / sizeof(words[0]))

const char *site_place_name(enum site_place place)
{
    static const char *const names[SITE_PLACES] = { "use1", "usw2", "database", "elsewhere" };

    return names[place];
}

const char *site_path(const char *dir, const char *name, char out[static PATH_BYTES])
{
    str_format(out, PATH_BYTES, "%s/%s", dir, name);
    return out;
}

static const char *deployment(size_t i, char out[static NAME_BYTES])
{
    if (i < WORDS)
        str_copy(out, NAME_BYTES, words[i]);
    else
        str_format(out, NAME_BYTES, "%s-%zu", words[i % WORDS], i / WORDS + 1);
    return out;
}

const char *site_hostname(size_t i, char out[static HOSTNAME_BYTES])
{
    static const char *const ends[SITE_CLASSES] = { "", "-api", "-remote" };
    char name[NAME_BYTES];

    str_format(out, HOSTNAME_BYTES, "%s%s." SITE_DOMAIN, deployment(i / SITE_CLASSES, name),
               ends[i % SITE_CLASSES]);
    return out;
}

/* ---- addresses ----------------------------------------------------------------------------------
 */

/* One free port at the addresses of both clusters, since a probe's port is the same at both. */
static int listen_clusters(struct site *site, struct err *err)
{
    for (int tries = 0; tries < 16; tries++) {
        struct inet_addr *use1 = &site->places[SITE_USE1], *usw2 = &site->places[SITE_USW2];

        use1->port = 0;
        site->listen_fds[SITE_USE1] = cluster_listen(use1, err);
        if (site->listen_fds[SITE_USE1] < 0)
            return -1;
        usw2->port = use1->port;
        site->listen_fds[SITE_USW2] = cluster_listen(usw2, err);
        if (site->listen_fds[SITE_USW2] >= 0)
            return 0;
        close(site->listen_fds[SITE_USE1]);
        site->listen_fds[SITE_USE1] = -1;
    }
    return -1;
}

/* A port that is free now, for a server that binds it itself a moment later. */
static int find_port(struct inet_addr *addr, struct err *err)
{
    int fd = cluster_listen(addr, err);

    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static int take_addresses(struct site *site, struct err *err)
{
    static const char *const texts[SITE_PLACES] = { "127.0.0.11:0", "127.0.0.12:0", "127.0.0.13:0",
                                                    "127.0.0.14:0" };

    for (int i = 0; i < SITE_PLACES; i++) {
        site->listen_fds[i] = -1;
        inet_parse_addr(texts[i], 0, &site->places[i]);
    }
    inet_parse_addr("127.0.0.1:0", 0, &site->dns);
    inet_parse_addr("127.0.0.1:0", 0, &site->http);
    if (listen_clusters(site, err) < 0)
        return -1;
    for (int i = SITE_DATABASE; i < SITE_PLACES; i++) {
        site->listen_fds[i] = cluster_listen(&site->places[i], err);
        if (site->listen_fds[i] < 0)
            return -1;
    }
    return find_port(&site->dns, err) < 0 ? -1 : find_port(&site->http, err);
}

static int make_dir(struct site *site, const char *dir, struct err *err)
{
    char made[SITE_DIR_BYTES];
    char full[PATH_BYTES];

    str_format(made, sizeof(made), TEMPORARY "/" PREFIX "%u-XXXXXX", (unsigned)getuid());
    site->is_temporary = dir == NULL;
    if (dir == NULL && (dir = mkdtemp(made)) == NULL)
        return err_sys(err, errno, "%s", made);
    if (fsio_make_dir(dir, 0700, err) < 0)
        return -1;
    if (realpath(dir, full) == NULL)
        return err_sys(err, errno, "%s", dir);
    if (!str_copy(site->dir, sizeof(site->dir), full))
        return err_set(err, ERR_LIMIT, "%s: the folder of a lab has at most %d characters", full,
                       SITE_DIR_BYTES - 1);
    if (access(site_path(site->dir, "dnsflip.yaml", full), F_OK) == 0)
        return err_set(err, ERR_USAGE, "%s holds a lab already: name another folder or remove it",
                       site->dir);
    if (strpbrk(site->dir, "\"\\\n") != NULL)
        return err_set(err, ERR_USAGE, "%s: no quotes or backslashes in the folder of a lab", dir);
    return 0;
}

int site_make(struct site *site, const char *dir, unsigned deployments, struct err *err)
{
    *site = (struct site){ .deployments = deployments };
    return make_dir(site, dir, err) < 0 ? -1 : take_addresses(site, err);
}

/* ---- files --------------------------------------------------------------------------------------
 */

static const char config_head[] =
    "# A small pair of clusters on loopback, written by `dnsflip lab`.  Intervals are those of a\n"
    "# demonstration: production wants the defaults of dnsflip.yaml(5).\n"
    "version: 1\n"
    "node:\n"
    "  name: lab\n"
    "  state_dir: \"%s/state\"\n"
    "  control_socket: \"%s/control.sock\"\n"
    "  access: { admin: [uid:%u] }\n"
    "  max_checks_per_second: 1000\n"
    "  http: %s\n"
    "references: [\"tcp://%s\", \"tcp://%s\"]\n\n";

static const char config_clusters[] =
    "clusters:\n"
    "  use1: { region: us-east-1, target: { A: [%s] } }\n"
    "  usw2: { region: us-west-2, target: { A: [%s] } }\n\n"
    "providers:\n"
    "  dns:\n"
    "    kind: local\n"
    "    listen: [\"%s\"]\n"
    "    zone: " SITE_ZONE "\n"
    "    nameservers: { ns1." SITE_ZONE ": [127.0.0.1] }\n"
    "    records: static.zone\n\n"
    "policies:\n"
    "  fast:\n"
    "    interval: 2s\n"
    "    fast_interval: 250ms\n"
    "    timeout: 2s\n"
    "    fall: 3\n"
    "    rise: 2\n"
    "    min_outage: 0s\n"
    "    down_if: { ui: 50%%, api: 50%%, remote-execution: 30%% }\n"
    "    startup_rounds: 2\n"
    "    probe: { port: %u, ca_file: ca.pem }\n\n";

static const char config_group[] = "groups:\n"
                                   "  " SITE_GROUP ":\n"
                                   "    clusters: [use1, usw2]\n"
                                   "    mode: auto\n"
                                   "    single_vantage: accepted\n"
                                   "    policy: fast\n"
                                   "    provider: dns\n"
                                   "    ttl: 30s\n"
                                   "    promotion:\n"
                                   "      fence: [\"%s\", lab, fence, --dir, \"%s\"]\n"
                                   "      command: [\"%s\", lab, promote, --dir, \"%s\"]\n"
                                   "      timeout: 10s\n"
                                   "      proof:\n"
                                   "        kind: http\n"
                                   "        url: \"http://%s/{cluster}/writable\"\n"
                                   "        json: { /writable: true }\n"
                                   "    deployments:\n";

static const char config_endpoints[] =
    "    endpoints:\n"
    "      - hostname: \"{deployment}." SITE_DOMAIN "\"\n"
    "        class: ui\n"
    "        probe: { kind: airflow }\n"
    "      - hostname: \"{deployment}-api." SITE_DOMAIN "\"\n"
    "        class: api\n"
    "        probe: { kind: airflow }\n"
    "      - hostname: \"{deployment}-remote." SITE_DOMAIN "\"\n"
    "        class: remote-execution\n"
    "        probe: { kind: http, path: /execution/health, json: { /status: healthy } }\n";

static const char static_zone[] = "; What the zone holds beside its managed names.\n"
                                  "$TTL 300\n"
                                  "@      TXT    \"a zone of dnsflip lab\"\n"
                                  "www    A      127.0.0.1\n"
                                  "docs   CNAME  www\n";

static void write_deployments(const struct site *site, struct buf *out)
{
    size_t column = 0;

    for (size_t i = 0; i < site->deployments; i++) {
        char name[NAME_BYTES];
        size_t len = strlen(deployment(i, name));
        bool is_new_line = i == 0 || column + len + 2 > YAML_COLUMNS;

        if (is_new_line) {
            buf_puts(out, i == 0 ? "      [" : ",\n       ");
            column = strlen("      [");
        } else {
            buf_puts(out, ", ");
            column += 2;
        }
        buf_puts(out, name);
        column += len;
    }
    buf_puts(out, "]\n");
}

static void write_config(const struct site *site, const char *program, struct buf *out)
{
    const struct inet_addr *p = site->places;
    char a[INET_TEXT_BYTES], b[INET_TEXT_BYTES], c[INET_TEXT_BYTES];

    buf_printf(out, config_head, site->dir, site->dir, (unsigned)getuid(),
               inet_format_addr(&site->http, a), inet_format_addr(&p[SITE_DATABASE], b),
               inet_format_addr(&p[SITE_ELSEWHERE], c));
    buf_printf(out, config_clusters, inet_format_ip(&p[SITE_USE1].ip, a),
               inet_format_ip(&p[SITE_USW2].ip, b), inet_format_addr(&site->dns, c),
               (unsigned)p[SITE_USE1].port);
    buf_printf(out, config_group, program, site->dir, program, site->dir,
               inet_format_addr(&p[SITE_DATABASE], a));
    write_deployments(site, out);
    buf_puts(out, config_endpoints);
}

int site_write(const struct site *site, const char *program, struct err *err)
{
    char path[PATH_BYTES];
    struct buf text;
    int result;

    buf_init(&text, CONFIG_BYTES_MAX);
    write_config(site, program, &text);
    result = fsio_replace(site_path(site->dir, "dnsflip.yaml", path), buf_text(&text), text.len,
                          0600, err);
    if (result == 0)
        result = fsio_replace(site_path(site->dir, "static.zone", path), static_zone,
                              strlen(static_zone), 0600, err);
    buf_fini(&text);
    return result;
}

/* ---- end, and finding it from outside -----------------------------------------------------------
 */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    (void)remove(path);
    return 0;
}

void site_remove(const struct site *site)
{
    if (site->is_temporary)
        nftw(site->dir, remove_one, REMOVE_FDS, FTW_DEPTH | FTW_PHYS);
}

/* A folder of this user whose first cluster takes words. */
static bool is_running(const char *dir)
{
    char path[PATH_BYTES];
    struct stat st;
    struct err err;

    return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == getuid() &&
           cluster_tell(site_path(dir, "use1.sock", path), "look", &err) == 0;
}

int site_find(char out[static SITE_DIR_BYTES], struct err *err)
{
    DIR *all = opendir(TEMPORARY);
    size_t found = 0;

    for (struct dirent *e = all != NULL ? readdir(all) : NULL; e != NULL; e = readdir(all)) {
        char dir[SITE_DIR_BYTES];

        if (str_starts(e->d_name, PREFIX) &&
            str_format(dir, sizeof(dir), TEMPORARY "/%s", e->d_name) && is_running(dir)) {
            str_copy(out, SITE_DIR_BYTES, dir);
            found++;
        }
    }
    if (all != NULL)
        closedir(all);
    if (found == 0)
        return err_set(err, ERR_USAGE,
                       "no lab runs: start one with dnsflip lab (or name its folder with --dir)");
    if (found > 1)
        return err_set(err, ERR_USAGE, "%zu labs run: name the folder of one with --dir", found);
    return 0;
}
