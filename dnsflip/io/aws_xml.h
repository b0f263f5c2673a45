/* dnsflip/io/aws_xml.h -- a bounded reader of the XML that AWS services answer with: elements and
 * their texts, told in order.  Attributes, comments and namespaces are passed over ("a:Name" is
 * Name); a DOCTYPE is refused, and with it every entity that XML itself does not define. */
#ifndef DNSFLIP_IO_AWS_XML_H
#define DNSFLIP_IO_AWS_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "dnsflip/base/err.h"

#define AWS_XML_BYTES_MAX (8U << 20)      /* of one document */
#define AWS_XML_DEPTH_MAX 16              /* elements inside each other */
#define AWS_XML_ELEMENTS_MAX (1U << 19)   /* 300 record sets of 400 values are half of it */
#define AWS_XML_NAME_BYTES 64             /* of an element, with its NUL */
#define AWS_XML_TEXT_BYTES_MAX (1U << 20) /* of one element; a batch of 1,000 mistakes fits */

/* Where the reader is: names[0] is the root, names[depth - 1] the innermost open element. */
struct aws_xml_path {
    size_t depth;
    char names[AWS_XML_DEPTH_MAX][AWS_XML_NAME_BYTES];
};

/* Is it exactly this element, written "ErrorResponse/Error/Code"? */
bool aws_xml_is(const struct aws_xml_path *path, const char *elements);

/* Told for every element in document order.  The path is borrowed and ends in the element told of.
 * Return -1 with err set to end the reading there. */
struct aws_xml_handler {
    int (*open)(void *arg, const struct aws_xml_path *path, struct err *err); /* NULL = not told */
    /* text: UTF-8 without NUL, n bytes, terminated, as written (spaces too); "" for an element that
     * holds others.  Borrowed. */
    int (*close)(void *arg, const struct aws_xml_path *path, const char *text, size_t n,
                 struct err *err);
};

/* Reads the n bytes of body, a whole document in UTF-8; does not call back after it returned.
 * ERR_LIMIT past a limit above; ERR_REMOTE if it is not well-formed, is cut off, has a DOCTYPE, or
 * mixes text with elements; what the handler set.  What was told before a failure stands in the
 * document.  err holds nothing of the document. */
__attribute__((warn_unused_result)) int aws_xml_parse(const char *body, size_t n,
                                                      const struct aws_xml_handler *handler,
                                                      void *arg, struct err *err);

#endif
