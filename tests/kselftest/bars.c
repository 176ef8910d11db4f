// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARs that are large, mapped at odd addresses, or belong to a device that is reset, sleeps
 * or has its memory decoding switched off and on while they are mapped.
 */
#include "bar_fixture.h"
#include "lib/function.h"

#define LARGE (256 * MIB)

enum {
	SOON_MS = 10000,
	PIECES = 1000,
};

#define WORLD bars
#define WORLD_GROUPS 1
#define WORLD_ONE_ID
#include "world_fixture.h"

#define NEED_FUNCTION(f, w, id, what) do { \
	int _ret = function_open(f, id, (w)->container); \
\
	if (_ret == -ENODEV && !promised("sequences")) \
		SKIP_TEST("the machine has no %s", what); \
	ASSERT_EQ(0, _ret); \
} while (0)

static void mapped_exactly(struct __test_metadata *_metadata, struct world *w,
			   __u64 iova, const char *bar, __u64 size)
{
	__u64 done;

	ASSERT_EQ(0, dma_map(w->container, iova, bar, size, DMA_RW));
	EXPECT_EQ(w->pinned, pinned_pages());
	EXPECT_EQ(w->locked, locked_pages());
	ASSERT_EQ(0, dma_unmap_all(w->container, &done));
	EXPECT_EQ(size, done);
}

/* Newer kernels have huge pages there, if the address is aligned; here it is not. */
TEST_F(bars, large_one_at_an_address_that_is_not_aligned)
{
	struct function f;
	char *room, *bar;

	NEED_FUNCTION(&f, &self->w, PCI_TESTDEV, "BAR of 256 MiB");
	room = mmap(NULL, LARGE + 4 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, room);
	bar = function_bar(&f, VFIO_PCI_BAR2_REGION_INDEX, room + 5 * PAGE, LARGE);
	ASSERT_NE(NULL, bar);
	mapped_exactly(_metadata, &self->w, FAR, bar, LARGE);
	mapped_exactly(_metadata, &self->w, FAR + PAGE, bar + 3 * PAGE, LARGE - 7 * PAGE);
	ASSERT_EQ(0, munmap(room, LARGE + 4 * MIB));
	function_close(&f);
}

/* A BAR of 256 MiB at an address that its huge pages fit; 2 MiB behind it are ours, too. */
static char *aligned_bar(struct __test_metadata *_metadata, struct world *w, struct function *f)
{
	char *room, *bar;

	NEED_FUNCTION(f, w, PCI_TESTDEV, "BAR of 256 MiB");
	room = mem_aligned(LARGE + 2 * MIB);
	ASSERT_NE(NULL, room);
	bar = function_bar(f, VFIO_PCI_BAR2_REGION_INDEX, room, LARGE);
	ASSERT_EQ(room, bar);
	return bar;
}

TEST_F(bars, large_one_at_an_aligned_address_and_an_odd_iova)
{
	struct function f;
	char *bar;

	bar = aligned_bar(_metadata, &self->w, &f);
	mapped_exactly(_metadata, &self->w, FAR, bar, LARGE);
	mapped_exactly(_metadata, &self->w, FAR + PAGE, bar, LARGE);
	mapped_exactly(_metadata, &self->w, FAR, bar + 511 * PAGE, LARGE - 600 * PAGE);
	ASSERT_EQ(0, munmap(bar, LARGE + 2 * MIB));
	function_close(&f);
}

/* Until @pages are out of the IOMMU, and no others. */
static bool settles(const struct world *w, long pages)
{
	int ms;

	for (ms = 0; revoked(w) != pages && ms < SOON_MS; ms += 5)
		usleep(5000);
	return revoked(w) == pages;
}

/* With huge pages in the page table, the kernel takes 2 MiB for a page that goes. */
TEST_F(bars, part_of_a_large_one_goes)
{
	struct function f;
	char *bar;
	__u64 done;

	bar = aligned_bar(_metadata, &self->w, &f);
	ASSERT_EQ(0, dma_map(self->w.container, FAR, bar, LARGE, DMA_RW));
	ASSERT_EQ(0, munmap(bar + 513 * PAGE, 3 * PAGE));
	EXPECT_TRUE(settles(&self->w, stays(&self->w) ? 0 : 3));
	ASSERT_EQ(0, munmap(bar + 8 * MIB, 2 * MIB));
	EXPECT_TRUE(settles(&self->w, stays(&self->w) ? 0 : 3 + 512));
	ASSERT_EQ(0, function_command(&f, 0));
	EXPECT_TRUE(settles(&self->w, stays(&self->w) ? 0 : LARGE / PAGE));
	ASSERT_EQ(0, function_command(&f, PCI_COMMAND_MEMORY));
	EXPECT_TRUE(settles(&self->w, stays(&self->w) ? 0 : 3 + 512));
	ASSERT_EQ(0, dma_unmap(self->w.container, FAR, LARGE, 0, &done));
	EXPECT_EQ(LARGE, done);
	ASSERT_EQ(0, munmap(bar, LARGE + 2 * MIB));
	function_close(&f);
}

