// SPDX-License-Identifier: GPL-2.0-only
/*
 * check-vfio GROUP MIB MODE:TYPE...: tries each type id on the group, with so much
 * memory for what is timed. See check.h. Owns the proof of who serves a container: the
 * use counts of the backends' modules, which are printed as the first line of a mode.
 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long use_count(const char *module)
{
	char path[64];
	long count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%ld", &count) != 1)
		count = 0;
	fclose(file);
	return count;
}

/* Says which module serves the type: 0, or -errno when none takes the group. */
static int say_backend(const char *mode, int group, unsigned long type)
{
	static const char * const modules[] = { "vfio_iommu_type1", "vfio_iommu_batch" };
	struct check check = { .mode = mode };
	long before[2];
	int i, ret;

	for (i = 0; i < 2; i++)
		before[i] = use_count(modules[i]);
	ret = check_open(&check, group, type);
	if (ret) {
		printf("%s backend none %s\n", mode, strerror(-ret));
		return ret;
	}
	for (i = 0; i < 2; i++)
		if (use_count(modules[i]) > before[i])
			printf("%s backend %s\n", mode, modules[i]);
	check_close(&check);
	return 0;
}

static int try_mode(char *arg, int group, size_t size)
{
	char *colon = strchr(arg, ':');
	unsigned long type;
	int ret;

	if (!colon)
		return -EINVAL;
	*colon = '\0';
	type = strtoul(colon + 1, NULL, 0);
	ret = say_backend(arg, group, type);
	if (!ret)
		ret = check_abi(arg, group, type);
	if (!ret)
		ret = check_costs(arg, group, type, size);
	return ret;
}

int main(int argc, char **argv)
{
	int i, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4)
		return 2;
	for (i = 3; i < argc; i++)
		failed |= !!try_mode(argv[i], atoi(argv[1]), strtoul(argv[2], NULL, 0) * CHECK_MIB);
	return failed;
}
