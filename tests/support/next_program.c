/* tests/support/next_program.c -- the test program as its own successor; see the header. */
#include "tests/support/next_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/str.h"
#include "dnsflip/formats.h"
#include "dnsflip/link.h"

static void beside(char out[PATH_MAX], const char *name)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    self[n > 0 ? n : 0] = '\0';
    if (n <= 0 ||
        !str_format(out, PATH_MAX, "%.*s/%s", (int)(strrchr(self, '/') - self), self, name))
        _exit(EXIT_FAILURE);
}

static void read_word(const char *path, char out[256])
{
    FILE *file = fopen(path, "r");

    out[0] = '\0';
    if (file == NULL)
        return;
    if (fgets(out, 256, file) == NULL)
        out[0] = '\0';
    (void)fclose(file);
}

int next_face_main(int argc, char **argv)
{
    char path[PATH_MAX];
    char how[256];
    struct link_message m = link_message(LINK_ERROR);
    int fds[FDPASS_FDS_MAX];
    size_t n_fds = 0;
    struct err err;

    beside(path, "face-how");
    read_word(path, how);
    if (argc == 1 && strcmp(how, "dies") == 0)
        return EXIT_FAILURE;
    if (argc == 1 && link_receive(LINK_FD, &m, fds, &n_fds, &err) == 1 && m.kind == LINK_PAIR) {
        m.kind = LINK_ERROR;
        (void)str_copy(m.text, sizeof(m.text), "view: a format of old");
        if (link_send(LINK_FD, &m, NULL, 0, &err) != 0)
            return EXIT_FAILURE;
        for (size_t i = 0; i < n_fds; i++)
            (void)close(fds[i]);
    }
    beside(path, "real-face");
    (void)execv(path, argv);
    return EXIT_FAILURE;
}

int next_check_main(void)
{
    char path[PATH_MAX];
    char said[256];

    beside(path, "say");
    read_word(path, said);
    if (strcmp(said, "nothing") == 0)
        (void)poll(NULL, 0, -1);
    printf("%s\n", said[0] != '\0' ? said : formats_line());
    return EXIT_SUCCESS;
}

const char *next_path(const struct instance *in, const char *name)
{
    char path[64];

    assert_true(str_format(path, sizeof(path), "bin/%s", name));
    return tempdir_path(&in->dir, path);
}

static void install_self(const struct instance *in, const char *name)
{
    struct stat st;
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int to = open(next_path(in, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    off_t at = 0;

    assert_true(from >= 0 && to >= 0);
    assert_int_equal(fstat(from, &st), 0);
    while (at < st.st_size)
        assert_true(sendfile(to, from, &at, (size_t)(st.st_size - at)) > 0);
    assert_int_equal(close(from), 0);
    assert_int_equal(close(to), 0);
}

void next_write(const struct instance *in, const char *name, const char *word)
{
    FILE *file = fopen(next_path(in, name), "w");

    assert_non_null(file);
    assert_true(fputs(word, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void link_real_face(const struct instance *in, const char *name)
{
    char self[PATH_MAX];
    char real[PATH_MAX];

    beside(self, "../../dnsflip-face"); /* BUILD/tests/integration */
    assert_non_null(realpath(self, real));
    assert_int_equal(symlink(real, next_path(in, name)), 0);
}

void next_install(const struct instance *in, const char *how)
{
    assert_int_equal(mkdir(tempdir_path(&in->dir, "bin"), 0755), 0);
    install_self(in, "dnsflip");
    if (how == NULL) {
        link_real_face(in, "dnsflip-face");
        return;
    }
    install_self(in, "dnsflip-face");
    link_real_face(in, "real-face");
    next_write(in, "face-how", how);
}
