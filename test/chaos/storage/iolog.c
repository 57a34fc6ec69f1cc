/*
 * Preloaded into the service (LD_PRELOAD): writes down, in order, what it does to the files under IOLOG_UNDER, and lets
 * calls fail as the file IOLOG_FAULT says. Neither changes what the service would see otherwise.
 *
 * IOLOG_TO gets records of: u8 kind, i32 process, i32 descriptor, i64 offset, u32 length, then length bytes.
 *   O opened (path; offset 1: it was made now) C closed W written (bytes) T cut to offset S synced D unlinked (path)
 *   R renamed (two paths, a zero between) L linked (two paths) N an order leaves for the exchange (its client order id)
 *
 * IOLOG_FAULT holds lines `call errno skip count suffix`: calls are write, sync, read, open; `count` 0 is for ever;
 * `suffix` is the end of the path, `*` any. Each failure appends a byte to the file of the same name with `.fired`.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FILES 4096
#define MOST_FAULTS 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *paths[MOST_FILES];
static const char *under, *fault_file;
static int log_fd = -1;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);
static int (*real_link)(const char *, const char *);

__attribute__((constructor)) static void begin(void) {
  if (real_open != NULL) return;
  real_close = dlsym(RTLD_NEXT, "close");
  real_write = dlsym(RTLD_NEXT, "write");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_pread = dlsym(RTLD_NEXT, "pread64");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_link = dlsym(RTLD_NEXT, "link");
  real_open = dlsym(RTLD_NEXT, "open64");
  under = getenv("IOLOG_UNDER");
  fault_file = getenv("IOLOG_FAULT");
  const char *to = getenv("IOLOG_TO");
  if (to != NULL) log_fd = real_open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* One record is one write: two processes that append never mix. A log that cannot be written proves nothing. */
static void note(char kind, int fd, off_t offset, const void *bytes, uint32_t length) {
  if (log_fd < 0) return;
  int saved = errno;
  char head[21];
  int32_t process = getpid(), descriptor = fd;
  int64_t at = offset;
  head[0] = kind;
  memcpy(head + 1, &process, 4);
  memcpy(head + 5, &descriptor, 4);
  memcpy(head + 9, &at, 8);
  memcpy(head + 17, &length, 4);
  struct iovec parts[2] = {{head, sizeof head}, {(void *)bytes, length}};
  if (real_writev(log_fd, parts, 2) != (ssize_t)(sizeof head + length)) {
    fputs("iolog: the log cannot be written\n", stderr);
    abort();
  }
  errno = saved;
}

static int is_ours(const char *path) {
  return under != NULL && path != NULL && strncmp(path, under, strlen(under)) == 0 &&
         (path[strlen(under)] == '/' || path[strlen(under)] == 0);
}

static const char *path_of(int fd) { return fd >= 0 && fd < MOST_FILES ? paths[fd] : NULL; }

static int ends_with(const char *path, const char *suffix) {
  size_t a = strlen(path), b = strlen(suffix);
  return strcmp(suffix, "*") == 0 || (a >= b && strcmp(path + a - b, suffix) == 0);
}

