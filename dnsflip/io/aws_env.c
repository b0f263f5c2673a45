#include "dnsflip/io/aws_env.h"

#include <string.h>
#include <sys/stat.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/io/aws_profile.h"

#define PATH_BYTES_MAX 4096

void aws_env_init(struct aws_env *env, char *const *environ_of)
{
    size_t n = 0;
    while (environ_of[n] != NULL)
        n++;
    env->items = mem_array(n + 1, sizeof *env->items);
    for (size_t i = 0; i < n; i++)
        env->items[i] = mem_strdup(environ_of[i]);
}

void aws_env_fini(struct aws_env *env)
{
    for (size_t i = 0; env->items != NULL && env->items[i] != NULL; i++) {
        explicit_bzero(env->items[i], strlen(env->items[i]));
        mem_free(env->items[i]);
    }
    mem_free(env->items);
    env->items = NULL;
}

const char *aws_env_get(const struct aws_env *env, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; env->items[i] != NULL; i++) {
        if (strncmp(env->items[i], name, n) == 0 && env->items[i][n] == '=')
            return env->items[i] + n + 1;
    }
    return NULL;
}

const char *aws_env_text(const struct aws_env *env, const char *name)
{
    const char *value = aws_env_get(env, name);
    return value != NULL ? value : "";
}

/* ---- the files ------------------------------------------------------------------------------- */

static bool is_name(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* "$NAME" or "${NAME}" at *at; a variable that is not set stays as it is written. */
static void add_variable(const struct aws_env *env, const char **at, struct buf *out)
{
    char name[256];
    const char *from = *at + 1;
    bool is_braced = *from == '{';
    if (is_braced)
        from++;
    size_t n = 0;
    while (is_name(from[n]) && n + 1 < sizeof name)
        n++;
    memcpy(name, from, n);
    name[n] = '\0';
    const char *value = n > 0 && (!is_braced || from[n] == '}') ? aws_env_get(env, name) : NULL;
    if (value == NULL) {
        buf_putc(out, *(*at)++);
        return;
    }
    buf_puts(out, value);
    *at = from + n + (is_braced ? 1 : 0);
}

/* Variables, and "~" of ourselves; false if it is too long. */
static bool expand(const struct aws_env *env, const char *path, struct buf *out)
{
    struct buf plain;
    buf_init(&plain, PATH_BYTES_MAX);
    for (const char *at = path; *at != '\0';) {
        if (*at == '$')
            add_variable(env, &at, &plain);
        else
            buf_putc(&plain, *at++);
    }
    const char *text = buf_text(&plain);
    const char *home = aws_env_get(env, "HOME");
    if (text[0] == '~' && (text[1] == '/' || text[1] == '\0') && home != NULL) {
        buf_puts(out, home);
        text++;
    }
    buf_puts(out, text);
    bool fits = !plain.overflowed && !out->overflowed;
    buf_fini(&plain);
    return fits;
}

/* NULL in *out if there is no such file. */
static int read_file(const char *path, struct aws_ini **out, struct err *err)
{
    struct stat st;
    struct buf text;
    *out = NULL;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return 0;
    buf_init(&text, AWS_FILE_BYTES_MAX);
    text.is_secret = true;
    int rc = fsio_read(path, &text, err);
    if (rc == 0)
        rc = aws_ini_parse(path, buf_text(&text), text.len, out, err);
    buf_fini(&text);
    return rc;
}

static int read_named(const struct aws_env *env, const char *variable, const char *fallback,
                      struct aws_ini **out, struct err *err)
{
    const char *path = aws_env_get(env, variable);
    struct buf whole;
    buf_init(&whole, PATH_BYTES_MAX);
    int rc = expand(env, path != NULL ? path : fallback, &whole)
                 ? read_file(buf_text(&whole), out, err)
                 : err_set(err, ERR_LIMIT, "%s is longer than %d bytes", variable, PATH_BYTES_MAX);
    buf_fini(&whole);
    return rc;
}

int aws_env_profiles(const struct aws_env *env, struct aws_profiles **out, struct err *err)
{
    struct aws_ini *config = NULL;
    struct aws_ini *credentials = NULL;
    if (read_named(env, "AWS_CONFIG_FILE", "~/.aws/config", &config, err) != 0)
        return -1;
    if (read_named(env, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", &credentials, err) !=
        0) {
        aws_ini_free(config);
        return -1;
    }
    *out = aws_profiles_new(config, credentials);
    return 0;
}
