/* Loaded before libc by a gateway under test: makes the disk of its store misbehave while the file
 * named by CARA_DISK says so: full, read-only, broken (a sync fails), low (nearly no room left).
 * Files that are not the store's are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

static char state(void) {
    char word = 0;
    const char *file = getenv("CARA_DISK");
    int fd = file ? open(file, O_RDONLY) : -1;
    if (fd >= 0) {
        if (read(fd, &word, 1) != 1) word = 0;
        close(fd);
    }
    return word;
}

static int of_store(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, "gateway.db") != NULL;
}

/* 0: let it through. */
static int fault(int fd) {
    int before = errno, error = 0;
    if (of_store(fd)) {
        char now = state();
        error = now == 'f' ? ENOSPC : now == 'r' ? EROFS : 0;
    }
    errno = before;
    return error;
}

static int sync_fault(int fd) {
    int before = errno, error = of_store(fd) && state() == 'b' ? EIO : 0;
    errno = before;
    return error;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define REFUSE(error) if (error) { errno = error; return -1; }

ssize_t write(int fd, const void *from, size_t count) {
    int error = fault(fd);
    REFUSE(error)
    return REAL(write)(fd, from, count);
}

ssize_t pwrite(int fd, const void *from, size_t count, off_t at) {
    int error = fault(fd);
    REFUSE(error)
    return REAL(pwrite)(fd, from, count, at);
}

ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) {
    int error = fault(fd);
    REFUSE(error)
    return REAL(pwrite64)(fd, from, count, at);
}

int ftruncate(int fd, off_t length) {
    int error = fault(fd);
    REFUSE(error)
    return REAL(ftruncate)(fd, length);
}

int ftruncate64(int fd, off64_t length) {
    int error = fault(fd);
    REFUSE(error)
    return REAL(ftruncate64)(fd, length);
}

int fsync(int fd) {
    int error = sync_fault(fd);
    REFUSE(error)
    return REAL(fsync)(fd);
}

int fdatasync(int fd) {
    int error = sync_fault(fd);
    REFUSE(error)
    return REAL(fdatasync)(fd);
}

int statvfs(const char *path, struct statvfs *disk) {
    int answer = REAL(statvfs)(path, disk);
    if (answer == 0 && state() == 'l') disk->f_bavail = disk->f_bfree = 1;
    return answer;
}

int statvfs64(const char *path, struct statvfs64 *disk) {
    int answer = REAL(statvfs64)(path, disk);
    if (answer == 0 && state() == 'l') disk->f_bavail = disk->f_bfree = 1;
    return answer;
}
