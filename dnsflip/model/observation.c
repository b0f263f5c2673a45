#include "dnsflip/model/observation.h"

#include <assert.h>
#include <stddef.h>

static const struct reason_code_info infos[REASON_CODES] = {
    [REASON_OK] = { OUTCOME_PASS, false, "ok", "as expected" },
    [REASON_CONNECT_REFUSED] = { OUTCOME_FAIL, false, "connect-refused", "TCP connection refused" },
    [REASON_CONNECT_TIMEOUT] = { OUTCOME_FAIL, false, "connect-timeout", "TCP connect timed out" },
    [REASON_CONNECT_FAILED] = { OUTCOME_FAIL, false, "connect-failed", "TCP connect failed" },
    [REASON_TLS_FAILED] = { OUTCOME_FAIL, false, "tls-failed", "TLS handshake failed" },
    [REASON_CERT_EXPIRED] = { OUTCOME_FAIL, false, "certificate-expired",
                              "certificate has expired" },
    [REASON_CERT_NAME] = { OUTCOME_FAIL, false, "certificate-name",
                           "certificate is not for this hostname" },
    [REASON_CERT_UNTRUSTED] = { OUTCOME_FAIL, false, "certificate-untrusted",
                                "certificate is not signed by a trusted authority" },
    [REASON_TIMEOUT] = { OUTCOME_FAIL, false, "timeout",
                         "connected, but no complete answer in time" },
    [REASON_CLOSED] = { OUTCOME_FAIL, false, "closed",
                        "connection closed before a complete answer" },
    [REASON_PROTOCOL] = { OUTCOME_FAIL, false, "protocol", "the answer is not valid HTTP" },
    [REASON_HTTP_STATUS] = { OUTCOME_FAIL, false, "http-status", "unexpected HTTP status" },
    [REASON_HTTP_SERVER_ERROR] = { OUTCOME_FAIL, false, "http-server-error", "HTTP status 5xx" },
    [REASON_NOT_JSON] = { OUTCOME_FAIL, false, "not-json", "the answer is not JSON" },
    [REASON_JSON_RULE] = { OUTCOME_FAIL, false, "json-rule",
                           "a JSON value is not the expected one" },
    [REASON_CONTENT] = { OUTCOME_FAIL, false, "content", "the body lacks the expected text" },
    [REASON_NOT_AIRFLOW_HERE] = { OUTCOME_FAIL, false, "not-airflow-here",
                                  "no Airflow at this path" },
    [REASON_AIRFLOW_DATABASE] = { OUTCOME_FAIL, false, "airflow-database",
                                  "Airflow says its metadata database is unhealthy" },
    [REASON_AIRFLOW_SCHEDULER] = { OUTCOME_FAIL, true, "airflow-scheduler",
                                   "Airflow says its scheduler is unhealthy" },
    [REASON_AIRFLOW_HEARTBEAT] = { OUTCOME_FAIL, true, "airflow-heartbeat",
                                   "the scheduler's last heartbeat is too old" },
    [REASON_AIRFLOW_COMPONENT] = { OUTCOME_FAIL, false, "airflow-component",
                                   "a required Airflow component is not healthy" },
    [REASON_EXECUTION_API] = { OUTCOME_FAIL, false, "execution-api",
                               "the Execution API says it is not healthy" },
    [REASON_REDIRECT] = { OUTCOME_INCONCLUSIVE, false, "redirect",
                          "redirected: a proxy or a login page stands in front" },
    [REASON_UNAUTHORIZED] = { OUTCOME_INCONCLUSIVE, false, "unauthorized",
                              "access denied before the check could be made" },
    [REASON_RATE_LIMITED] = { OUTCOME_INCONCLUSIVE, false, "rate-limited", "too many requests" },
    [REASON_BODY_TOO_LARGE] = { OUTCOME_INCONCLUSIVE, false, "body-too-large",
                                "the body is larger than allowed" },
    [REASON_BAD_JSON] = { OUTCOME_INCONCLUSIVE, false, "bad-json",
                          "announced as JSON, but not the document asked for" },
    [REASON_CLOCK_SKEW] = { OUTCOME_INCONCLUSIVE, false, "clock-skew",
                            "the scheduler's heartbeat is from the future" },
    [REASON_PATH_MISSING] = { OUTCOME_INCONCLUSIVE, false, "path-missing",
                              "this version lacks the path" },
    [REASON_RESOLVER] = { OUTCOME_INCONCLUSIVE, false, "resolver",
                          "our resolver did not resolve the target" },
    [REASON_NO_ROUTE] = { OUTCOME_INCONCLUSIVE, false, "no-route", "no way out of this machine" },
    [REASON_NO_DESCRIPTOR] = { OUTCOME_INCONCLUSIVE, false, "no-descriptor",
                               "this machine lacks descriptors or memory" },
    [REASON_LOCAL_TLS] = { OUTCOME_INCONCLUSIVE, false, "local-tls",
                           "our own TLS setup is unusable" },
    [REASON_LOCAL_CLOCK] = { OUTCOME_INCONCLUSIVE, false, "local-clock",
                             "certificate not valid yet: one of the clocks is wrong" },
    [REASON_LOCAL] = { OUTCOME_INCONCLUSIVE, false, "local", "a failure on our side" },
    [REASON_FROZEN] = { OUTCOME_INCONCLUSIVE, false, "frozen",
                        "this process was not running during the check" },
};

const struct reason_code_info *reason_code_info(enum reason_code code)
{
    assert(code < REASON_CODES);
    return &infos[code];
}

const char *outcome_name(enum outcome v)
{
    switch (v) {
    case OUTCOME_PASS:
        return "pass";
    case OUTCOME_FAIL:
        return "fail";
    case OUTCOME_INCONCLUSIVE:
        return "inconclusive";
    }
    return NULL;
}

const char *profile_name(enum profile p)
{
    switch (p) {
    case PROFILE_ACTIVE:
        return "active";
    case PROFILE_STANDBY:
        return "standby";
    }
    return NULL;
}
