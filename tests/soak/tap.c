// SPDX-License-Identifier: GPL-2.0-only
/* See tap.h. */
#include <stdarg.h>
#include <stdio.h>

#include "tap.h"

static unsigned int results, failures;

static void print(const char *format, va_list args)
{
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
}

bool tap(bool good, const char *format, ...)
{
	va_list args;

	failures += !good;
	printf("%sok %u - ", good ? "" : "not ", ++results);
	va_start(args, format);
	print(format, args);
	va_end(args);
	return good;
}

void tap_note(const char *format, ...)
{
	va_list args;

	printf("# ");
	va_start(args, format);
	print(format, args);
	va_end(args);
}

int tap_end(void)
{
	printf("1..%u\n", results);
	fflush(stdout);
	return failures != 0;
}
