/* tests/fuzz/fuzz_xml.c -- any bytes as the XML, or the error, that a service answers with.
 *
 *   after how many elements the handler refuses one (0 = never) | the document */
#include <assert.h>
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_error.h"
#include "dnsflip/io/aws_xml.h"
#include "tests/fuzz/fuzz.h"

#define DOCTYPE "<!DOCTYPE"

struct watch {
    size_t n_open, n_closed;
    size_t refuse_at;
    size_t depth; /* of the elements that are open */
    bool has_refused;
};

static int on_open(void *arg, const struct aws_xml_path *path, struct err *err)
{
    struct watch *watch = arg;

    assert(!watch->has_refused);
    assert(path->depth == watch->depth + 1 && path->depth <= AWS_XML_DEPTH_MAX);
    for (size_t i = 0; i < path->depth; i++)
        assert(path->names[i][0] != '\0' && strchr(path->names[i], ':') == NULL);
    watch->depth++;
    if (++watch->n_open == watch->refuse_at) {
        watch->has_refused = true;
        return err_set(err, ERR_CONFLICT, "refused");
    }
    return 0;
}

static int on_close(void *arg, const struct aws_xml_path *path, const char *text, size_t n,
                    struct err *err)
{
    struct watch *watch = arg;

    (void)err;
    assert(!watch->has_refused);
    assert(path->depth == watch->depth && watch->depth > 0);
    assert(n <= AWS_XML_TEXT_BYTES_MAX && strlen(text) == n && str_is_utf8(text));
    watch->depth--;
    watch->n_closed++;
    return 0;
}

static void read_error(const char *body, size_t n)
{
    struct aws_error error;

    aws_error_read(body, n, "", &error);
    assert(memchr(error.code, '\0', sizeof(error.code)) != NULL);
    assert(memchr(error.message, '\0', sizeof(error.message)) != NULL);
    for (const char *p = error.code; *p != '\0'; p++)
        assert(*p > ' ' && *p <= '~');
    for (const char *p = error.message; *p != '\0'; p++)
        assert(*p >= ' ' && *p <= '~');
    assert(strcasestr(error.message, "token:") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct aws_xml_handler handler = { .open = on_open, .close = on_close };
    struct fuzz_input in = { .at = data, .n = size };
    struct watch watch = { .refuse_at = fuzz_byte(&in) };
    struct err err = { 0 };

    if (aws_xml_parse((const char *)in.at, in.n, &handler, &watch, &err) == 0) {
        assert(!watch.has_refused && watch.depth == 0);
        assert(watch.n_open > 0 && watch.n_open == watch.n_closed);
        assert(in.n < sizeof(DOCTYPE) || memcmp(in.at, DOCTYPE, sizeof(DOCTYPE) - 1) != 0);
    } else {
        assert(err.text[0] != '\0');
        assert(!watch.has_refused || err.code == ERR_CONFLICT);
    }
    read_error((const char *)in.at, in.n);
    return 0;
}
