// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests/vm/selftest: has the kernel patch its own code, by switching the tracepoints of
 * page faults on and off, while another thread goes through that code without a pause.
 *
 * usage: selftest-poke SECONDS
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define EVENTS "/sys/kernel/tracing/events/exceptions/enable"
#define SIZE (64 << 10)

static atomic_bool stop;

static void *fault_on(void *arg)
{
	char *mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	while (mem != MAP_FAILED && !stop) {
		for (i = 0; i < SIZE; i += 4096)
			((volatile char *)mem)[i] = 1;
		if (madvise(mem, SIZE, MADV_DONTNEED))
			break;
	}
	return stop ? arg : NULL;
}

static int patch_for(int seconds)
{
	time_t end = time(NULL) + seconds;
	int fd = open(EVENTS, O_WRONLY);

	while (fd >= 0 && time(NULL) < end) {
		if (write(fd, "1", 1) != 1 || write(fd, "0", 1) != 1)
			return -1;
	}
	return fd;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	void *faulted;

	if (pthread_create(&thread, NULL, fault_on, argv))
		return 1;
	if (patch_for(argc > 1 ? atoi(argv[1]) : 1) < 0) {
		perror(EVENTS);
		return 1;
	}
	stop = 1;
	return pthread_join(thread, &faulted) || !faulted;
}
