// SPDX-License-Identifier: GPL-2.0-only
/* See blocking_mem.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "blocking_mem.h"
#include "mem.h"
#include "util.h"

static int watch_range(struct blocking_mem *b, __u64 features, __u64 mode)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	struct uffdio_register range = {
		.range = { .start = (unsigned long)b->missing,
			   .len = b->missing_size },
		.mode = mode,
	};

	if (ioctl(b->uffd, UFFDIO_API, &api) ||
	    ioctl(b->uffd, UFFDIO_REGISTER, &range))
		return -errno;
	return 0;
}

static void touch_rest(struct blocking_mem *b)
{
	size_t before = b->missing - b->mem;
	size_t stop = before + b->missing_size;

	memset(b->mem, 0x5a, before);
	memset(b->mem + stop, 0x5a, b->size - stop);
}

int blocking_mem_open_part(struct blocking_mem *b, size_t size, size_t offset,
			   size_t missing)
{
	int ret;

	b->size = size;
	b->mem = mem_untouched(size);
	if (!b->mem)
		return -ENOMEM;
	b->missing = b->mem + offset;
	b->missing_size = missing;
	touch_rest(b);
	b->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	ret = b->uffd < 0 ? -errno : watch_range(b, 0, UFFDIO_REGISTER_MODE_MISSING);
	if (ret)
		blocking_mem_close(b);
	return ret;
}

int blocking_mem_open(struct blocking_mem *b, size_t size)
{
	return blocking_mem_open_part(b, size, 0, size);
}

static int write_protect(struct blocking_mem *b, __u64 mode)
{
	struct uffdio_writeprotect range = {
		.range = { .start = (unsigned long)b->mem, .len = b->size },
		.mode = mode,
	};

	return neg_errno(ioctl(b->uffd, UFFDIO_WRITEPROTECT, &range));
}

int blocking_mem_protect(struct blocking_mem *b)
{
	return write_protect(b, UFFDIO_WRITEPROTECT_MODE_WP);
}

int blocking_mem_unprotect(struct blocking_mem *b)
{
	return write_protect(b, 0);
}

int blocking_mem_open_protected(struct blocking_mem *b, size_t size)
{
	int ret;

	b->size = size;
	b->mem = mem_small(size);
	if (!b->mem)
		return -ENOMEM;
	b->missing = b->mem;
	b->missing_size = size;
	b->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	ret = b->uffd < 0 ? -errno : watch_range(b, UFFD_FEATURE_PAGEFAULT_FLAG_WP,
						 UFFDIO_REGISTER_MODE_WP);
	if (!ret)
		ret = blocking_mem_protect(b);
	if (ret)
		blocking_mem_close(b);
	return ret;
}

void blocking_mem_close(struct blocking_mem *b)
{
	if (b->uffd >= 0)
		close(b->uffd);
	b->uffd = -1;
	mem_free(b->mem, b->size);
}

int blocking_mem_awaited(struct blocking_mem *b, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = b->uffd, .events = POLLIN };
	struct uffd_msg message;
	int ready;

	ready = poll(&poll_fd, 1, timeout_ms);
	if (ready <= 0)
		return ready ? -errno : -ETIMEDOUT;
	if (read(b->uffd, &message, sizeof(message)) != sizeof(message))
		return -errno;
	return message.event == UFFD_EVENT_PAGEFAULT ? 0 : -EPROTO;
}

static int provide_zeroes(struct blocking_mem *b, __u64 mode)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (unsigned long)b->missing,
			   .len = b->missing_size },
		.mode = mode,
	};

	return neg_errno(ioctl(b->uffd, UFFDIO_ZEROPAGE, &zero));
}

int blocking_mem_provide(struct blocking_mem *b)
{
	return provide_zeroes(b, 0);
}

int blocking_mem_provide_first(struct blocking_mem *b, size_t size)
{
	struct blocking_mem first = { .uffd = b->uffd, .missing = b->missing,
				      .missing_size = size };

	b->missing += size;
	b->missing_size -= size;
	return provide_zeroes(&first, 0);
}

int blocking_mem_provide_quietly(struct blocking_mem *b)
{
	return provide_zeroes(b, UFFDIO_ZEROPAGE_MODE_DONTWAKE);
}

int blocking_mem_wake(struct blocking_mem *b)
{
	struct uffdio_range range = {
		.start = (unsigned long)b->missing,
		.len = b->missing_size,
	};

	return neg_errno(ioctl(b->uffd, UFFDIO_WAKE, &range));
}

int blocking_mem_withdraw(struct blocking_mem *b)
{
	if (munmap(b->missing, b->missing_size))
		return -errno;
	/* Who waits is woken by the end of who would have provided. */
	close(b->uffd);
	b->uffd = -1;
	return 0;
}
