#include "dnsflip/render/restamp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/dns/view_format.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static int check(const void *bytes, size_t len, struct err *err)
{
    struct view_header h;

    if (len < sizeof(h) || len > VIEW_BYTES_MAX || len % sizeof(uint64_t) != 0)
        return err_set(err, ERR_REMOTE, "no view is %zu bytes long", len);
    memcpy(&h, bytes, sizeof(h));
    if (h.magic != VIEW_MAGIC)
        return err_set(err, ERR_REMOTE, "this is not a view: wrong magic");
    if (h.format != VIEW_FORMAT)
        return err_set(err, ERR_REMOTE, "view of format %u, this program knows %d", h.format,
                       VIEW_FORMAT);
    return 0;
}

/* Writable mappings must be gone before a file can be sealed. */
static int fill(int fd, const void *bytes, size_t len, uint64_t generation, uint32_t serial,
                struct err *err)
{
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct view_header *h = p;

    if (p == MAP_FAILED)
        return err_sys(err, errno, "cannot map the view");
    memcpy(p, bytes, len);
    h->generation = generation;
    h->serial = serial;
    h->checksum = view_checksum(p, len);
    munmap(p, len);
    return 0;
}

int restamp_view(const void *bytes, size_t len, uint64_t generation, uint32_t serial,
                 struct err *err)
{
    int fd;

    if (check(bytes, len, err) < 0)
        return -1;
    fd = fsio_memfd("dnsflip-view", len, err);
    if (fd < 0)
        return -1;
    if (fill(fd, bytes, len, generation, serial, err) < 0)
        goto err_close;
    if (fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
        err_sys(err, errno, "cannot seal the view");
        goto err_close;
    }
    return fd;

err_close:
    close(fd);
    return -1;
}
