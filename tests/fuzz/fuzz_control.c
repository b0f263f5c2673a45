/* tests/fuzz/fuzz_control.c -- any lines from a client of the control socket to a whole judge, with
 * its engine, policies, ledger and local provider, in the simulated world of tests/sim.
 *
 *   bit 0: a configuration with a promotion; bits 1..3: size of the pieces (1 byte) | lines:
 *     +N           N milliseconds pass
 *     !X...        the world changes, see change_world
 *     else         goes to the control socket */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/ctl/judge_ops.h"
#include "dnsflip/ctl/server.h"
#include "dnsflip/io/loop.h"
#include "tests/fuzz/fds.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/story.h"

#define OUTPUT_BYTES_MAX (16U << 20)
#define PASS_MS_MAX UINT64_C(600000) /* in one line, so that an input takes no minutes */
#define PASSES_MAX 16
#define LINE_BYTES 80
#define NETS 4
#define APPS 3
#define DISKS 3
#define HOOKS 3

struct client {
    struct story story;
    struct ctl_server *server;
    int fd;
    size_t piece; /* bytes sent at once */
    bool is_open;
    unsigned passes;
    struct buf out;
};

static void reload(void *judge, const struct reload_request *request, reload_done *done, void *arg)
{
    static const struct reload_reply reply = { .exit = 1, .text = "no", .rule = "" };

    (void)judge;
    assert(request->actor[0] != '\0');
    for (size_t i = 0; i < request->n_adoptions; i++)
        assert(request->adoptions[i].group[0] != '\0' && request->adoptions[i].cluster[0] != '\0');
    done(arg, &reply);
}

static const struct reload_report *last_reload(const void *judge)
{
    static const struct reload_report report = { .generation = 1, .text = "", .accept = "" };

    (void)judge;
    return &report;
}

static void face(const void *judge, struct judge_face *out)
{
    (void)judge;
    *out = (struct judge_face){ .is_running = true, .is_ready = true, .generation = 1 };
}

static void upgrade(void *judge, const char *actor,
                    void (*done)(void *arg, int exit, const char *text), void *arg)
{
    (void)judge;
    assert(actor[0] != '\0');
    done(arg, 1, "no");
}

static uint32_t upgrades(const void *judge)
{
    (void)judge;
    return 1;
}

static const struct judge_ops judge_ops = { .reload = reload,
                                            .last_reload = last_reload,
                                            .upgrade = upgrade,
                                            .upgrades = upgrades,
                                            .face = face };

static void open_socket(struct client *c)
{
    struct err err;

    assert(ctl_server_new(world.loop, fds_listener(), c->story.engine, &judge_ops, &c->server,
                          &err) == 0);
    c->fd = fds_connect();
    c->is_open = true;
    buf_init(&c->out, OUTPUT_BYTES_MAX);
    fds_settle(world.loop);
}

/* Whatever came: one JSON object a line. */
static void check_output(struct client *c)
{
    const char *line = buf_text(&c->out);

    for (const char *end = strchr(line, '\n'); end != NULL; end = strchr(line, '\n')) {
        cJSON *root = cJSON_ParseWithLength(line, (size_t)(end - line));

        assert(cJSON_IsObject(root));
        assert(strcmp(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "jsonrpc")),
                      "2.0") == 0);
        cJSON_Delete(root);
        line = end + 1;
    }
    assert(!c->is_open || *line == '\0');
    buf_reset(&c->out);
}

static void settle(struct client *c)
{
    fds_settle(world.loop);
    c->is_open = fds_receive(c->fd, &c->out) && c->is_open;
    fds_settle(world.loop);
    check_output(c);
    story_check_always(&c->story);
    if (c->story.error[0] != '\0')
        log_error("fuzz", "%s", c->story.error);
    assert(c->story.error[0] == '\0');
}

static void close_socket(struct client *c)
{
    (void)close(c->fd);
    fds_settle(world.loop);
    buf_fini(&c->out);
}

