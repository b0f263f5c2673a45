#include "dnsflip/lab/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/lab/certificate.h"
#include "dnsflip/lab/cluster.h"
#include "dnsflip/lab/observer.h"
#include "dnsflip/lab/process.h"

#define START_MS 20000
#define STOP_MS 15000
#define LOOK_MS 20
#define LOG_TAIL_BYTES 300
#define LOG_BYTES_MAX (16U << 20)

int run_program(char out[static PATH_BYTES], struct err *err)
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_BYTES - 1);

    if (n < 0)
        return err_sys(err, errno, "/proc/self/exe");
    out[n] = '\0';
    return 0;
}

static void watched_signals(sigset_t *out)
{
    sigemptyset(out);
    sigaddset(out, SIGINT);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGHUP);
}

void run_block_signals(void)
{
    sigset_t watched;

    watched_signals(&watched);
    sigaddset(&watched, SIGCHLD);
    sigprocmask(SIG_BLOCK, &watched, NULL);
}

bool run_is_asked_to_end(void)
{
    const struct timespec at_once = { 0, 0 };
    sigset_t watched;

    watched_signals(&watched);
    return sigtimedwait(&watched, NULL, &at_once) > 0;
}

/* ---- clusters -----------------------------------------------------------------------------------
 */

/* The child's whole life. */
static void live(const struct site *site, enum site_place place, SSL_CTX *tls)
{
    char socket_name[NAME_BYTES], path[PATH_BYTES];
    struct cluster_cfg cfg = { .addr = site->places[place],
                               .tls = place <= SITE_USW2 ? tls : NULL,
                               .has_scheduler = place == SITE_USE1,
                               .primary = place == SITE_DATABASE ? "use1" : "",
                               .listen_fd = site->listen_fds[place] };
    struct err err;

    for (enum site_place i = 0; i < SITE_PLACES; i++) {
        if (i != place && site->listen_fds[i] >= 0)
            close(site->listen_fds[i]);
    }
    str_format(socket_name, sizeof(socket_name), "%s.sock", site_place_name(place));
    cfg.control_fd = cluster_listen_control(site_path(site->dir, socket_name, path), &err);
    if (cfg.control_fd >= 0 && cluster_serve(&cfg, &err) == 0)
        exit(EXIT_SUCCESS);
    (void)fprintf(stderr, "%s: %s\n", site_place_name(place), err.text);
    exit(EXIT_FAILURE);
}

static int start_places(struct run *run, struct err *err)
{
    struct site *site = &run->site;
    char path[PATH_BYTES];
    SSL_CTX *tls = NULL;
    int result = 0;

    if (certificate_make(site_path(site->dir, "ca.pem", path),
                         "DNS:*." SITE_DOMAIN ",DNS:*." SITE_ZONE, &tls, err) < 0)
        return -1;
    site_path(site->dir, "clusters.log", path);
    for (enum site_place i = 0; i < SITE_PLACES && result == 0; i++) {
        pid_t pid = process_fork(site_place_name(i), path, SIGKILL, err);

        if (pid == 0)
            live(site, i, tls);
        result = pid < 0 ? -1 : 0;
        run->places[i] = pid > 0 ? pid : 0;
    }
    for (int i = 0; i < SITE_PLACES; i++) {
        if (site->listen_fds[i] >= 0)
            close(site->listen_fds[i]);
        site->listen_fds[i] = -1;
    }
    SSL_CTX_free(tls);
    return result;
}

/* ---- the daemon ---------------------------------------------------------------------------------
 */

/* err with the last words of a log behind it. */
static int fail_with_log(const struct site *site, const char *name, const char *what,
                         struct err *err)
{
    char path[PATH_BYTES];
    struct err ignored;
    struct buf log;
    size_t from;

    buf_init(&log, LOG_BYTES_MAX);
    if (fsio_read(site_path(site->dir, name, path), &log, &ignored) < 0)
        buf_reset(&log);
    from = log.len > LOG_TAIL_BYTES ? log.len - LOG_TAIL_BYTES : 0;
    err_set(err, ERR_REMOTE, "%s; %s ends in:\n%s", what, path, buf_text(&log) + from);
    buf_fini(&log);
    return -1;
}