/* More pieces than the module fills in one go. */
TEST_F(bars, large_one_in_many_pieces)
{
	long pages = LARGE / PAGE, i;
	struct function f;
	char *bar;

	bar = aligned_bar(_metadata, &self->w, &f);
	ASSERT_EQ(0, dma_map(self->w.container, FAR, bar, LARGE, DMA_RW));
	ASSERT_EQ(0, function_command(&f, 0));
	for (i = 0; i < PIECES; i++)
		ASSERT_EQ(0, munmap(bar + (i * (pages / PIECES) + 5) * PAGE, PAGE));
	EXPECT_TRUE(settles(&self->w, stays(&self->w) ? 0 : pages));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, function_command(&f, PCI_COMMAND_MEMORY));
		EXPECT_TRUE(settles(&self->w, stays(&self->w) ? 0 : PIECES));
		ASSERT_EQ(0, function_command(&f, 0));
		EXPECT_TRUE(settles(&self->w, stays(&self->w) ? 0 : pages));
	}
	ASSERT_EQ(0, dma_unmap(self->w.container, FAR, LARGE, 0, NULL));
	ASSERT_EQ(0, munmap(bar, LARGE + 2 * MIB));
	function_close(&f);
}

/* The device stores what it has in its buffer where @iova leads, and that arrives in @bar. */
static bool soon_arrives(struct edu *edu, __u64 iova, const char *bar, __u32 word)
{
	unsigned int ms;

	for (ms = 0; ms < SOON_MS; ms += 100) {
		if (edu_store_bytes(edu, iova, sizeof(word)))
			return false;
		if (mmio_read32(bar) == word)
			return true;
	}
	return false;
}

/* What may happen to a device; it works again afterwards. */
typedef int (*trouble)(struct function *f);

static int reset(struct function *f)
{
	return function_reset(f);
}

static int sleep_and_wake(struct function *f)
{
	int ret = function_sleep(f, true);

	return ret ? ret : function_sleep(f, false);
}

static int decode_off_and_on(struct function *f)
{
	int ret = function_command(f, 0);

	return ret ? ret : function_command(f, PCI_COMMAND_MEMORY);
}

/*
 * With its BAR mapped, the device has its trouble, several times. Then the BAR is reached
 * with a new mapping and with the old one, and the old one can be taken away.
 */
static void survives(struct __test_metadata *_metadata, struct world *w,
		     char *mem, trouble happens)
{
	struct edu *edu = world_edu(w, 0);
	__u32 word = 0x1234567;
	struct function f;
	char *bar;
	int i;

	ASSERT_NE(NULL, edu);
	NEED_FUNCTION(&f, w, PCI_E1000E, "e1000e");
	bar = function_bar(&f, VFIO_PCI_BAR0_REGION_INDEX, NULL, 128 * KIB);
	ASSERT_NE(NULL, bar);
	ASSERT_EQ(0, dma_map(w->container, IOVA, mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, dma_map(w->container, FAR, bar, 128 * KIB, DMA_RW));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, happens(&f));
	ASSERT_EQ(0, function_command(&f, PCI_COMMAND_MEMORY));
	EXPECT_GE(COME_BACK_MS, comes_back(w));
	ASSERT_EQ(0, dma_map(w->container, FAR + GIB, bar, 128 * KIB, DMA_RW));

	memcpy(mem, &word, sizeof(word));
	ASSERT_EQ(0, edu_fetch(edu, IOVA));
	EXPECT_TRUE(soon_arrives(edu, FAR + GIB + E1000E_SCRATCH, bar + E1000E_SCRATCH, word));
	word++;
	memcpy(mem, &word, sizeof(word));
	ASSERT_EQ(0, edu_fetch(edu, IOVA));
	EXPECT_TRUE(soon_arrives(edu, FAR + E1000E_SCRATCH, bar + E1000E_SCRATCH, word));

	ASSERT_EQ(0, dma_unmap(w->container, FAR, 128 * KIB, 0, NULL));
	ASSERT_EQ(0, dma_unmap_all(w->container, NULL));
	ASSERT_EQ(0, munmap(bar, 128 * KIB));
	function_close(&f);
}

TEST_F(bars, device_that_is_reset)
{
	survives(_metadata, &self->w, self->mem, reset);
}

TEST_F(bars, device_that_sleeps_and_wakes)
{
	survives(_metadata, &self->w, self->mem, sleep_and_wake);
}

TEST_F(bars, device_whose_decoding_goes_off_and_on)
{
	survives(_metadata, &self->w, self->mem, decode_off_and_on);
}

/* A device that sleeps has no memory, on kernels whose vfio-pci knows that. */
TEST_F(bars, device_that_sleeps_cannot_be_mapped)
{
	const long asleep = kernel_running() < KERNEL(5, 19) ? 0 : -EFAULT;
	struct function f;
	char *bar;

	NEED_FUNCTION(&f, &self->w, PCI_E1000E, "e1000e");
	bar = function_bar(&f, VFIO_PCI_BAR0_REGION_INDEX, NULL, 128 * KIB);
	ASSERT_NE(NULL, bar);
	ASSERT_EQ(0, function_sleep(&f, true));
	EXPECT_EQ(asleep, dma_map(self->w.container, FAR, bar, 128 * KIB, DMA_RW));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	ASSERT_EQ(0, function_sleep(&f, false));
	ASSERT_EQ(0, function_command(&f, PCI_COMMAND_MEMORY));
	mapped_exactly(_metadata, &self->w, FAR, bar, 128 * KIB);
	ASSERT_EQ(0, munmap(bar, 128 * KIB));
	function_close(&f);
}

TEST_HARNESS_MAIN
