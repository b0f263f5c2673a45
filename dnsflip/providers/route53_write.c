#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_batch.h"
#include "dnsflip/providers/route53_name.h"

#define HEAD                                                                                       \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                                 \
    "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">"    \
    "<ChangeBatch>"

/* Text of an element.  The answers that values came from were XML, so no control character that XML
 * has no form for is among them. */
static void add_text(struct buf *out, const char *text)
{
    for (const char *p = text; *p != '\0';) {
        size_t plain = strcspn(p, "&<>\r");

        buf_add(out, p, plain);
        p += plain;
        if (*p == '&')
            buf_puts(out, "&amp;");
        else if (*p == '<')
            buf_puts(out, "&lt;");
        else if (*p == '>')
            buf_puts(out, "&gt;");
        else if (*p == '\r')
            buf_puts(out, "&#13;");
        p += *p != '\0';
    }
}

static void add_element(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "<%s>", name);
    add_text(out, text);
    buf_printf(out, "</%s>", name);
}

static void add_values(struct buf *out, const struct route53_record *r)
{
    if (r->ttl_s != ROUTE53_TTL_NONE)
        buf_printf(out, "<TTL>%u</TTL>", (unsigned)r->ttl_s);
    if (r->n_values == 0)
        return;
    buf_puts(out, "<ResourceRecords>");
    for (size_t i = 0; i < r->n_values; i++) {
        buf_puts(out, "<ResourceRecord>");
        add_element(out, "Value", r->values[i]);
        buf_puts(out, "</ResourceRecord>");
    }
    buf_puts(out, "</ResourceRecords>");
}

/* The elements in the order that the service asks for. */
static void add_record(struct buf *out, const struct route53_record *r)
{
    char name[ROUTE53_NAME_TEXT_BYTES];

    buf_puts(out, "<ResourceRecordSet>");
    add_element(out, "Name", route53_name_format(r->name, name));
    add_element(out, "Type", r->type);
    if (r->set_id[0] != '\0')
        add_element(out, "SetIdentifier", r->set_id);
    if (r->weight >= 0)
        buf_printf(out, "<Weight>%d</Weight>", (int)r->weight);
    if (r->failover != ROUTE53_FAILOVER_NONE)
        add_element(out, "Failover", r->failover == ROUTE53_PRIMARY ? "PRIMARY" : "SECONDARY");
    add_values(out, r);
    if (r->alias_zone[0] != '\0') {
        buf_puts(out, "<AliasTarget>");
        add_element(out, "HostedZoneId", r->alias_zone);
        add_element(out, "DNSName", route53_name_format(r->alias_name, name));
        add_element(out, "EvaluateTargetHealth", r->alias_evaluates_health ? "true" : "false");
        buf_puts(out, "</AliasTarget>");
    }
    if (r->health_check[0] != '\0')
        add_element(out, "HealthCheckId", r->health_check);
    buf_puts(out, "</ResourceRecordSet>");
}

int route53_batch_write(const struct route53_plan *plan, size_t batch, const char *group,
                        const char *plan_id, uint32_t epoch, struct buf *out, struct err *err)
{
    const struct route53_batch *b = &plan->batches[batch];
    char comment[ROUTE53_COMMENT_MAX + 1];

    if (!str_format(comment, sizeof(comment), "dnsflip %s %s epoch=%u", group, plan_id,
                    (unsigned)epoch))
        return err_set(err, ERR_LIMIT, "the batch's comment is longer than %d characters",
                       ROUTE53_COMMENT_MAX);
    buf_reset(out);
    buf_puts(out, HEAD);
    add_element(out, "Comment", comment);
    buf_puts(out, "<Changes>");
    for (size_t i = b->first; i < b->first + b->n; i++) {
        buf_puts(out, "<Change>");
        add_element(out, "Action", plan->changes[i].is_create ? "CREATE" : "DELETE");
        add_record(out, plan->changes[i].record);
        buf_puts(out, "</Change>");
    }
    buf_puts(out, "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>\n");
    if (out->overflowed)
        return err_set(err, ERR_LIMIT, "the batch is larger than %u bytes", ROUTE53_BODY_BYTES);
    return 0;
}
