// SPDX-License-Identifier: GPL-2.0-only
/* See orphan.h. */
#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "orphan.h"
#include "util.h"

enum { MOST = 8 };

union control {
	char room[CMSG_SPACE(MOST * sizeof(int))];
	struct cmsghdr align;
};

static struct msghdr message(struct iovec *byte, union control *control,
			     unsigned int n)
{
	struct msghdr msg = {
		.msg_iov = byte,
		.msg_iovlen = 1,
		.msg_control = control->room,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)),
	};

	return msg;
}

int fds_send(int to, const int *fds, unsigned int n)
{
	char data = 0;
	struct iovec byte = { .iov_base = &data, .iov_len = 1 };
	union control control = { 0 };
	struct msghdr msg = message(&byte, &control, n);
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(head), fds, n * sizeof(int));
	return sendmsg(to, &msg, 0) == 1 ? 0 : -errno;
}

int fds_receive(int from, int *fds, unsigned int n)
{
	char data;
	struct iovec byte = { .iov_base = &data, .iov_len = 1 };
	union control control = { 0 };
	struct msghdr msg = message(&byte, &control, n);
	struct cmsghdr *head;

	if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -errno;
	head = CMSG_FIRSTHDR(&msg);
	if (!head || head->cmsg_len != CMSG_LEN(n * sizeof(int)))
		return -EPROTO;
	memcpy(fds, CMSG_DATA(head), n * sizeof(int));
	return 0;
}

int ring_of(const int *fds, unsigned int n)
{
	struct io_uring_params params = { 0 };
	int ring, ret;

	ring = neg_errno(syscall(SYS_io_uring_setup, 4, &params));
	if (ring < 0)
		return ring;
	ret = neg_errno(syscall(SYS_io_uring_register, ring,
				IORING_REGISTER_FILES, fds, n));
	if (!ret)
		return ring;
	close(ring);
	return ret;
}
