/* tests/bench/watch.c -- sees a flip from outside: asks a DNS server on loopback for the A records
 * of names n0.ZONE ... nN.ZONE in turn, some in flight, until every name has answered with the new
 * address, and tells when the old one was last seen.
 * usage: watch PORT ZONE NAMES OLD NEW       (addresses in text)
 * Prints "watching" once OLD is the answer, then one line of key=value; times are microseconds of
 * the wall clock, at which an answer was read: first_new and last_old bound the flip, last_name is
 * when the last of all names had been asked again and had the new address.
 * Exit code 1 if any other answer came, an old one after a new one of a question asked later, or
 * nothing for 5 s. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define WINDOW 16 /* questions in flight */
#define SILENT_MS 5000
#define QUERY_BYTES 300
#define HEADER_BYTES 12
#define ADDRESS_BYTES 4

static struct {
    const char *zone;
    unsigned long names, asked, answered, news, others;
    int64_t first_new_us, last_old_us;
    uint8_t old_address[ADDRESS_BYTES], new_address[ADDRESS_BYTES];
} watch;

static int64_t wall_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static size_t put_labels(uint8_t *out, const char *name)
{
    size_t at = 0;

    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        out[at++] = (uint8_t)label;
        memcpy(out + at, name, label);
        at += label;
        name += label + (name[label] == '.');
    }
    out[at++] = 0;
    return at;
}

static bool ask(int fd)
{
    uint8_t query[QUERY_BYTES] = { 0 };
    char name[QUERY_BYTES / 2];
    size_t at = HEADER_BYTES;

    (void)snprintf(name, sizeof(name), "n%lu.%s", watch.asked % watch.names, watch.zone);
    query[0] = (uint8_t)(watch.asked >> 8);
    query[1] = (uint8_t)watch.asked;
    query[5] = 1;
    at += put_labels(query + at, name);
    query[at + 1] = 1;
    query[at + 3] = 1;
    watch.asked++;
    return send(fd, query, at + 4, 0) > 0;
}

/* The address lies at the end of an answer of one A record. */
static void note(const uint8_t *answer, size_t len)
{
    int64_t now = wall_us();

    watch.answered++;
    watch.others++;
    if (len < HEADER_BYTES + ADDRESS_BYTES || (answer[3] & 0x0f) != 0 || answer[7] != 1)
        return;
    if (memcmp(answer + len - ADDRESS_BYTES, watch.new_address, ADDRESS_BYTES) == 0) {
        watch.first_new_us = watch.first_new_us == 0 ? now : watch.first_new_us;
        watch.news++;
        watch.others--;
    } else if (memcmp(answer + len - ADDRESS_BYTES, watch.old_address, ADDRESS_BYTES) == 0) {
        watch.last_old_us = now;
        watch.news = 0; /* all names have to be seen anew */
        watch.others--;
    }
}

static bool hear(int fd)
{
    uint8_t answer[QUERY_BYTES * 2];
    struct pollfd polled = { .fd = fd, .events = POLLIN };

    if (poll(&polled, 1, SILENT_MS) <= 0)
        return false;
    ssize_t n = recv(fd, answer, sizeof(answer), 0);
    if (n > 0)
        note(answer, (size_t)n);
    if (watch.answered == 1) {
        (void)printf("watching\n");
        (void)fflush(stdout);
    }
    return n > 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    if (argc != 6 || inet_pton(AF_INET, argv[4], watch.old_address) != 1 ||
        inet_pton(AF_INET, argv[5], watch.new_address) != 1 ||
        strlen(argv[2]) > QUERY_BYTES / 2 - 32) {
        (void)fprintf(stderr, "usage: watch PORT ZONE NAMES OLD NEW\n");
        return 64;
    }
    watch.zone = argv[2];
    watch.names = strtoul(argv[3], NULL, 10);
    sa.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 || watch.names == 0) {
        perror("watch");
        return 1;
    }
    bool is_heard = true;
    while (is_heard && watch.news < watch.names + WINDOW) {
        while (watch.asked - watch.answered < WINDOW && ask(fd))
            continue;
        is_heard = hear(fd);
    }
    (void)printf("asked=%lu first_new=%lld last_old=%lld last_name=%lld others=%lu\n", watch.asked,
                 (long long)watch.first_new_us, (long long)watch.last_old_us, (long long)wall_us(),
                 watch.others);
    return !is_heard || watch.others > 0;
}
