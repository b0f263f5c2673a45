#include "tests/support/aws_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "tests/support/probe_server.h"
#include "tests/support/skip.h"

#define PYTHON "build/venv/bin/python"

static void run_services(const char *folder, int in, int out)
{
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(126);
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        close(fd);
    execl(PYTHON, PYTHON, "tests/integration/aws_server.py", folder, (char *)NULL);
    _exit(127);
}

static void add_port(struct aws_server *s, const char *name, unsigned long port)
{
    assert_true(s->n_ports < AWS_SERVER_PORTS_MAX);
    assert_true(str_copy(s->ports[s->n_ports].name, sizeof s->ports[0].name, name));
    s->ports[s->n_ports++].port = (uint16_t)port;
}

static void read_ports(struct aws_server *s)
{
    FILE *f = fdopen(dup(s->from_fd), "r");
    char line[64];
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL && strcmp(line, "ready\n") != 0) {
        char *space = strchr(line, ' ');
        assert_non_null(space);
        *space = '\0';
        add_port(s, line, strtoul(space + 1, NULL, 10));
    }
    (void)fclose(f);
    assert_int_not_equal(s->n_ports, 0);
    add_port(s, "closed", probe_server_closed_port());
}

static void start(struct aws_server *s)
{
    int in[2];
    int out[2];
    *s = (struct aws_server){ 0 };
    tempdir_init(&s->dir);
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    s->pid = fork();
    if (s->pid == 0)
        run_services(s->dir.path, in[0], out[1]);
    assert_true(s->pid > 0);
    close(in[0]);
    close(out[1]);
    s->to_fd = in[1];
    s->from_fd = out[0];
    read_ports(s);
}

static void stop(struct aws_server *s)
{
    close(s->to_fd);
    close(s->from_fd);
    assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
    tempdir_fini(&s->dir);
}

static void the_services_have_a_python(void **state)
{
    (void)state;
    SKIP_BECAUSE(PYTHON " is missing: make deps");
}

int aws_server_run(struct aws_server *s, const struct CMUnitTest *tests, size_t n)
{
    const struct CMUnitTest none[] = { cmocka_unit_test(the_services_have_a_python) };

    if (access(PYTHON, X_OK) != 0)
        return cmocka_run_group_tests(none, NULL, NULL);
    start(s);
    int n_failed = _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
    stop(s);
    return n_failed;
}

uint16_t aws_server_port(const struct aws_server *s, const char *name)
{
    for (size_t i = 0; i < s->n_ports; i++) {
        if (strcmp(s->ports[i].name, name) == 0)
            return s->ports[i].port;
    }
    fail_msg("no service is called %s", name);
    return 0;
}
