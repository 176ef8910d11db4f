// SPDX-License-Identifier: GPL-2.0-only
/* See late.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "late.h"
#include "mem.h"
#include "util.h"

static int watch(struct late *late)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (unsigned long)late->mem,
			   .len = late->size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (ioctl(late->uffd, UFFDIO_API, &api) ||
	    ioctl(late->uffd, UFFDIO_REGISTER, &range))
		return -errno;
	return 0;
}

int late_open(struct late *late, size_t size)
{
	int ret;

	late->size = size;
	late->mem = mem_untouched(size);
	if (!late->mem)
		return -ENOMEM;
	late->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (late->uffd < 0)
		return -errno;
	ret = watch(late);
	if (ret)
		late_close(late);
	return ret;
}

void late_close(struct late *late)
{
	close(late->uffd);
	mem_free(late->mem, late->size);
}

int late_awaited(struct late *late, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = late->uffd, .events = POLLIN };
	struct uffd_msg message;
	int ready;

	ready = poll(&poll_fd, 1, timeout_ms);
	if (ready <= 0)
		return ready ? -errno : -ETIMEDOUT;
	if (read(late->uffd, &message, sizeof(message)) != sizeof(message))
		return -errno;
	return message.event == UFFD_EVENT_PAGEFAULT ? 0 : -EPROTO;
}

int late_arrive(struct late *late)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (unsigned long)late->mem,
			   .len = late->size },
	};

	return neg_errno(ioctl(late->uffd, UFFDIO_ZEROPAGE, &zero));
}
