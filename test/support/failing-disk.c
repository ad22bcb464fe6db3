/* Makes calls on the files of a hub's database fail, as long as a file says so: one line, `CALL ERRNO`, `once` after it
   for one failure only. To be preloaded; the file is named by FAILING_DISK. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(int fd, const char *call) {
  const char *order = getenv("FAILING_DISK");
  if (!order) return 0;
  FILE *file = fopen(order, "r");
  if (!file) return 0;
  char wanted[16] = "", once[16] = "";
  int code = 0;
  int read = fscanf(file, "%15s %d %15s", wanted, &code, once);
  fclose(file);
  if (read < 2 || strcmp(wanted, call) != 0) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  const char *name = strrchr(path, '/');
  if (!name || strncmp(name, "/hub.db", 7) != 0 || strstr(name, "-shm")) return 0;
  if (read == 3) {
    char done[4096];
    snprintf(done, sizeof done, "%s.done", order);
    if (rename(order, done) != 0) return 0;
  }
  errno = code;
  return 1;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int fdatasync(int fd) {
  REAL(fdatasync);
  return fails(fd, "sync") ? -1 : real(fd);
}
int fsync(int fd) {
  REAL(fsync);
  return fails(fd, "sync") ? -1 : real(fd);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  REAL(pwrite64);
  return fails(fd, "write") ? -1 : real(fd, bytes, count, at);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  REAL(pwrite);
  return fails(fd, "write") ? -1 : real(fd, bytes, count, at);
}
ssize_t write(int fd, const void *bytes, size_t count) {
  REAL(write);
  return fails(fd, "write") ? -1 : real(fd, bytes, count);
}
