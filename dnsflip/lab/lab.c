#include "dnsflip/lab/lab.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/base/str.h"
#include "dnsflip/lab/cluster.h"
#include "dnsflip/lab/demo.h"
#include "dnsflip/lab/run.h"

#define EXIT_USAGE 64

static const char help[] =
    "usage: dnsflip lab [OPTION]...                start a lab, until Ctrl-C\n"
    "       dnsflip lab demo [OPTION]...           start one, kill its primary, watch the flip\n"
    "       dnsflip lab fail CLUSTER [--dir DIR]       nobody listens there any more\n"
    "       dnsflip lab hang CLUSTER [--dir DIR]       it accepts connections and never answers\n"
    "       dnsflip lab slow CLUSTER [--dir DIR]       it answers after 3 s\n"
    "       dnsflip lab unhealthy CLUSTER [--dir DIR]  200, and JSON that says unhealthy\n"
    "       dnsflip lab heal CLUSTER [--dir DIR]       it is well again\n"
    "\n"
    "Two small Airflow-shaped clusters on loopback, use1 and usw2 (HTTPS with a throw-away\n"
    "authority), a configuration for them, and the daemon that watches them and answers for\n"
    "their hostnames.  Nothing outlives the lab but the folder that --dir named.\n"
    "\n"
    "Options:\n"
    "  --deployments N   Deployments, 3 hostnames each (80)\n"
    "  --dir DIR         folder for configuration, journal, sockets and logs (a fresh one, "
    "removed\n"
    "                    at the end); of the other words: which lab is meant\n"
    "  -h, --help        this text\n"
    "\n"
    "Two more words are the hooks of the lab's configuration: promote and fence; they take\n"
    "DNSFLIP_FROM and DNSFLIP_TO from the environment, as every hook does.\n";

struct options {
    const char *word;    /* "" = start */
    const char *cluster; /* "" = none */
    const char *dir;     /* NULL = not given */
    unsigned deployments;
    bool has_help, has_deployments;
};

/* Says what is wrong with the arguments. */
static int fail_usage(const char *what, const char *word)
{
    (void)fprintf(stderr, "dnsflip lab: %s \"%s\"\ndnsflip lab --help tells more\n", what, word);
    return EXIT_USAGE;
}

static int fail(const struct err *err)
{
    (void)fprintf(stderr, "dnsflip lab: %s\n", err->text);
    return err->code == ERR_USAGE ? EXIT_USAGE : EXIT_FAILURE;
}

/* ---- arguments ----------------------------------------------------------------------------------
 */

static const char *const words[] = { "demo",      "fail", "hang",    "slow",
                                     "unhealthy", "heal", "promote", "fence" };

