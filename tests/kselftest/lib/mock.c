// SPDX-License-Identifier: GPL-2.0-only
/* See mock.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mock.h"
#include "util.h"

#define MOCK "/sys/kernel/debug/mock_iommu/"

bool mock_present(void)
{
	return !access(MOCK "control", F_OK);
}

int mock_order(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return file_write(MOCK "control", text);
}

/* The number behind " key " in the first line that begins with @start. */
static long find_count(const char *start, const char *key)
{
	static char text[MOCK_TEXT];
	char *line, *rest, *end;
	size_t len = strlen(key);
	int ret;

	ret = file_read(MOCK "counters", text, sizeof(text));
	if (ret < 0)
		return ret;
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, start, strlen(start)))
			continue;
		for (; line; line = strchr(line, ' ')) {
			line += *line == ' ';
			if (!strncmp(line, key, len) && line[len] == ' ')
				return strtol(line + len, &end, 10);
		}
		return -ENOENT;
	}
	return -ENOENT;
}

long mock_count(const char *key)
{
	return find_count(key, key);
}

long mock_instance_count(unsigned int instance, const char *key)
{
	char start[32];

	snprintf(start, sizeof(start), "instance %u ", instance);
	return find_count(start, key);
}

int mock_dump(char *text)
{
	int ret = file_read(MOCK "dump", text, MOCK_TEXT);

	return ret == MOCK_TEXT - 1 ? -E2BIG : ret;
}

/* The @nth line of @text that begins a domain, or NULL. */
static char *find_domain(char *text, unsigned int nth)
{
	char *line;

	for (line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, "domain ", 7) && !nth--)
			return line;
	}
	return NULL;
}

long mock_domain_count(unsigned int nth, const char *key)
{
	static char text[MOCK_TEXT];
	char *domain, start[32];
	int ret;

	ret = file_read(MOCK "counters", text, sizeof(text));
	if (ret < 0)
		return ret;
	domain = find_domain(text, nth);
	if (!domain)
		return -ENOENT;
	snprintf(start, sizeof(start), "domain %ld ",
		 strtol(domain + 7, NULL, 10));
	return find_count(start, key);
}

int mock_domains(void)
{
	static char text[MOCK_TEXT];
	unsigned int nr = 0;
	int ret;

	ret = file_read(MOCK "counters", text, sizeof(text));
	if (ret < 0)
		return ret;
	while (find_domain(text, nr))
		nr++;
	return nr;
}

bool mock_domains_agree(void)
{
	long first = mock_domain_count(0, "sum"), sum = first;
	unsigned int nth;

	for (nth = 1; sum == first; nth++)
		sum = mock_domain_count(nth, "sum");
	return first >= 0 && sum == -ENOENT;
}

const char *mock_complaint(void)
{
	static char text[1024];

	if (file_read(MOCK "errors", text, sizeof(text)) < 0)
		return "the mock cannot be read";
	return text[0] ? text : NULL;
}
