/* dnsflip/providers/arc_message.h -- what is said to the cluster endpoints of Application Recovery
 * Controller (ToggleCustomerAPI, JSON 1.0), and what their answers say; PURE. */
#ifndef DNSFLIP_PROVIDERS_ARC_MESSAGE_H
#define DNSFLIP_PROVIDERS_ARC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"
#include "dnsflip/model/settings.h"

#define ARC_SERVICE "route53-recovery-cluster"
#define ARC_CONTENT_TYPE "application/x-amz-json-1.0"
#define ARC_TARGET_GET "ToggleCustomerAPI.GetRoutingControlState"
#define ARC_TARGET_UPDATE "ToggleCustomerAPI.UpdateRoutingControlStates"
#define ARC_BODY_BYTES_MAX 16384 /* CLUSTERS_MAX controls and as many rules, with room */
#define ARC_ANSWER_BYTES_MAX 16384

/* Appends the body that asks for the state of one control. */
void arc_message_get(const char *arn, struct buf *out);

/* Appends the body that turns controls[on] On and all others Off, in one transaction. */
void arc_message_update(const struct arc_cfg *cfg, unsigned on, struct buf *out);

/* The answer to arc_message_get(arn): is it On?  ERR_REMOTE if it is anything but the state of that
 * control. */
__attribute__((warn_unused_result)) int
arc_message_state(const char *body, size_t n, const char *arn, bool *is_on, struct err *err);

/* An endpoint's URL taken apart: scheme and authority (out, cap bytes), and the path that
 * requests go to, which ends in '/'.  NULL, or what is wrong with the URL. */
const char *arc_message_url(const char *url, char *out, size_t cap, char *path, size_t path_cap);

#endif