static bool is_about_a_cluster(const char *word)
{
    for (size_t i = 1; i <= 5; i++) {
        if (strcmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

static int take_operand(struct options *o, const char *arg)
{
    if (o->word[0] != '\0') {
        if (!is_about_a_cluster(o->word) || o->cluster[0] != '\0')
            return fail_usage("there is no room for", arg);
        o->cluster = arg;
        return 0;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(arg, words[i]) == 0)
            o->word = words[i];
    }
    if (o->word[0] == '\0') {
        const char *near = str_nearest(arg, words, sizeof(words) / sizeof(words[0]));

        return near != NULL ? fail_usage("unknown word; did you mean", near)
                            : fail_usage("unknown word", arg);
    }
    return 0;
}

/* An option's value: behind '=' or the next argument; NULL if there is none. */
static const char *value_of(const char *name, char **argv, int *i)
{
    const char *rest = argv[*i] + strlen(name);

    if (*rest == '=')
        return rest + 1;
    return argv[*i + 1] != NULL ? argv[++*i] : NULL;
}

static bool is_option(const char *arg, const char *name)
{
    return str_starts(arg, name) && (arg[strlen(name)] == '\0' || arg[strlen(name)] == '=');
}

static int take_deployments(struct options *o, const char *text)
{
    uint64_t n = 0;

    if (text == NULL || !str_parse_u64(text, SITE_DEPLOYMENTS_MAX, &n) || n == 0)
        return fail_usage("--deployments is a number from 1 to 1000, not", text ? text : "");
    o->deployments = (unsigned)n;
    o->has_deployments = true;
    return 0;
}

static int take_option(struct options *o, char **argv, int *i)
{
    const char *arg = argv[*i];

    if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
        o->has_help = true;
        return 0;
    }
    if (is_option(arg, "--deployments"))
        return take_deployments(o, value_of("--deployments", argv, i));
    if (!is_option(arg, "--dir"))
        return fail_usage("unknown option", arg);
    o->dir = value_of("--dir", argv, i);
    return o->dir != NULL && o->dir[0] != '\0' ? 0 : fail_usage("a folder is missing behind", arg);
}

static int check_options(const struct options *o)
{
    if (o->has_deployments && o->word[0] != '\0' && strcmp(o->word, "demo") != 0)
        return fail_usage("--deployments does not go with", o->word);
    if (!is_about_a_cluster(o->word))
        return 0;
    if (o->cluster[0] == '\0')
        return fail_usage("a cluster (use1 or usw2) is missing behind", o->word);
    if (strcmp(o->cluster, "use1") != 0 && strcmp(o->cluster, "usw2") != 0)
        return fail_usage("the clusters of a lab are use1 and usw2, not", o->cluster);
    return 0;
}

static int read_options(int argc, char **argv, struct options *o)
{
    int result = 0;

    *o = (struct options){ .word = "", .cluster = "", .deployments = SITE_DEPLOYMENTS };
    for (int i = 1; i < argc && result == 0; i++)
        result = argv[i][0] == '-' ? take_option(o, argv, &i) : take_operand(o, argv[i]);
    return result != 0 || o->has_help ? result : check_options(o);
}

/* ---- words --------------------------------------------------------------------------------------
 */

static int tell(const char *dir, const char *place, const char *word, struct err *err)
{
    char name[NAME_BYTES + 8], path[PATH_BYTES];

    if (!str_format(name, sizeof(name), "%s.sock", place))
        return err_set(err, ERR_USAGE, "no cluster is called %.64s", place);
    return cluster_tell(site_path(dir, name, path), word, err);
}

static int break_or_heal(const struct options *o)
{
    char found[SITE_DIR_BYTES];
    struct err err;

    if (o->dir == NULL && site_find(found, &err) < 0)
        return fail(&err);
    if (tell(o->dir != NULL ? o->dir : found, o->cluster, o->word, &err) < 0)
        return fail(&err);
    printf("%s: %s\n", o->cluster, o->word);
    return EXIT_SUCCESS;
}

/* The hooks.  The last line of output is what dnsflip shows. */
static int run_hook(const struct options *o)
{
    bool is_promote = strcmp(o->word, "promote") == 0;
    const char *name = is_promote ? "DNSFLIP_TO" : "DNSFLIP_FROM";
    const char *cluster = getenv(name);
    char word[CLUSTER_WORD_BYTES];
    struct err err;

    if (o->dir == NULL || cluster == NULL)
        return fail_usage("a hook wants --dir and", name);
    if (tell(o->dir, cluster, is_promote ? "promote" : "demote", &err) < 0) {
        if (is_promote)
            return fail(&err);
        printf("%s does not run: nothing to fence\n", cluster);
        return EXIT_SUCCESS;
    }
    if (is_promote && (!str_format(word, sizeof(word), "primary %s", cluster) ||
                       tell(o->dir, "database", word, &err) < 0))
        return fail(&err);
    printf("%s %s\n", cluster, is_promote ? "takes writes now" : "takes no more writes");
    return EXIT_SUCCESS;
}

/* ---- a lab until it is ended --------------------------------------------------------------------
 */

static void print_places(const struct run *run)
{
    const struct site *s = &run->site;
    char a[INET_TEXT_BYTES], name[HOSTNAME_BYTES];

    printf("%u Deployments, %u hostnames, e.g. %s\n\n", s->deployments,
           s->deployments * SITE_CLASSES, site_hostname(0, name));
    for (enum site_place i = SITE_USE1; i <= SITE_USW2; i++)
        printf("  cluster %s    https://%s  pid %d\n", site_place_name(i),
               inet_format_addr(&s->places[i], a), (int)run->places[i]);
    printf("  DNS             %s    dig @%s -p %u %s\n", inet_format_addr(&s->dns, a), "127.0.0.1",
           (unsigned)s->dns.port, name);
    printf("  HTTP            http://%s/metrics\n", inet_format_addr(&s->http, a));
    printf("  control socket  %s/control.sock    dnsflip status --socket %s/control.sock\n", s->dir,
           s->dir);
    printf("  configuration   %s/dnsflip.yaml\n", s->dir);
    printf("  logs            %s/daemon.log, clusters.log\n\n", s->dir);
    printf("Break and heal it from another terminal: dnsflip lab fail|hang|slow|unhealthy|heal "
           "use1%s%s\nCtrl-C ends all of it.\n",
           s->is_temporary ? "" : " --dir ", s->is_temporary ? "" : s->dir);
    (void)fflush(stdout);
}

static int start_and_wait(const struct options *o)
{
    struct run run;
    struct err err;
    int result;

    run_block_signals();
    if (run_start(&run, o->dir, o->deployments, &err) < 0)
        return fail(&err);
    print_places(&run);
    result = run_wait(&run, &err);
    if (result < 0)
        fail(&err);
    run_stop(&run);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int lab_main(int argc, char **argv)
{
    struct options o;
    int result = read_options(argc, argv, &o);

    if (result != 0)
        return result;
    if (o.has_help) {
        (void)fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    if (o.word[0] == '\0')
        return start_and_wait(&o);
    if (strcmp(o.word, "demo") == 0)
        return demo_main(o.dir, o.deployments);
    return is_about_a_cluster(o.word) ? break_or_heal(&o) : run_hook(&o);
}
