// SPDX-License-Identifier: GPL-2.0-only
/* See mark.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "mark.h"

#define MARK_PORT "/dev/ttyS2"

/* Stays open, so that the first mark is as cheap as the next ones. */
static int mark_port(void)
{
	static int port = -1;
	struct termios modes;

	if (port >= 0)
		return port;
	/* The node is always there; a port without hardware has no modes. */
	port = open(MARK_PORT, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (port >= 0 && tcgetattr(port, &modes)) {
		close(port);
		port = -1;
	}
	return port;
}

int mark_trace(const char *format, ...)
{
	char text[128], line[160];
	int len, port = mark_port();
	va_list args;

	if (port < 0)
		return -ENODEV;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	len = snprintf(line, sizeof(line), "\n@mark %s\n", text);
	if (write(port, line, len) != len || tcdrain(port))
		return -EIO;
	return 0;
}
