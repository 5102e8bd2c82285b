/* Preloaded into a process: writes down, in order, everything that it does to the files below
 * RECORD_FOLDER, so that a test can cut it short anywhere. What is mapped is not seen: SQLite maps
 * its -shm only, which it makes anew.
 *
 * One record: kind (1 byte), length of the path (4), of the data (4), offset (8), path, data.
 * W write, T cut to the offset's length, C create, S the file or folder is on the disk,
 * R rename (data: the new path), U unlink. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int record_fd = -1;
static const char *folder;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

__attribute__((constructor)) static void begin(void) {
    folder = getenv("RECORD_FOLDER");
    const char *log = getenv("RECORD_LOG");
    if (folder && log) record_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_watched(const char *path) {
    size_t length = strlen(path), own = folder ? strlen(folder) : 0;
    if (record_fd < 0 || own == 0 || strncmp(path, folder, own) != 0) return 0;
    return length < 4 || strcmp(path + length - 4, "-shm") != 0;
}

static int path_of(int fd, char *path) {
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, 4095);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_watched(path);
}

static void put(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        long done = syscall(SYS_write, record_fd, at, length);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) abort();
        at += done;
        length -= done;
    }
}

static void note(char kind, const char *path, uint64_t offset, const void *data, uint32_t length) {
    uint32_t path_length = strlen(path);
    char head[17];
    head[0] = kind;
    memcpy(head + 1, &path_length, 4);
    memcpy(head + 5, &length, 4);
    memcpy(head + 9, &offset, 8);
    put(head, sizeof head);
    put(path, path_length);
    if (length) put(data, length);
}

static int opened(int at, const char *name, int flags, mode_t mode) {
    pthread_mutex_lock(&order);
    struct stat before;
    int was = fstatat(at, name, &before, 0) == 0;
    int fd = syscall(SYS_openat, at, name, flags, mode);
    int error = errno;
    char path[4096];
    if (fd >= 0 && path_of(fd, path)) {
        if (!was && (flags & O_CREAT)) note('C', path, 0, NULL, 0);
        if (was && (flags & O_TRUNC)) note('T', path, 0, NULL, 0);
    }
    pthread_mutex_unlock(&order);
    errno = error;
    return fd;
}

#define MODE mode_t mode = 0; if (flags & O_CREAT) { va_list rest; va_start(rest, flags); mode = va_arg(rest, int); va_end(rest); }
int open(const char *name, int flags, ...) { MODE return opened(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE return opened(AT_FDCWD, name, flags, mode); }
int openat(int at, const char *name, int flags, ...) { MODE return opened(at, name, flags, mode); }
int openat64(int at, const char *name, int flags, ...) { MODE return opened(at, name, flags, mode); }

static ssize_t written(int fd, const void *data, size_t length, off64_t offset) {
    char path[4096];
    if (record_fd < 0 || !path_of(fd, path)) {
        return offset < 0 ? syscall(SYS_write, fd, data, length) : syscall(SYS_pwrite64, fd, data, length, offset);
    }
    pthread_mutex_lock(&order);
    off64_t at = offset;
    if (at < 0) {
        struct stat now;
        at = (fcntl(fd, F_GETFL) & O_APPEND) && fstat(fd, &now) == 0 ? now.st_size : lseek64(fd, 0, SEEK_CUR);
    }
    ssize_t done = offset < 0 ? syscall(SYS_write, fd, data, length) : syscall(SYS_pwrite64, fd, data, length, offset);
    int error = errno;
    if (done > 0) note('W', path, at, data, done);
    pthread_mutex_unlock(&order);
    errno = error;
    return done;
}

ssize_t write(int fd, const void *data, size_t length) { return written(fd, data, length, -1); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return written(fd, data, length, at); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) { return written(fd, data, length, at); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[4096];
    if (record_fd < 0 || !path_of(fd, path)) return syscall(SYS_writev, fd, parts, count);
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        ssize_t done = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (done < 0) return all ? all : done;
        all += done;
        if ((size_t)done < parts[i].iov_len) break;
    }
    return all;
}

static int cut(int fd, off64_t length) {
    char path[4096];
    pthread_mutex_lock(&order);
    int done = syscall(SYS_ftruncate, fd, length);
    int error = errno;
    if (done == 0 && path_of(fd, path)) note('T', path, length, NULL, 0);
    pthread_mutex_unlock(&order);
    errno = error;
    return done;
}
int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

static int synced(int fd, long call) {
    char path[4096];
    pthread_mutex_lock(&order);
    int done = syscall(call, fd);
    int error = errno;
    if (done == 0 && path_of(fd, path)) note('S', path, 0, NULL, 0);
    pthread_mutex_unlock(&order);
    errno = error;
    return done;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    pthread_mutex_lock(&order);
    int done = real(from, to);
    int error = errno;
    if (done == 0 && is_watched(from)) note('R', from, 0, to, strlen(to));
    pthread_mutex_unlock(&order);
    errno = error;
    return done;
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    pthread_mutex_lock(&order);
    int done = real(path);
    int error = errno;
    if (done == 0 && is_watched(path)) note('U', path, 0, NULL, 0);
    pthread_mutex_unlock(&order);
    errno = error;
    return done;
}
