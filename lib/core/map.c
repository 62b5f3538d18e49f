#include "core/map.h"

#include "core/in.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int ser_map_open(struct ser_map *m, const char *path, struct ser_error *e) {
    struct stat st;
    *m = (struct ser_map){0};
    int fd = ser_open(path, O_RDONLY | O_NONBLOCK); /* a FIFO is no reason to wait */
    if (fd < 0)
        return ser_fail(e, SER_SYS, "%s: cannot open: %s", path, strerror(errno));
    int bad = 0;
    if (fstat(fd, &st))
        bad = ser_fail(e, SER_SYS, "%s: cannot be looked at: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        bad = ser_fail(e, SER_BAD, "%s: is not a regular file", path);
    else if (st.st_size) {
        void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED)
            bad = ser_fail(e, SER_SYS, "%s: cannot be mapped: %s", path, strerror(errno));
        else
            *m = (struct ser_map){at, (size_t)st.st_size};
    }
    close(fd);
    return bad;
}

void ser_map_forget(const struct ser_map *m) {
    if (m->at)
        (void)madvise((void *)(uintptr_t)m->at, m->len, MADV_DONTNEED);
}

void ser_map_close(struct ser_map *m) {
    if (m->at)
        munmap((void *)(uintptr_t)m->at, m->len);
    *m = (struct ser_map){0};
}
