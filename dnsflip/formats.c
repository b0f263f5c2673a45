#include "dnsflip/formats.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/ctl/proto.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/dns/secrets.h"
#include "dnsflip/dns/view_format.h"
#include "dnsflip/kept_view.h"
#include "dnsflip/link.h"
#include "dnsflip/model/journal_entry.h"
#include "dnsflip/supervisor_formats.h"
#include "dnsflip/supervisor_hand_over.h"

/* A plan is kept in the journal and has its number. */
const struct format formats_all[] = {
    { "hand-over", SUPERVISOR_HAND_OVER_FORMAT },
    { "link", LINK_VERSION },
    { "journal", JOURNAL_VERSION },
    { "view", VIEW_FORMAT },
    { "kept-view", KEPT_VIEW_FORMAT },
    { "page", PAGE_FORMAT },
    { "secrets", SECRETS_FORMAT },
    { "counters", COUNTERS_FORMAT },
    { "protocol", PROTO_VERSION },
};
const size_t formats_n = sizeof(formats_all) / sizeof(formats_all[0]);

const char *formats_line(void)
{
    static char line[SUPERVISOR_FORMATS_LINE_BYTES];
    char item[SUPERVISOR_FORMATS_NAME_BYTES + 16];
    size_t n = 0;

    (void)str_copy(line, sizeof(line), "dnsflip " DNSFLIP_VERSION);
    for (size_t i = 0; i < formats_n; i++) {
        (void)str_format(item, sizeof(item), " %s=%u", formats_all[i].name, formats_all[i].number);
        n = strlen(line);
        (void)str_copy(line + n, sizeof(line) - n, item);
    }
    return line;
}
