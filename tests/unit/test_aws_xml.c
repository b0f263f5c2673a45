/* tests/unit/test_aws_xml.c -- the bounded reader of XML answers: what it tells, what it refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/io/aws_xml.h"

#define LOG_BYTES_MAX (4U << 20)

/* What was told: "<A <B text> >". */
struct told {
    struct buf log;
    size_t n_open, n_close;
    size_t refuse_at; /* the close that the handler refuses, from 1; 0 = none */
};

static int on_open(void *arg, const struct aws_xml_path *path, struct err *err)
{
    struct told *told = arg;

    (void)err;
    told->n_open++;
    buf_printf(&told->log, "<%s ", path->names[path->depth - 1]);
    return 0;
}

static int on_close(void *arg, const struct aws_xml_path *path, const char *text, size_t n,
                    struct err *err)
{
    struct told *told = arg;

    (void)path;
    assert_int_equal(strlen(text), n);
    if (++told->n_close == told->refuse_at)
        return err_set(err, ERR_CONFLICT, "not this one");
    buf_printf(&told->log, "%s>", text);
    return 0;
}

static const struct aws_xml_handler handler = { .open = on_open, .close = on_close };

/* The text told of a document that is read. */
static void assert_told(const char *document, const char *expected)
{
    struct told told = { 0 };
    struct err err = { 0 };

    buf_init(&told.log, LOG_BYTES_MAX);
    if (aws_xml_parse(document, strlen(document), &handler, &told, &err) != 0)
        fail_msg("%s: %s", document, err.text);
    assert_string_equal(buf_text(&told.log), expected);
    assert_int_equal(told.n_open, told.n_close);
    buf_fini(&told.log);
}

static void assert_refused_n(const char *document, size_t n, enum err_code code, const char *why)
{
    struct told told = { 0 };
    struct err err = { 0 };

    buf_init(&told.log, LOG_BYTES_MAX);
    if (aws_xml_parse(document, n, &handler, &told, &err) == 0)
        fail_msg("read: %s", document);
    assert_int_equal(err.code, code);
    if (strstr(err.text, why) == NULL)
        fail_msg("\"%s\" has no \"%s\"", err.text, why);
    buf_fini(&told.log);
}

static void assert_refused(const char *document, enum err_code code, const char *why)
{
    assert_refused_n(document, strlen(document), code, why);
}

static void elements_and_texts_are_told_in_order(void **state)
{
    (void)state;
    assert_told("<?xml version=\"1.0\"?>\n"
                "<ChangeInfo xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">\n"
                "  <Id>/change/C1</Id>\n  <Status>PENDING</Status><Empty/>\n</ChangeInfo>\n",
                "<ChangeInfo <Id /change/C1><Status PENDING><Empty >>");
}

static void prefixes_attributes_comments_and_instructions_are_passed_over(void **state)
{
    (void)state;
    assert_told("<r:A xmlns:r='urn:x' r:b='c'><!-- d --><?e f?><r:B>one<!-- g -->two</r:B></r:A>",
                "<A <B onetwo>>");
}

static void a_text_is_decoded_and_kept_whole(void **state)
{
    (void)state;
    assert_told("<A> \\052.example.com. &amp;&lt;&gt;&quot;&apos;&#233;<![CDATA[<x>&y;]]> </A>",
                "<A  \\052.example.com. &<>\"'\xc3\xa9<x>&y; >");
}

static void an_element_is_known_by_its_whole_path(void **state)
{
    (void)state;
    const struct aws_xml_path path = { .depth = 3, .names = { "ErrorResponse", "Error", "Code" } };
    const struct aws_xml_path none = { 0 };

    assert_true(aws_xml_is(&path, "ErrorResponse/Error/Code"));
    assert_false(aws_xml_is(&path, "ErrorResponse/Error"));
    assert_false(aws_xml_is(&path, "ErrorResponse/Error/Codes"));
    assert_false(aws_xml_is(&path, "ErrorResponse/Error/Cod"));
    assert_false(aws_xml_is(&path, "ErrorResponse/Error/Code/X"));
    assert_false(aws_xml_is(&path, "Error/Code"));
    assert_false(aws_xml_is(&path, "ErrorResponses/Error/Code"));
    assert_false(aws_xml_is(&path, "ErrorResponse"));
    assert_false(aws_xml_is(&path, ""));
    assert_true(aws_xml_is(&none, ""));
}

