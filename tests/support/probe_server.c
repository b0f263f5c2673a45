#include "tests/support/probe_server.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"

static void run_script(const char *folder, int in, int out)
{
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(126);
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        close(fd);
    execlp("python3", "python3", "tests/integration/probe_server.py", folder, (char *)NULL);
    _exit(127);
}

static void read_ports(struct probe_server *s)
{
    FILE *f = fdopen(dup(s->from_fd), "r");
    char line[128];
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        char *space = strchr(line, ' ');
        assert_non_null(space);
        *space = '\0';
        if (strcmp(line, "ready") == 0)
            break;
        assert_in_range(s->n_ports, 0, 15);
        assert_true(str_copy(s->ports[s->n_ports].name, sizeof s->ports[0].name, line));
        s->ports[s->n_ports++].port = (uint16_t)strtoul(space + 1, NULL, 10);
    }
    (void)fclose(f);
    assert_int_not_equal(s->n_ports, 0);
}

void probe_server_start(struct probe_server *s)
{
    struct err err;
    int in[2];
    int out[2];
    memset(s, 0, sizeof *s);
    tempdir_init(&s->dir);
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    s->pid = fork();
    if (s->pid == 0)
        run_script(s->dir.path, in[0], out[1]);
    assert_true(s->pid > 0);
    close(in[0]);
    close(out[1]);
    s->to_fd = in[1];
    s->from_fd = out[0];
    read_ports(s);
    assert_int_equal(loop_new(&s->loop, &err), 0);
    assert_int_equal(io_init(&s->io, s->loop, &err), 0);
}

void probe_server_stop(struct probe_server *s)
{
    io_fini(&s->io);
    loop_free(s->loop);
    close(s->to_fd);
    close(s->from_fd);
    assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
    tempdir_fini(&s->dir);
}

uint16_t probe_server_port(const struct probe_server *s, const char *name)
{
    for (size_t i = 0; i < s->n_ports; i++) {
        if (strcmp(s->ports[i].name, name) == 0)
            return s->ports[i].port;
    }
    fail_msg("no server is called %s", name);
    return 0;
}

uint16_t probe_server_closed_port(void)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&addr, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &n), 0);
    close(fd);
    return ntohs(addr.sin_port);
}
