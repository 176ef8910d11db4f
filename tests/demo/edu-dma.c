// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device with a DMA engine, driven through type1's ABI like any client would:
 * what it copies arrives while the pages are mapped, and no longer after they
 * are unmapped. The memory stays ours and is looked at after each copy, so a
 * translation that lived on would show. Whoever serves type 3 serves this; the
 * program itself insists that this is vfio_iommu_batch.
 */
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

/* Ends the program unless @ret is 0; any other value is shown. */
static void must(int ret, const char *what)
{
	if (!ret)
		return;
	printf("%s (%d)\n", what, ret);
	exit(1);
}

static void open_device(struct pci_dev *pci, int *container, struct edu *edu)
{
	const struct mode *mode = mode_get(MODE_BATCH_CLAIMED_V2);
	struct backend_use before;
	const char *doubt;
	int group;

	must(pci_find_groups(PCI_EDU, pci, 1) != 1, "no edu device");
	backend_use_read(&before);
	*container = container_open();
	must(*container < 0, "no container");
	group = group_open(pci->group);
	must(group < 0, "the group does not open");
	must(group_join(group, *container), "the group does not join");
	must(container_set_iommu(*container, mode->type_id), "VFIO_SET_IOMMU");
	doubt = mode_proof(mode, &before);
	must(!!doubt, doubt);
	must(edu_open(edu, group_device(group, pci->addr)), "no device");
}

int main(void)
{
	char *source = mem_small(PAGE), *target = mem_small(PAGE);
	struct pci_dev pci;
	struct edu edu;
	int container;

	must(!source || !target, "no memory");
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_device(&pci, &container, &edu);
	must(dma_map(container, SOURCE, source, PAGE, DMA_RW), "MAP_DMA");
	must(dma_map(container, TARGET, target, PAGE, DMA_RW), "MAP_DMA");

	mem_fill(source, EDU_CHUNK, FIRST_SEED);
	memset(target, UNTOUCHED, PAGE);
	must(edu_copy(&edu, TARGET, SOURCE), "the device does not answer");
	must(!mem_is(target, EDU_CHUNK, FIRST_SEED),
	     "mapped, but what the device copied did not arrive");
	printf("mapped:   %s copied %u bytes from IOVA 0x%llx to 0x%llx, all arrived\n",
	       pci.addr, (unsigned int)EDU_CHUNK, SOURCE, TARGET);

	must(dma_unmap(container, TARGET, PAGE, 0, NULL), "UNMAP_DMA");
	mem_fill(source, EDU_CHUNK, SECOND_SEED);
	must(edu_copy(&edu, TARGET, SOURCE), "the device does not answer");
	must(!mem_is(target, EDU_CHUNK, FIRST_SEED),
	     "DMA LANDED IN UNMAPPED MEMORY");
	printf("unmapped: %s copied again, not a byte at 0x%llx changed\n",
	       pci.addr, TARGET);
	return 0;
}
