#include "dnsflip/lab/pages.h"

#include <string.h>

#include "dnsflip/base/str.h"

#define JSON "application/json"
#define WRITABLE "/writable"
#define AIRFLOW_VERSION "3.1.0"

typedef void page_fn(const struct pages_state *state, struct wall now, struct pages_reply *out);

static void version(const struct pages_state *state, struct wall now, struct pages_reply *out)
{
    (void)state;
    (void)now;
    str_copy(out->body, sizeof(out->body),
             "{\"version\":\"" AIRFLOW_VERSION "\",\"git_version\":null}");
}

static const char *word(bool is_healthy)
{
    return is_healthy ? "\"healthy\"" : "\"unhealthy\"";
}

/* 200 whatever is wrong, as Airflow does. */
static void health(const struct pages_state *state, struct wall now, struct pages_reply *out)
{
    bool is_scheduling = state->has_scheduler && !state->is_unhealthy;
    char text[WALL_TEXT_BYTES];
    char heartbeat[WALL_TEXT_BYTES + 8] = "null";

    /* Airflow writes the zone as +00:00, never as Z. */
    if (state->has_scheduler)
        str_format(heartbeat, sizeof(heartbeat), "\"%.23s+00:00\"", wall_format(now, text));
    str_format(out->body, sizeof(out->body),
               "{\"metadatabase\":{\"status\":%s},"
               "\"scheduler\":{\"status\":%s,\"latest_scheduler_heartbeat\":%s},"
               "\"triggerer\":{\"status\":null,\"latest_triggerer_heartbeat\":null},"
               "\"dag_processor\":{\"status\":%s,\"latest_dag_processor_heartbeat\":%s}}",
               word(!state->is_unhealthy), word(is_scheduling), heartbeat, word(is_scheduling),
               heartbeat);
}

static void execution(const struct pages_state *state, struct wall now, struct pages_reply *out)
{
    (void)now;
    str_format(out->body, sizeof(out->body), "{\"status\":%s}", word(!state->is_unhealthy));
}

static void ping(const struct pages_state *state, struct wall now, struct pages_reply *out)
{
    (void)now;
    if (!state->is_unhealthy) {
        str_copy(out->body, sizeof(out->body), "{\"ok\":[\"database\"],\"failing\":{}}");
        return;
    }
    out->status = 500;
    str_copy(out->body, sizeof(out->body),
             "{\"ok\":[],\"failing\":{\"database\":\"OperationalError()\"}}");
}

static const struct {
    const char *path;
    page_fn *fill;
} pages[] = {
    { "/api/v2/version", version },
    { "/api/v2/monitor/health", health },
    { "/execution/health", execution },
    { "/execution/health/ping", ping },
};

/* The proof of a promotion, /CLUSTER/writable: only the primary takes writes. */
static bool answer_writable(const struct pages_state *state, const char *path, size_t len,
                            struct pages_reply *out)
{
    size_t n = strlen(state->primary);
    bool is_asked = n > 0 && len > strlen(WRITABLE) &&
                    memcmp(path + len - strlen(WRITABLE), WRITABLE, strlen(WRITABLE)) == 0;

    if (is_asked)
        str_format(out->body, sizeof(out->body), "{\"writable\":%s}",
                   len == 1 + n + strlen(WRITABLE) && memcmp(path + 1, state->primary, n) == 0
                       ? "true"
                       : "false");
    return is_asked;
}

/* As Airflow: an unknown path of the API is 404 JSON, any other is the page of the UI, 200. */
static void unknown(const char *path, struct pages_reply *out)
{
    if (str_starts(path, "/api/") || strcmp(path, "/health") == 0) {
        out->status = 404;
        str_copy(out->body, sizeof(out->body), "{\"error\":\"API route not found\"}");
        return;
    }
    out->content_type = "text/html; charset=utf-8";
    str_copy(out->body, sizeof(out->body),
             "<!doctype html><html><head><title>Airflow</title></head>"
             "<body><div id=\"root\"></div></body></html>\n");
}

void pages_answer(const struct pages_state *state, const char *path, struct wall now,
                  struct pages_reply *out)
{
    size_t len = strcspn(path, "?#");

    *out = (struct pages_reply){ .status = 200, .content_type = JSON };
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (strlen(pages[i].path) == len && memcmp(pages[i].path, path, len) == 0) {
            pages[i].fill(state, now, out);
            return;
        }
    }
    if (!answer_writable(state, path, len, out))
        unknown(path, out);
}

const char *pages_status_text(int status)
{
    return status == 200 ? "OK" : status == 404 ? "Not Found" : "Internal Server Error";
}
