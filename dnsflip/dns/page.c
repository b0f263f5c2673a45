#include "dnsflip/dns/page.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/model/limits.h"

#define PAGE_SEALS (F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static size_t page_bytes(uint32_t n)
{
    return sizeof(struct page) + n * sizeof(uint64_t);
}

int page_new(uint32_t n, uint64_t generation, struct page **out, struct err *err)
{
    int fd;
    struct page *p;

    if (n > GROUPS_MAX)
        return err_set(err, ERR_LIMIT, "a page of %u groups: at most %d", n, GROUPS_MAX);
    fd = fsio_memfd("dnsflip-page", page_bytes(n), err);
    if (fd < 0)
        return -1;
    p = mmap(NULL, page_bytes(n), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        err_sys(err, errno, "cannot map the page");
        goto err_close;
    }
    p->magic = PAGE_MAGIC;
    p->format = PAGE_FORMAT;
    p->groups = n;
    p->generation = generation;
    if (fcntl(fd, F_ADD_SEALS, PAGE_SEALS) < 0) {
        err_sys(err, errno, "cannot seal the page");
        goto err_unmap;
    }
    *out = p;
    return fd;

err_unmap:
    munmap(p, page_bytes(n));
err_close:
    close(fd);
    return -1;
}

/* That what was mapped (size bytes) is a page. */
static int check_page(const struct page *p, size_t size, struct err *err)
{
    if (p->magic != PAGE_MAGIC)
        return err_set(err, ERR_REMOTE, "this is not a page: wrong magic");
    if (p->format != PAGE_FORMAT)
        return err_set(err, ERR_REMOTE, "page of format %u, this program knows %d", p->format,
                       PAGE_FORMAT);
    if (p->groups > GROUPS_MAX || page_bytes(p->groups) != size)
        return err_set(err, ERR_REMOTE, "a page of %u groups is not %zu bytes long", p->groups,
                       size);
    return 0;
}

int page_map(int fd, const struct page **out, struct err *err)
{
    struct stat st;
    struct page *p;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot look at the page");
    if ((seals & PAGE_SEALS) != PAGE_SEALS)
        return err_set(err, ERR_REMOTE, "the page is not sealed: 0x%x, not 0x%x", (unsigned)seals,
                       (unsigned)PAGE_SEALS);
    if (st.st_size < (off_t)sizeof(*p) || st.st_size > (off_t)page_bytes(GROUPS_MAX))
        return err_set(err, ERR_REMOTE, "no page is %lld bytes long", (long long)st.st_size);
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return err_sys(err, errno, "cannot map the page");
    if (check_page(p, (size_t)st.st_size, err) < 0) {
        munmap(p, (size_t)st.st_size);
        return -1;
    }
    *out = p;
    return 0;
}

void page_unmap(const struct page *p)
{
    /* munmap takes a pointer to non-const, and changes nothing of what it points to. */
    union {
        const struct page *in;
        void *out;
    } u = { .in = p };

    if (p != NULL)
        munmap(u.out, page_bytes(p->groups));
}
