#include "dnsflip/providers/route53_read.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_xml.h"

#define LIST "ListResourceRecordSetsResponse/"
#define RECORD LIST "ResourceRecordSets/ResourceRecordSet"
#define ZONE "GetHostedZoneResponse/"
#define WEIGHT_MAX 255
#define TTL_MAX INT32_MAX
#define RECORD_DEPTH 3 /* of ResourceRecordSet in the path */

/* The record that is being read, and what was seen of it. */
struct list_reader {
    struct route53_set *set;
    struct route53_page *page;
    struct route53_record record;
    bool is_in_record, is_name_kept, has_truncated;
};

static bool parse_bool(const char *text, bool *out)
{
    *out = strcmp(text, "true") == 0;
    return *out || strcmp(text, "false") == 0;
}

static int list_open(void *arg, const struct aws_xml_path *path, struct err *err)
{
    struct list_reader *r = arg;

    (void)err;
    if (aws_xml_is(path, RECORD)) {
        route53_record_init(&r->record);
        r->is_in_record = true;
        r->is_name_kept = false;
    }
    return 0;
}

static bool read_alias(struct route53_record *r, const char *field, const char *text)
{
    if (strcmp(field, "HostedZoneId") == 0)
        return str_copy(r->alias_zone, sizeof(r->alias_zone), text);
    if (strcmp(field, "DNSName") == 0)
        return route53_name_parse(text, r->alias_name);
    return strcmp(field, "EvaluateTargetHealth") == 0 &&
           parse_bool(text, &r->alias_evaluates_health);
}

static bool read_failover(struct route53_record *r, const char *text)
{
    if (strcmp(text, "PRIMARY") == 0)
        r->failover = ROUTE53_PRIMARY;
    else if (strcmp(text, "SECONDARY") == 0)
        r->failover = ROUTE53_SECONDARY;
    return r->failover != ROUTE53_FAILOVER_NONE;
}

/* A child of a record.  False if it is nothing that could be written back. */
static bool read_field(struct route53_record *r, const char *field, const char *text)
{
    uint64_t number = 0;

    if (strcmp(field, "Type") == 0)
        return str_copy(r->type, sizeof(r->type), text);
    if (strcmp(field, "SetIdentifier") == 0)
        return str_copy(r->set_id, sizeof(r->set_id), text) && text[0] != '\0';
    if (strcmp(field, "HealthCheckId") == 0)
        return str_copy(r->health_check, sizeof(r->health_check), text) && text[0] != '\0';
    if (strcmp(field, "Failover") == 0)
        return read_failover(r, text);
    if (strcmp(field, "Weight") == 0) {
        if (!str_parse_u64(text, WEIGHT_MAX, &number))
            return false;
        r->weight = (int32_t)number;
        return true;
    }
    if (strcmp(field, "TTL") == 0) {
        if (!str_parse_u64(text, TTL_MAX, &number))
            return false;
        r->ttl_s = (uint32_t)number;
        return true;
    }
    return strcmp(field, "ResourceRecords") == 0 || strcmp(field, "AliasTarget") == 0;
}

static bool read_in_record(struct list_reader *r, const struct aws_xml_path *path, const char *text,
                           size_t n)
{
    const char *field = path->names[RECORD_DEPTH];
    const char *last = path->names[path->depth - 1];

    if (path->depth == RECORD_DEPTH + 1 && strcmp(field, "Name") == 0) {
        r->is_name_kept = route53_name_parse(text, r->record.name) && r->record.name[0] != '\0';
        return true;
    }
    if (path->depth == RECORD_DEPTH + 1)
        return read_field(&r->record, field, text);
    if (path->depth == RECORD_DEPTH + 2 && strcmp(field, "AliasTarget") == 0)
        return read_alias(&r->record, last, text);
    if (aws_xml_is(path, RECORD "/ResourceRecords/ResourceRecord"))
        return true;
    if (aws_xml_is(path, RECORD "/ResourceRecords/ResourceRecord/Value"))
        return route53_record_add_value(&r->record, text, n);
    return false;
}

/* Values have a TTL, an alias has neither; a routing policy has an identifier. */
static bool is_whole(const struct route53_record *r)
{
    bool has_values = r->n_values > 0, is_alias = r->alias_zone[0] != '\0';
    bool has_policy = r->weight >= 0 || r->failover != ROUTE53_FAILOVER_NONE;

    return has_values != is_alias && has_values == (r->ttl_s != ROUTE53_TTL_NONE) &&
           (!is_alias || r->alias_name[0] != '\0') && has_policy == (r->set_id[0] != '\0') &&
           !(r->weight >= 0 && r->failover != ROUTE53_FAILOVER_NONE);
}

static int end_record(struct list_reader *r, struct err *err)
{
    r->is_in_record = false;
    if (r->record.type[0] == '\0') {
        route53_record_fini(&r->record);
        return err_set(err, ERR_REMOTE, "a record set in the list of records has no type");
    }
    if (!r->is_name_kept) {
        r->set->n_left_out++;
        route53_record_fini(&r->record);
        return 0;
    }
    if (!is_whole(&r->record))
        r->record.has_more = true;
    return route53_set_add(r->set, &r->record, err);
}

static int list_close(void *arg, const struct aws_xml_path *path, const char *text, size_t n,
                      struct err *err)
{
    struct list_reader *r = arg;
    bool fits = true;