static void a_doctype_is_refused_with_all_its_entities(void **state)
{
    (void)state;
    assert_refused("<!DOCTYPE A><A/>", ERR_REMOTE, "DOCTYPE");
    assert_refused("<!DOCTYPE A [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><A>&b;</A>", ERR_REMOTE,
                   "DOCTYPE");
    assert_refused("<!DOCTYPE A SYSTEM 'file:///etc/passwd'><A/>", ERR_REMOTE, "DOCTYPE");
    assert_refused("<!DOCTYPE A [<!ENTITY % p SYSTEM 'http://127.0.0.1/'> %p;]><A/>", ERR_REMOTE,
                   "DOCTYPE");
    assert_refused("<A>&b;</A>", ERR_REMOTE, "undefined entity");
}

static void what_is_not_one_whole_document_is_refused(void **state)
{
    (void)state;
    const char whole[] = "<A><B>text</B><C/></A>";

    for (size_t n = 0; n + 1 < sizeof(whole); n++) {
        if (n + 2 < sizeof(whole))
            assert_refused_n(whole, n, ERR_REMOTE, "not well-formed XML (line 1");
    }
    assert_refused("<A/><B/>", ERR_REMOTE, "not well-formed");
    assert_refused("<A><B></A></B>", ERR_REMOTE, "not well-formed");
    assert_refused("{\"not\": \"xml\"}", ERR_REMOTE, "not well-formed");
    assert_refused_n("<A>\0</A>", 8, ERR_REMOTE, "not well-formed");
    assert_refused("<A>\xff\xfe</A>", ERR_REMOTE, "not well-formed");
    /* What is said of the encoding is not believed. */
    assert_refused("<?xml version='1.0' encoding='ISO-8859-1'?><A>\xe9</A>", ERR_REMOTE,
                   "not well-formed");
    assert_refused_n("\xff\xfe<\0A\0/\0>\0", 10, ERR_REMOTE, "not well-formed");
}

static void text_beside_elements_is_refused(void **state)
{
    (void)state;
    assert_refused("<A>x<B/></A>", ERR_REMOTE, "text beside elements");
    assert_refused("<A><B/>x</A>", ERR_REMOTE, "text beside elements");
    assert_refused("<A><B/>\n\nx<C/></A>", ERR_REMOTE, "text beside elements (line 3)");
}

/* "<a><a>...</a></a>", depth of them, each name of so many bytes. */
static void nest(struct buf *out, size_t depth, int name_bytes)
{
    for (size_t i = 0; i < depth; i++)
        buf_printf(out, "<%0*d>", name_bytes, 0);
    for (size_t i = 0; i < depth; i++)
        buf_printf(out, "</%0*d>", name_bytes, 0);
    for (size_t i = 0; i < out->len; i++) {
        if (out->data[i] == '0')
            out->data[i] = 'a';
    }
}

static void assert_nested(size_t depth, int name_bytes, const char *why)
{
    struct told told = { 0 };
    struct err err = { 0 };
    struct buf document;

    buf_init(&document, 100000);
    buf_init(&told.log, LOG_BYTES_MAX);
    nest(&document, depth, name_bytes);
    const int rc = aws_xml_parse(document.data, document.len, &handler, &told, &err);
    if (why == NULL) {
        assert_int_equal(rc, 0);
        assert_int_equal(told.n_close, depth);
    } else {
        assert_int_equal(rc, -1);
        assert_int_equal(err.code, ERR_LIMIT);
        assert_non_null(strstr(err.text, why));
    }
    buf_fini(&told.log);
    buf_fini(&document);
}

