/* SPDX-License-Identifier: Apache-2.0
 * Loaded before a program (LD_PRELOAD): its wall clock is ahead by the seconds that the file STEP_CLOCK holds, 8 bytes. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t* ahead;

__attribute__((constructor)) static void begin(void) {
  const int file = open(getenv("STEP_CLOCK"), O_RDONLY | O_CLOEXEC);
  void* seen = file < 0 ? MAP_FAILED : mmap(0, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
  if (seen == MAP_FAILED) abort();
  ahead = seen;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  const long failed = syscall(SYS_clock_gettime, clock, now);
  if (!failed && clock == CLOCK_REALTIME && ahead) now->tv_sec += *ahead;
  return (int)failed;
}
