/* tests/bench/echo.c -- the floor that an answer is measured against: receives UDP messages in
 * batches as the face does and sends them back.  usage: echo PORT (on 127.0.0.1) */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 32 /* as dnsflip/dns/server_udp.c */
#define MESSAGE_BYTES 1344
#define BUFFER_BYTES (1 << 20)

static struct mmsghdr messages[BATCH];
static struct iovec vectors[BATCH];
static struct sockaddr_in peers[BATCH];
static uint8_t bytes[BATCH][MESSAGE_BYTES];

static int open_socket(uint16_t port)
{
    struct sockaddr_in sa = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int buffer_bytes = BUFFER_BYTES;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes));
    return fd;
}

static void echo_batch(int fd)
{
    for (int i = 0; i < BATCH; i++) {
        vectors[i].iov_len = MESSAGE_BYTES;
        messages[i].msg_hdr.msg_namelen = sizeof(peers[i]);
    }
    int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
    for (int i = 0; i < n; i++)
        vectors[i].iov_len = messages[i].msg_len;
    for (int sent = 0; sent < n;) {
        int done = sendmmsg(fd, messages + sent, (unsigned)(n - sent), MSG_DONTWAIT);
        sent += done > 0 ? done : 1;
    }
}

int main(int argc, char **argv)
{
    char *end = NULL;
    unsigned long port = argc == 2 ? strtoul(argv[1], &end, 10) : 0;

    if (port == 0 || port > UINT16_MAX || *end != '\0') {
        (void)fprintf(stderr, "usage: echo PORT\n");
        return 64;
    }
    int fd = open_socket((uint16_t)port);
    if (fd < 0) {
        perror("echo");
        return 1;
    }
    for (int i = 0; i < BATCH; i++) {
        vectors[i].iov_base = bytes[i];
        messages[i].msg_hdr =
            (struct msghdr){ .msg_name = &peers[i], .msg_iov = &vectors[i], .msg_iovlen = 1 };
    }
    for (;;)
        echo_batch(fd);
}