static void depth_and_names_have_a_limit(void **state)
{
    (void)state;
    assert_nested(AWS_XML_DEPTH_MAX, 1, NULL);
    assert_nested(AWS_XML_DEPTH_MAX + 1, 1, "more than 16 elements deep");
    assert_nested(1, AWS_XML_NAME_BYTES - 1, NULL);
    assert_nested(1, AWS_XML_NAME_BYTES, "not of 1 to 63 bytes");
    assert_refused("<a:/>", ERR_LIMIT, "not of 1 to 63 bytes");
}

static void repeat(struct buf *out, const char *before, const char *text, size_t n,
                   const char *after)
{
    buf_reset(out);
    buf_puts(out, before);
    for (size_t i = 0; i < n; i++)
        buf_puts(out, text);
    buf_puts(out, after);
    assert_false(out->overflowed);
}

static void elements_texts_and_documents_have_a_limit(void **state)
{
    (void)state;
    struct told told = { 0 };
    struct err err = { 0 };
    struct buf document;

    buf_init(&document, AWS_XML_BYTES_MAX + 1);
    buf_init(&told.log, LOG_BYTES_MAX);
    repeat(&document, "<A>", "<B/>", AWS_XML_ELEMENTS_MAX - 1, "</A>");
    assert_int_equal(aws_xml_parse(document.data, document.len, &handler, &told, &err), 0);
    assert_int_equal(told.n_close, AWS_XML_ELEMENTS_MAX);
    repeat(&document, "<A>", "<B/>", AWS_XML_ELEMENTS_MAX, "</A>");
    assert_refused_n(document.data, document.len, ERR_LIMIT, "more than 524288 elements");

    buf_reset(&told.log);
    repeat(&document, "<A>", "x", AWS_XML_TEXT_BYTES_MAX, "</A>");
    assert_int_equal(aws_xml_parse(document.data, document.len, &handler, &told, &err), 0);
    assert_int_equal(told.log.len, AWS_XML_TEXT_BYTES_MAX + strlen("<A >"));
    repeat(&document, "<A>", "x", AWS_XML_TEXT_BYTES_MAX + 1, "</A>");
    assert_refused_n(document.data, document.len, ERR_LIMIT, "text of more than 1048576 bytes");

    repeat(&document, "<A/>", " ", AWS_XML_BYTES_MAX - strlen("<A/>"), "");
    assert_int_equal(aws_xml_parse(document.data, document.len, &handler, &told, &err), 0);
    repeat(&document, "<A/>", " ", AWS_XML_BYTES_MAX + 1 - strlen("<A/>"), "");
    assert_refused_n(document.data, document.len, ERR_LIMIT, "8388609 bytes, at most 8388608");
    buf_fini(&told.log);
    buf_fini(&document);
}

static void what_the_handler_refuses_ends_the_reading(void **state)
{
    (void)state;
    const char document[] = "<A><B/><C/><D/></A>";

    for (size_t at = 1; at <= 4; at++) {
        struct told told = { .refuse_at = at };
        struct err err = { 0 };

        buf_init(&told.log, LOG_BYTES_MAX);
        assert_int_equal(aws_xml_parse(document, strlen(document), &handler, &told, &err), -1);
        assert_int_equal(err.code, ERR_CONFLICT);
        assert_string_equal(err.text, "not this one");
        assert_int_equal(told.n_close, at);
        buf_fini(&told.log);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_and_texts_are_told_in_order),
        cmocka_unit_test(prefixes_attributes_comments_and_instructions_are_passed_over),
        cmocka_unit_test(a_text_is_decoded_and_kept_whole),
        cmocka_unit_test(an_element_is_known_by_its_whole_path),
        cmocka_unit_test(a_doctype_is_refused_with_all_its_entities),
        cmocka_unit_test(what_is_not_one_whole_document_is_refused),
        cmocka_unit_test(text_beside_elements_is_refused),
        cmocka_unit_test(depth_and_names_have_a_limit),
        cmocka_unit_test(elements_texts_and_documents_have_a_limit),
        cmocka_unit_test(what_the_handler_refuses_ends_the_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