/* 'n' CLUSTER NET, 'a' CLUSTER APP, 'd' DISK, 'f' FACE, 'u' UPLINK, 'h' FENCE PROMOTE, 'v' PROOF,
 * 't' (a frozen process), 'w' (a clock that steps), 'r' (killed and started anew). */
static void change_world(struct client *c, const char *line)
{
    unsigned a = (unsigned char)line[0] == '\0' ? 0 : (unsigned char)line[1] & 7;
    unsigned b = a == 0 || line[1] == '\0' ? 0 : (unsigned char)line[2] & 7;

    switch (line[0]) {
    case 'n':
        world.clusters[a & 1].net = (enum world_net)(b % NETS);
        break;
    case 'a':
        world.clusters[a & 1].app = (enum world_app)(b % APPS);
        break;
    case 'd':
        world.disk = (enum world_disk)(a % DISKS);
        break;
    case 'f':
        story_set_face(&c->story, (a & 1) != 0);
        break;
    case 'u':
        world.is_uplink_down = (a & 1) != 0;
        break;
    case 'h':
        world.fence = (enum world_hook)(a % HOOKS);
        world.promote = (enum world_hook)(b % HOOKS);
        break;
    case 'v':
        world.is_proof_broken = (a & 1) != 0;
        break;
    case 't':
        world_loop_freeze(world.loop, INT64_C(1000) * a);
        break;
    case 'w':
        world_loop_step_wall(world.loop, INT64_C(1000) * a - 3500);
        break;
    case 'r':
        close_socket(c);
        ctl_server_free(c->server);
        story_restart(&c->story, 1000);
        open_socket(c);
        break;
    default:
        break;
    }
}

static void take_line(struct client *c, const uint8_t *line, size_t n)
{
    char text[LINE_BYTES] = "";
    uint64_t ms;

    memcpy(text, line, n < LINE_BYTES - 1 ? n : LINE_BYTES - 1);
    if (text[0] == '+' && str_parse_u64(text + 1, PASS_MS_MAX, &ms) && c->passes < PASSES_MAX) {
        c->passes++;
        world_loop_until(world.loop, mono_add(loop_now(world.loop).mono, (int64_t)ms));
    } else if (text[0] == '!') {
        change_world(c, text + 1);
    } else {
        for (size_t at = 0; at < n && c->is_open; at += c->piece) {
            size_t left = n - at;

            c->is_open = fds_send(c->fd, line + at, left < c->piece ? left : c->piece);
            if (at + c->piece < n)
                fds_settle(world.loop);
        }
        c->is_open = c->is_open && fds_send(c->fd, (const uint8_t *)"\n", 1);
    }
    settle(c);
}

/* A killed judge of a story frees nothing; its memory is not a leak of ours. */
const char *sanitizer_options(void) __asm__("__asan_default_options");
const char *sanitizer_options(void)
{
    return "detect_leaks=0";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { .at = data, .n = size };
    uint8_t choice = fuzz_byte(&in);
    struct client c = { .story = { .path = "tests/sim/fuzz" },
                        .piece = (size_t)1 << (2 * (choice >> 1 & 7)) };

    log_init("fuzz", LOG_LEVEL_ERROR + 1);
    (void)fds_listener();
    assert(story_begin(&c.story, (choice & 1) != 0 ? "small_promote.yaml" : "small.yaml"));
    open_socket(&c);
    while (in.n > 0) {
        const uint8_t *end = memchr(in.at, '\n', in.n);
        size_t n = end != NULL ? (size_t)(end - in.at) : in.n;

        take_line(&c, in.at, n);
        (void)fuzz_take(&in, n + 1);
    }
    close_socket(&c);
    /* What goes on does so without its client. */
    world.disk = DISK_OK;
    world_loop_until(world.loop, mono_add(loop_now(world.loop).mono, 60000));
    story_check_always(&c.story);
    assert(c.story.error[0] == '\0');
    ctl_server_free(c.server);
    story_end(&c.story);
    return 0;
}
