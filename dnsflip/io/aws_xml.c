#include "dnsflip/io/aws_xml.h"

#include <string.h>

#include <expat.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

struct reading {
    XML_Parser parser; /* owned */
    const struct aws_xml_handler *handler;
    void *arg;
    struct err *err;
    struct aws_xml_path path;
    bool has_elements[AWS_XML_DEPTH_MAX]; /* of the open element at this depth */
    struct buf text;                      /* of the innermost open element, since its start */
    size_t n_elements;
    bool has_failed; /* err is set; nothing more is told */
};

bool aws_xml_is(const struct aws_xml_path *path, const char *elements)
{
    const char *rest = elements;

    for (size_t i = 0; i < path->depth; i++) {
        const size_t len = strlen(path->names[i]);
        if (strncmp(rest, path->names[i], len) != 0)
            return false;
        rest += len;
        if (i + 1 < path->depth && *rest++ != '/')
            return false;
    }
    return *rest == '\0';
}

/* Expat may still tell of what it has in hand. */
static void stop(struct reading *r)
{
    r->has_failed = true;
    XML_StopParser(r->parser, XML_FALSE);
}

static bool is_blank(const struct buf *text)
{
    return strspn(buf_text(text), " \t\r\n") == text->len;
}

static int check_no_text(const struct reading *r)
{
    if (!is_blank(&r->text))
        return err_set(r->err, ERR_REMOTE, "the XML has text beside elements (line %lu)",
                       XML_GetCurrentLineNumber(r->parser));
    return 0;
}

static int enter(struct reading *r, const char *name)
{
    const char *colon = strrchr(name, ':');
    const char *local = colon != NULL ? colon + 1 : name;

    if (++r->n_elements > AWS_XML_ELEMENTS_MAX)
        return err_set(r->err, ERR_LIMIT, "the XML has more than %u elements",
                       AWS_XML_ELEMENTS_MAX);
    if (r->path.depth == AWS_XML_DEPTH_MAX)
        return err_set(r->err, ERR_LIMIT, "the XML is more than %d elements deep",
                       AWS_XML_DEPTH_MAX);
    if (*local == '\0' || strlen(local) >= AWS_XML_NAME_BYTES)
        return err_set(r->err, ERR_LIMIT,
                       "the XML has an element whose name is not of 1 to %d bytes",
                       AWS_XML_NAME_BYTES - 1);
    if (check_no_text(r) != 0)
        return -1;
    if (r->path.depth > 0)
        r->has_elements[r->path.depth - 1] = true;
    str_copy(r->path.names[r->path.depth], AWS_XML_NAME_BYTES, local);
    r->has_elements[r->path.depth++] = false;
    buf_reset(&r->text);
    return r->handler->open != NULL ? r->handler->open(r->arg, &r->path, r->err) : 0;
}

static int leave(struct reading *r)
{
    if (r->has_elements[r->path.depth - 1]) {
        if (check_no_text(r) != 0)
            return -1;
        buf_reset(&r->text);
    }
    if (r->handler->close(r->arg, &r->path, buf_text(&r->text), r->text.len, r->err) != 0)
        return -1;
    r->path.depth--;
    buf_reset(&r->text);
    return 0;
}

static void on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *r = arg;

    (void)attributes;
    if (!r->has_failed && enter(r, name) != 0)
        stop(r);
}

static void on_end(void *arg, const XML_Char *name)
{
    struct reading *r = arg;

    (void)name;
    if (!r->has_failed && leave(r) != 0)
        stop(r);
}

static void on_text(void *arg, const XML_Char *bytes, int n)
{
    struct reading *r = arg;

    if (r->has_failed || buf_add(&r->text, bytes, (size_t)n))
        return;
    err_set(r->err, ERR_LIMIT, "the XML has a text of more than %u bytes", AWS_XML_TEXT_BYTES_MAX);
    stop(r);
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id,
                       const XML_Char *public_id, int has_internal_subset)
{
    struct reading *r = arg;

    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    if (r->has_failed)
        return;
    err_set(r->err, ERR_REMOTE, "the XML has a DOCTYPE, which no answer of AWS has: refused");
    stop(r);
}

static void *resize(void *p, size_t size)
{
    return mem_resize(p, size, 1);
}

int aws_xml_parse(const char *body, size_t n, const struct aws_xml_handler *handler, void *arg,
                  struct err *err)
{
    static const XML_Memory_Handling_Suite memory = { mem_zalloc, resize, mem_free };

    if (n > AWS_XML_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the XML has %zu bytes, at most %u are read", n,
                       AWS_XML_BYTES_MAX);
    /* Expat would turn to UTF-16 at its first bytes, whatever it is told. */
    if (n > 0 && memchr(body, '\0', n) != NULL)
        return err_set(err, ERR_REMOTE, "not well-formed XML (a NUL byte: not UTF-8)");
    /* The encoding is ours to say: one that the document names would be a way round the checks. */
    struct reading r = { .parser = XML_ParserCreate_MM("UTF-8", &memory, NULL),
                         .handler = handler,
                         .arg = arg,
                         .err = err };
    buf_init(&r.text, AWS_XML_TEXT_BYTES_MAX);
    r.text.is_secret = true; /* STS answers with keys */
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    if (XML_Parse(r.parser, body, (int)n, XML_TRUE) != XML_STATUS_OK && !r.has_failed) {
        r.has_failed = true;
        err_set(err, ERR_REMOTE, "not well-formed XML (line %lu: %s)",
                XML_GetCurrentLineNumber(r.parser), XML_ErrorString(XML_GetErrorCode(r.parser)));
    }
    XML_ParserFree(r.parser);
    buf_fini(&r.text);
    return r.has_failed ? -1 : 0;
}