static int init_journal(const struct run *run, const char *config, struct err *err)
{
    const char *const argv[] = {
        run->program, "init", "--active", "use1", "--config", config, NULL
    };
    char path[PATH_BYTES];
    int status = 0;
    pid_t pid =
        process_start("init", site_path(run->site.dir, "daemon.log", path), SIGTERM, argv, err);

    if (pid < 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return fail_with_log(&run->site, "daemon.log", "dnsflip init failed", err);
    return 0;
}

/* Until the daemon answers for the last hostname. */
static int await_answers(const struct run *run, struct err *err)
{
    const struct timespec look = { 0, LOOK_MS * 1000000L };
    struct mono end = mono_add(mono_now(), START_MS);
    char name[HOSTNAME_BYTES];
    struct inet_ip seen;

    site_hostname((size_t)run->site.deployments * SITE_CLASSES - 1, name);
    while (!observer_ask(&run->site.dns, name, LOOK_MS, &seen)) {
        if (waitpid(run->daemon, NULL, WNOHANG) == run->daemon)
            return fail_with_log(&run->site, "daemon.log", "dnsflip run ended", err);
        if (mono_since(mono_now(), end) >= 0)
            return fail_with_log(&run->site, "daemon.log", "dnsflip run does not answer", err);
        nanosleep(&look, NULL);
    }
    return 0;
}

static int start_daemon(struct run *run, struct err *err)
{
    char config[PATH_BYTES], path[PATH_BYTES];
    const char *const argv[] = { run->program, "run", "--single-user", "--config", config, NULL };

    if (site_write(&run->site, run->program, err) < 0)
        return -1;
    site_path(run->site.dir, "dnsflip.yaml", config);
    if (init_journal(run, config, err) < 0)
        return -1;
    run->daemon =
        process_start("dnsflip", site_path(run->site.dir, "daemon.log", path), SIGTERM, argv, err);
    if (run->daemon < 0) {
        run->daemon = 0;
        return -1;
    }
    return await_answers(run, err);
}

/* ---- start, wait, stop --------------------------------------------------------------------------
 */

static void stop_processes(struct run *run)
{
    process_stop(run->daemon, STOP_MS);
    run->daemon = 0;
    for (int i = 0; i < SITE_PLACES; i++) {
        process_stop(run->places[i], STOP_MS);
        run->places[i] = 0;
    }
}

int run_start(struct run *run, const char *dir, unsigned deployments, struct err *err)
{
    *run = (struct run){ .daemon = 0 };
    if (run_program(run->program, err) < 0 || site_make(&run->site, dir, deployments, err) < 0)
        return -1;
    if (start_places(run, err) == 0 && start_daemon(run, err) == 0)
        return 0;
    stop_processes(run);
    return -1;
}

void run_stop(struct run *run)
{
    stop_processes(run);
    site_remove(&run->site);
}

/* Says which cluster has ended: nobody asked it to. */
static void tell_dead_places(struct run *run)
{
    for (enum site_place i = 0; i < SITE_PLACES; i++) {
        int status = 0;

        if (run->places[i] == 0 || waitpid(run->places[i], &status, WNOHANG) != run->places[i])
            continue;
        run->places[i] = 0;
        (void)fprintf(stderr, "dnsflip lab: %s has ended (%s %d)\n", site_place_name(i),
                      WIFSIGNALED(status) ? "signal" : "exit code",
                      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
}

int run_wait(struct run *run, struct err *err)
{
    sigset_t watched;
    int status = 0;

    watched_signals(&watched);
    sigaddset(&watched, SIGCHLD);
    for (;;) {
        int got = sigwaitinfo(&watched, NULL);

        if (got > 0 && got != SIGCHLD)
            return 0;
        if (waitpid(run->daemon, &status, WNOHANG) == run->daemon) {
            run->daemon = 0;
            return fail_with_log(&run->site, "daemon.log", "the daemon has ended", err);
        }
        tell_dead_places(run);
    }
}