/* The number of the error this call must fail with, or 0. */
static int fault_for(const char *call, const char *path) {
  static char known[1024];
  static long seen[MOST_FAULTS];
  if (fault_file == NULL || path == NULL) return 0;
  int fd = real_open(fault_file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[1024];
  ssize_t length = real_pread(fd, text, sizeof text - 1, 0);
  real_close(fd);
  text[length < 0 ? 0 : length] = 0;
  int result = 0;
  pthread_mutex_lock(&lock);
  if (strcmp(text, known) != 0) {
    strcpy(known, text);
    memset(seen, 0, sizeof seen);
  }
  char *rest = text, *line;
  for (int i = 0; i < MOST_FAULTS && result == 0 && (line = strsep(&rest, "\n")) != NULL; i++) {
    char which[16], suffix[256];
    int number;
    long skip, count;
    if (sscanf(line, "%15s %d %ld %ld %255s", which, &number, &skip, &count, suffix) != 5) continue;
    if (strcmp(which, call) != 0 || !ends_with(path, suffix)) continue;
    seen[i]++;
    if (seen[i] > skip && (count == 0 || seen[i] <= skip + count)) result = number;
  }
  pthread_mutex_unlock(&lock);
  if (result != 0) {
    char fired[PATH_MAX];
    snprintf(fired, sizeof fired, "%s.fired", fault_file);
    int counter = real_open(fired, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (counter >= 0) {
      if (real_write(counter, ".", 1) != 1) abort();
      real_close(counter);
    }
  }
  return result;
}

#define FAIL_IF_ASKED(call, path)                                                                                      \
  do {                                                                                                                 \
    int number = fault_for(call, path);                                                                                \
    if (number != 0) {                                                                                                 \
      errno = number;                                                                                                  \
      return -1;                                                                                                       \
    }                                                                                                                  \
  } while (0)

static int opened(const char *path, int flags, mode_t mode) {
  begin();
  int ours = is_ours(path);
  if (ours) FAIL_IF_ASKED("open", path);
  int existed = ours ? access(path, F_OK) == 0 : 1;
  int fd = real_open(path, flags, mode);
  if (fd < 0 || !ours || fd >= MOST_FILES) return fd;
  free(paths[fd]);
  paths[fd] = strdup(path);
  note('O', fd, existed ? 0 : 1, path, strlen(path));
  if (existed && (flags & O_TRUNC)) note('T', fd, 0, NULL, 0);
  return fd;
}

#define OPEN(name)                                                                                                     \
  int name(const char *path, int flags, ...) {                                                                         \
    va_list rest;                                                                                                      \
    va_start(rest, flags);                                                                                             \
    mode_t mode = va_arg(rest, mode_t);                                                                                \
    va_end(rest);                                                                                                      \
    return opened(path, flags, mode);                                                                                  \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  begin();
  if (path_of(fd) != NULL) {
    note('C', fd, 0, NULL, 0);
    free(paths[fd]);
    paths[fd] = NULL;
  }
  return real_close(fd);
}

/* An order that leaves: its client order id stands in the request's address. */
static void note_order(const void *bytes, size_t length) {
  static const char name[] = "newClientOrderId=";
  if (log_fd < 0 || length < sizeof name) return;
  const char *found = memmem(bytes, length, name, sizeof name - 1);
  if (found == NULL || memmem(bytes, length, "POST ", 5) == NULL) return;
  const char *id = found + sizeof name - 1, *end = (const char *)bytes + length;
  size_t size = 0;
  while (id + size < end && strchr("& \r\n\"", id[size]) == NULL) size++;
  note('N', -1, 0, id, size);
}

/* Where the file position is before and after: only then an appended or plain write has a place. */
static ssize_t written(int fd, const void *bytes, size_t length) {
  const char *path = path_of(fd);
  if (path == NULL) {
    note_order(bytes, length);
    return real_write(fd, bytes, length);
  }
  FAIL_IF_ASKED("write", path);
  ssize_t done = real_write(fd, bytes, length);
  if (done > 0) note('W', fd, lseek(fd, 0, SEEK_CUR) - done, bytes, done);
  return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  begin();
  return written(fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  begin();
  if (path_of(fd) == NULL) {
    for (int i = 0; i < count; i++) note_order(parts[i].iov_base, parts[i].iov_len);
    return real_writev(fd, parts, count);
  }
  ssize_t all = 0;
  for (int i = 0; i < count; i++) {
    ssize_t done = written(fd, parts[i].iov_base, parts[i].iov_len);
    if (done < 0) return all > 0 ? all : done;
    all += done;
  }
  return all;
}

static ssize_t pwritten(int fd, const void *bytes, size_t length, off_t offset) {
  begin();
  FAIL_IF_ASKED("write", path_of(fd));
  ssize_t done = real_pwrite(fd, bytes, length, offset);
  if (done > 0 && path_of(fd) != NULL) note('W', fd, offset, bytes, done);
  return done;
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwritten(fd, bytes, length, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) { return pwritten(fd, bytes, length, offset); }

static ssize_t pread_from(int fd, void *bytes, size_t length, off_t offset) {
  begin();
  FAIL_IF_ASKED("read", path_of(fd));
  return real_pread(fd, bytes, length, offset);
}
ssize_t pread(int fd, void *bytes, size_t length, off_t offset) { return pread_from(fd, bytes, length, offset); }
ssize_t pread64(int fd, void *bytes, size_t length, off_t offset) { return pread_from(fd, bytes, length, offset); }

static int cut(int fd, off_t size) {
  begin();
  FAIL_IF_ASKED("write", path_of(fd));
  int result = real_ftruncate(fd, size);
  if (result == 0 && path_of(fd) != NULL) note('T', fd, size, NULL, 0);
  return result;
}
int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off_t size) { return cut(fd, size); }

static int synced(int fd, int (*real)(int)) {
  FAIL_IF_ASKED("sync", path_of(fd));
  int result = real(fd);
  if (result == 0 && path_of(fd) != NULL) note('S', fd, 0, NULL, 0);
  return result;
}
int fsync(int fd) {
  begin();
  return synced(fd, real_fsync);
}
int fdatasync(int fd) {
  begin();
  return synced(fd, real_fdatasync);
}

int unlink(const char *path) {
  begin();
  int result = real_unlink(path);
  if (result == 0 && is_ours(path)) note('D', -1, 0, path, strlen(path));
  return result;
}

static void note_two(char kind, const char *from, const char *to) {
  char both[2 * PATH_MAX];
  int length = snprintf(both, sizeof both, "%s%c%s", from, 0, to);
  note(kind, -1, 0, both, length);
}

int rename(const char *from, const char *to) {
  begin();
  int result = real_rename(from, to);
  if (result == 0 && is_ours(to)) note_two('R', from, to);
  return result;
}

int link(const char *from, const char *to) {
  begin();
  int result = real_link(from, to);
  if (result == 0 && is_ours(to)) note_two('L', from, to);
  return result;
}
