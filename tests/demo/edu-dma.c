// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device with a DMA engine, driven through type1's ABI like any client would:
 * what it copies arrives while the pages are mapped, and no longer after they
 * are unmapped. The memory stays ours and is looked at after each copy, so a
 * translation that lived on would show. Whoever serves type 3 serves this; the
 * program itself insists that it is vfio_iommu_batch.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kselftest/lib/backend.h"
#include "../kselftest/lib/container.h"
#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/edu.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/pci.h"
#include "../kselftest/lib/util.h"

/* The last one is named in the kernel log as the address of the fault. */
#define SOURCE 0x100000000ULL
#define TARGET 0x123450000ULL

enum { FIRST_SEED = 1, SECOND_SEED = 2, UNTOUCHED = 0x77 };

static void check(int bad, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void check(int bad, const char *format, ...)
{
	va_list args;

	if (!bad)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	exit(1);
}

static void open_device(struct pci_dev *pci, int *container, struct edu *edu)
{
	const struct mode *mode = mode_get(MODE_BATCH_CLAIMED_V2);
	struct backend_use before;
	int group, device, ret;
	const char *doubt;

	check(pci_find_groups(PCI_EDU, pci, 1) != 1, "no edu device");
	backend_use_read(&before);
	*container = container_open();
	check(*container < 0, "container: error %d", *container);
	group = group_open(pci->group);
	check(group < 0, "group %d: error %d", pci->group, group);
	ret = group_join(group, *container);
	check(ret, "group %d does not join: error %d", pci->group, ret);
	ret = container_set_iommu(*container, mode->type_id);
	check(ret, "VFIO_SET_IOMMU: error %d", ret);
	doubt = mode_proof(mode, &before);
	check(!!doubt, "not served by vfio_iommu_batch: %s", doubt);
	device = group_device(group, pci->addr);
	check(device < 0, "device %s: error %d", pci->addr, device);
	ret = edu_open(edu, device);
	check(ret, "edu at %s: error %d", pci->addr, ret);
}

static void map(int container, __u64 iova, const char *mem)
{
	int ret = dma_map(container, iova, mem, PAGE, DMA_RW);

	check(ret, "MAP_DMA: error %d", ret);
}

int main(void)
{
	char *source = mem_small(PAGE), *target = mem_small(PAGE);
	struct pci_dev pci;
	struct edu edu;
	int container;

	check(!source || !target, "no memory");
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_device(&pci, &container, &edu);
	map(container, SOURCE, source);
	map(container, TARGET, target);

	mem_fill(source, EDU_CHUNK, FIRST_SEED);
	memset(target, UNTOUCHED, PAGE);
	check(edu_copy(&edu, TARGET, SOURCE), "the device does not answer");
	check(!mem_is(target, EDU_CHUNK, FIRST_SEED),
	      "mapped, but what the device copied did not arrive");
	printf("mapped:   %s copied %u bytes from IOVA 0x%llx to 0x%llx, all arrived\n",
	       pci.addr, (unsigned int)EDU_CHUNK, SOURCE, TARGET);

	check(dma_unmap(container, TARGET, PAGE, 0, NULL), "UNMAP_DMA");
	mem_fill(source, EDU_CHUNK, SECOND_SEED);
	check(edu_copy(&edu, TARGET, SOURCE), "the device does not answer");
	check(!mem_is(target, EDU_CHUNK, FIRST_SEED),
	      "DMA LANDED IN UNMAPPED MEMORY");
	printf("unmapped: %s copied again, not a byte at 0x%llx changed\n",
	       pci.addr, TARGET);
	return 0;
}