    if (aws_xml_is(path, RECORD))
        return end_record(r, err);
    if (r->is_in_record) {
        if (!read_in_record(r, path, text, n))
            r->record.has_more = true;
        return 0;
    }
    if (aws_xml_is(path, LIST "IsTruncated")) {
        r->has_truncated = true;
        fits = parse_bool(text, &r->page->is_truncated);
    } else if (aws_xml_is(path, LIST "NextRecordName")) {
        fits = str_copy(r->page->next_name, sizeof(r->page->next_name), text);
    } else if (aws_xml_is(path, LIST "NextRecordType")) {
        fits = str_copy(r->page->next_type, sizeof(r->page->next_type), text);
    } else if (aws_xml_is(path, LIST "NextRecordIdentifier")) {
        fits = str_copy(r->page->next_id, sizeof(r->page->next_id), text);
    }
    if (!fits)
        return err_set(err, ERR_REMOTE, "the list of records has an unusable %s",
                       path->names[path->depth - 1]);
    return 0;
}

int route53_read_page(const char *body, size_t n, struct route53_set *set,
                      struct route53_page *page, struct err *err)
{
    static const struct aws_xml_handler handler = { .open = list_open, .close = list_close };
    struct list_reader r = { .set = set, .page = page };
    int status;

    *page = (struct route53_page){ .is_truncated = false };
    route53_record_init(&r.record);
    status = aws_xml_parse(body, n, &handler, &r, err);
    route53_record_fini(&r.record);
    if (status != 0)
        return err_wrap(err, "the list of records");
    if (!r.has_truncated)
        return err_set(err, ERR_REMOTE, "the answer is not a list of records");
    if (page->is_truncated && (page->next_name[0] == '\0' || page->next_type[0] == '\0'))
        return err_set(err, ERR_REMOTE, "the list of records goes on, but not where");
    return 0;
}

/* id without the prefix that the service puts in front of it. */
static bool copy_id(char *out, size_t cap, const char *text, const char *prefix)
{
    if (str_starts(text, prefix))
        text += strlen(prefix);
    return text[0] != '\0' &&
           text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "abcdefghijklmnopqrstuvwxyz")] == '\0' &&
           str_copy(out, cap, text);
}

static bool read_server(struct route53_zone_facts *out, const char *text)
{
    /* More of them than we ask are not needed. */
    if (out->n_servers == ROUTE53_SERVERS_MAX)
        return true;
    return route53_name_parse(text, out->servers[out->n_servers++]);
}

static int zone_close(void *arg, const struct aws_xml_path *path, const char *text, size_t n,
                      struct err *err)
{
    struct route53_zone_facts *out = arg;
    bool fits = true;

    (void)n;
    if (aws_xml_is(path, ZONE "HostedZone/Id"))
        fits = copy_id(out->id, sizeof(out->id), text, "/hostedzone/");
    else if (aws_xml_is(path, ZONE "HostedZone/Name"))
        fits = route53_name_parse(text, out->name);
    else if (aws_xml_is(path, ZONE "HostedZone/Config/PrivateZone"))
        fits = parse_bool(text, &out->is_private);
    else if (aws_xml_is(path, ZONE "HostedZone/Features/AcceleratedRecoveryStatus"))
        fits = str_copy(out->accelerated, sizeof(out->accelerated), text);
    else if (aws_xml_is(path, ZONE "DelegationSet/NameServers/NameServer"))
        fits = read_server(out, text);
    if (!fits)
        return err_set(err, ERR_REMOTE, "the hosted zone has an unusable %s",
                       path->names[path->depth - 1]);
    return 0;
}

int route53_read_zone(const char *body, size_t n, struct route53_zone_facts *out, struct err *err)
{
    static const struct aws_xml_handler handler = { .close = zone_close };

    *out = (struct route53_zone_facts){ .id = "" };
    if (aws_xml_parse(body, n, &handler, out, err) != 0)
        return err_wrap(err, "the hosted zone");
    if (out->id[0] == '\0' || out->name[0] == '\0')
        return err_set(err, ERR_REMOTE, "the answer is not a hosted zone");
    return 0;
}

struct change_reader {
    struct route53_change_info *out;
    bool has_status;
};

static int change_close(void *arg, const struct aws_xml_path *path, const char *text, size_t n,
                        struct err *err)
{
    struct change_reader *r = arg;

    (void)n;
    /* The root is the name of whichever request it answers. */
    if (path->depth != 3 || strcmp(path->names[1], "ChangeInfo") != 0)
        return 0;
    if (strcmp(path->names[2], "Id") == 0 &&
        !copy_id(r->out->id, sizeof(r->out->id), text, "/change/"))
        return err_set(err, ERR_REMOTE, "the change has an unusable id");
    if (strcmp(path->names[2], "Status") == 0) {
        r->out->is_insync = strcmp(text, "INSYNC") == 0;
        r->has_status = r->out->is_insync || strcmp(text, "PENDING") == 0;
    }
    return 0;
}

int route53_read_change(const char *body, size_t n, struct route53_change_info *out,
                        struct err *err)
{
    static const struct aws_xml_handler handler = { .close = change_close };
    struct change_reader r = { .out = out };

    *out = (struct route53_change_info){ .id = "" };
    if (aws_xml_parse(body, n, &handler, &r, err) != 0)
        return err_wrap(err, "the change");
    if (out->id[0] == '\0' || !r.has_status)
        return err_set(err, ERR_REMOTE, "the answer tells no change with its state");
    return 0;
}
