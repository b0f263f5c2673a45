/* dnsflip/judge_http.c -- the HTTP listener: /healthz, /readyz and /metrics, and the face's
 * numbers. */
#include <string.h>

#include "dnsflip/base/secret.h"
#include "dnsflip/ctl/metrics.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/io/http_server.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/judge_state.h"

void judge_http_face(const void *judge, struct judge_face *out)
{
    const struct judge *j = judge;
    const struct counters *c = j->counters;

    memset(out, 0, sizeof(*out));
    if (c == NULL)
        return;
    out->is_running = true;
    out->generation = atomic_load(&c->generation);
    out->is_ready = out->generation == j->site.pair.generation;
    out->started.ms = (int64_t)atomic_load(&c->started_wall_ms);
    out->heartbeat_age_ms = loop_now(j->loop).mono.ms - atomic_load(&c->heartbeat_ms);
    for (unsigned i = 0; i < COUNTERS && i < JUDGE_COUNTS_MAX; i++)
        out->counts[out->n_counts++] =
            (struct judge_count){ .name = counter_name((enum counter)i),
                                  .value = counters_sum(c, (enum counter)i) };
}

/* The judge is alive when it answers at all; it is ready when the face serves its pair and every
 * group has been looked at often enough to be judged. */
static bool is_ready(const struct judge *j)
{
    struct judge_face face;
    struct group_status g;

    judge_http_face(j, &face);
    if (!face.is_ready)
        return false;
    for (uint32_t i = 0; i < j->site.settings->n_groups; i++) {
        engine_group_status(j->engine, i, &g);
        if (g.holds[GUARD_STARTUP_HOLD])
            return false;
    }
    return true;
}

static void on_request(void *arg, const char *path, struct http_server_reply *reply)
{
    struct judge *j = arg;

    reply->content_type = "text/plain; charset=utf-8";
    if (strcmp(path, "/healthz") == 0) {
        reply->status = 200;
        buf_puts(&reply->body, "ok\n");
    } else if (strcmp(path, "/readyz") == 0) {
        bool ready = is_ready(j);

        reply->status = ready ? 200 : 503;
        buf_puts(&reply->body, ready ? "ready\n" : "not ready\n");
    } else if (strcmp(path, "/metrics") == 0) {
        reply->status = 200;
        reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
        metrics_write(j->engine, &j->ops, &reply->body);
    } else {
        reply->status = 404;
        buf_puts(&reply->body, "there are /healthz, /readyz and /metrics\n");
    }
}

int judge_http_start(struct judge *j, struct err *err)
{
    const char *token = j->site.settings->node.http_token_file;

    if (j->http_fd < 0)
        return 0;
    if (token[0] != '\0' && secret_read(token, &j->http_token, err) < 0)
        return err_wrap(err, "node.http_token_file");
    return http_server_new(j->loop, j->http_fd, j->http_token, on_request, j, &j->http, err);
}
