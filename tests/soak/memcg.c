// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a client makes the kernel allocate is charged to its memory cgroup, so
 * that a limit there holds; but for IOMMU page tables on kernels whose
 * iommu_map() takes no allocation flags (before 6.3), which RLIMIT_MEMLOCK
 * bounds instead: by how much is measured here.
 *
 * The client maps one page again and again, so that what grows is what the
 * kernel keeps for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest/lib/cgroup.h"
#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/ledger.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/world.h"
#include "leftovers.h"
#include "tap.h"

/* Far above what x86 reserves for interrupts. */
#define BASE (8 * GIB)
#define LIMIT_BYTES (24 * (long)MIB)
/* What else runs: what a measure of the system is off by. */
#define NOISE (2 * (long)MIB)

enum { SCATTERED = 1024, CHILD_PAGES = 16, TABLE = 4096 };

/* What grows: so many mappings of so many pages, so far apart. */
struct growth {
	const char *name;
	unsigned int count, pages;
	__u64 stride;
	long least;		/* or it has not grown at all */
	bool tables;		/* mostly page tables */
	bool gone;		/* each is unmapped at once */
	bool children;		/* each is made by a child, which ends */
	bool spared;		/* the kernel may not kill for the limit */
	bool bitmaps;		/* made before: what grows is their dirty bitmaps */
};

static const struct growth mappings = {
	.name = "150000 mappings", .count = 150000, .pages = 1, .stride = PAGE,
	.least = 12 * MIB,
};

/* No two pages contiguous: an extent each. */
static const struct growth extents = {
	.name = "2000 mappings of 1024 extents", .count = 2000,
	.pages = SCATTERED, .stride = SCATTERED * PAGE, .least = 15 * MIB,
};

static const struct growth tables = {
	.name = "4096 mappings 2 MiB apart", .count = 4096, .pages = 1,
	.stride = 2 * MIB, .least = 15 * MIB, .tables = true,
};

/* The most that 39 bits allow: each with two tables of its own. */
static const struct growth far = {
	.name = "400 mappings 1 GiB apart", .count = 400, .pages = 1,
	.stride = GIB, .least = 3 * MIB, .tables = true,
};

/* VT-d keeps emptied tables, so this is not bounded by what is locked. */
static const struct growth gone = {
	.name = "4096 mappings come and gone, 2 MiB apart", .count = 4096,
	.pages = 1, .stride = 2 * MIB, .least = 15 * MIB, .gone = true,
};

/* A bit for each page of 4 KiB, of huge pages that are mapped all over. */
static const struct growth bitmaps = {
	.name = "dirty bitmaps of 256 GiB", .count = 4096, .pages = 16384,
	.stride = 64 * MIB, .bitmaps = true,
	/* But for what a CPU had charged ahead. */
	.least = 8 * MIB - 512 * KIB,
};

/* What a process that has ended had locked is nobody's; its pages stay pinned. */
static const struct growth children = {
	.name = "children", .count = 15000, .pages = CHILD_PAGES,
	.stride = CHILD_PAGES * PAGE, .children = true,
};

/* What the client tells: written before it stops to be looked at. */
struct report {
	unsigned int mapped;
	int ret;
	long locked;
};

static struct report *report;

static bool charged_tables(void)
{
	return kernel_running() >= KERNEL(6, 3);
}

/* Free in the system, what CPUs keep at hand included. */
static long free_bytes(void)
{
	long pages, sum = 0;
	char line[256];
	FILE *file;

	file_read_long("/proc/sys/vm/stat_refresh");
	file = fopen("/proc/zoneinfo", "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " count: %ld", &pages) == 1)
			sum += pages;
	if (file)
		fclose(file);
	return file_keyed_long("/proc/meminfo", "MemFree:") * 1024 + sum * PAGE;
}

/* Pages of a memfd in an order in which no two are contiguous. */
static char *scattered(void)
{
	int fd = memfd_create("scattered", MFD_CLOEXEC);
	char *mem, *back;
	unsigned int i;

	if (fd < 0 || ftruncate(fd, 2 * SCATTERED * PAGE))
		return NULL;
	back = mmap(NULL, 2 * SCATTERED * PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, fd, 0);
	mem = mem_untouched(SCATTERED * PAGE);
	if (back == MAP_FAILED || !mem)
		return NULL;
	/* Every other page, from the end. */
	for (i = 0; i < SCATTERED; i++)
		if (mmap(mem + i * PAGE, PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
			 (2 * (SCATTERED - i) - 1) * PAGE) == MAP_FAILED)
			return NULL;
	munmap(back, 2 * SCATTERED * PAGE);
	return mem;
}

/* A child that maps memory of its own and ends. */
static int map_in_child(int container, __u64 iova)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return -ENOMEM;
	if (!pid)
		_exit(dma_map(container, iova, mem_small(CHILD_PAGES * PAGE),
			      CHILD_PAGES * PAGE, DMA_RW) ? 1 : 0);
	waitpid(pid, &status, 0);
	return status ? -ENOMEM : 0;
}

static int grow(const struct growth *growth, int container, char *mem)
{
	__u64 iova = BASE + report->mapped * growth->stride;
	__u64 size = growth->pages * PAGE;
	int ret;

	if (growth->children)
		return map_in_child(container, iova);
	ret = dma_map(container, iova, mem, size, DMA_RW);
	if (!ret && growth->gone)
		ret = dma_unmap(container, iova, size, 0, NULL);
	return ret;
}

static void grow_all(const struct growth *growth, int container, char *mem)
{
	while (!report->ret && report->mapped < growth->count) {
		report->ret = grow(growth, container, mem);
		report->mapped += !report->ret;
	}
}

/* The client: ready, then maps until it is done or refused, then waits. */
static void client(const struct growth *growth, char *mem, int ready, int go)
{
	struct world w;
	char c = 0;

	/* Then an allocation above the limit fails, instead of ending somebody. */
	if (growth->spared && file_write("/proc/self/oom_score_adj", "-1000"))
		_exit(1);
	if (cgroup_enter() || world_open(&w, MODE_BATCH, 1) != WORLD_READY)
		_exit(1);
	/* The first of everything is not what is measured. */
	if (dma_map(w.container, 16 * MIB, mem, PAGE, DMA_RW))
		_exit(1);
	/* Here, or a fork would split them. */
	if (growth->bitmaps)
		mem = mem_thp(growth->pages * PAGE);
	if (growth->bitmaps)
		grow_all(growth, w.container, mem);
	if (write(ready, &c, 1) != 1 || read(go, &c, 1) != 1)
		_exit(1);
	grow_all(growth, w.container, mem);
	if (growth->bitmaps && !report->ret)
		report->ret = dirty_start(w.container);
	report->locked = locked_pages();
	if (write(ready, &c, 1) != 1 || read(go, &c, 1) != 1)
		_exit(1);
	_exit(world_close(&w) ? 1 : 0);
}

struct run {
	pid_t pid;
	int ready, go;
};

/* Until the client stands before its first mapping. */
static bool begin(struct run *run, const struct growth *growth)
{
	int ready[2], go[2];
	char *mem, c;

	memset(report, 0, sizeof(*report));
	mem = growth->pages == SCATTERED ? scattered() : mem_small(PAGE);
	if (!mem || pipe(ready) || pipe(go))
		return false;
	run->pid = fork();
	if (!run->pid) {
		close(ready[0]);
		close(go[1]);
		client(growth, mem, ready[1], go[0]);
	}
	close(ready[1]);
	close(go[0]);
	run->ready = ready[0];
	run->go = go[1];
	mem_free(mem, growth->pages == SCATTERED ? SCATTERED * PAGE : PAGE);
	return read(run->ready, &c, 1) == 1;
}

/* On to the next stop, or its end: true if it lives. */
static bool proceed(struct run *run)
{
	char c = 0;

	return write(run->go, &c, 1) == 1 && read(run->ready, &c, 1) == 1;
}

static int end(struct run *run)
{
	int status = -1;

	close(run->go);
	close(run->ready);
	waitpid(run->pid, &status, 0);
	return status;
}

/* Of page tables: one for each 2 MiB, and one for each GiB, that is touched. */
static long table_bytes(const struct growth *growth)
{
	__u64 span = growth->count * growth->stride;
	__u64 leaves = span / (2 * MIB), middle = span / GIB;

	if (leaves > growth->count * (growth->pages / 512 + 1))
		leaves = growth->count * (growth->pages / 512 + 1);
	return (leaves + middle) * TABLE;
}

/* How much memory the system and the cgroup lose to @growth. */
static void measure(const struct growth *growth)
{
	long lost, charged, allowed = NOISE;
	struct run run;
	bool lives;

	lives = begin(&run, growth);
	lost = free_bytes();
	charged = cgroup_current();
	lives = lives && proceed(&run);
	lost -= free_bytes();
	charged = cgroup_current() - charged;
	if (!charged_tables() && !growth->bitmaps)
		allowed += table_bytes(growth);
	tap(lives && report->mapped == growth->count && !report->ret &&
	    lost >= growth->least && lost - charged <= allowed &&
	    (!growth->bitmaps || charged >= growth->least),
	    "%s: %ld KiB taken from the system, %ld KiB charged, %ld pages locked%s",
	    growth->name, lost / 1024, charged / 1024, report->locked,
	    charged_tables() ? "" : "; this kernel cannot charge page tables");
	if (growth->tables)
		tap(lost <= 2 * report->locked * TABLE + NOISE,
		    "%s: %ld KiB are at most twice the %ld KiB locked",
		    growth->name, lost / 1024, report->locked * 4);
	end(&run);
}

/* What the log has said since @fd was opened, but for the report of that kill. */
static unsigned int faults(int fd)
{
	static const char * const bad[] = {
		"cut here", "BUG:", "Oops", "WARNING:", "Bad page",
	};
	unsigned int i, nr = 0;
	char line[8 * KIB];
	ssize_t got;

	while ((got = read(fd, line, sizeof(line) - 1)) > 0) {
		line[got] = '\0';
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			nr += !!strstr(line, bad[i]);
	}
	return nr;
}

/* Without end, but for the limit: refused or killed, and nothing is left. */
static void exceed(struct growth growth, unsigned int least)
{
	long lost, kills;
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct run run;
	bool lives;
	int status;

	cgroup_remove();
	if (!tap(!cgroup_make(), "a memory cgroup of its own"))
		return;
	lseek(log, 0, SEEK_END);
	cgroup_quiet(true);
	lives = begin(&run, &growth) && !cgroup_limit(LIMIT_BYTES);
	lost = free_bytes();
	lives = lives && proceed(&run);
	lost -= lives ? free_bytes() : lost;
	status = end(&run);
	cgroup_quiet(false);
	kills = cgroup_kills();
	tap(lives || growth.spared ? lives && report->ret == -ENOMEM :
	    kills > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	    "%s without RLIMIT_MEMLOCK: %s after %u", growth.name,
	    lives ? "refused" : "killed", report->mapped);
	tap(cgroup_peak() <= LIMIT_BYTES && lost <= LIMIT_BYTES + NOISE,
	    "at most %ld of %ld KiB were charged", cgroup_peak() / 1024,
	    LIMIT_BYTES / 1024);
	tap(report->mapped > least && report->mapped < growth.count,
	    "it came to %u mappings", report->mapped);
	tap(!faults(log), "the kernel log has nothing else to say");
	cgroup_limit(0);
	close(log);
}

int main(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct growth endless = mappings;
	const char *left;

	endless.name = "mappings";
	endless.count *= 100;
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!tap(report != MAP_FAILED && !cgroup_make() &&
		 !setrlimit(RLIMIT_MEMLOCK, &all), "a memory cgroup"))
		return tap_end();
	signal(SIGPIPE, SIG_IGN);
	leftovers_begin();
	measure(&mappings);
	measure(&extents);
	measure(&tables);
	measure(&far);
	measure(&gone);
	measure(&bitmaps);
	exceed(endless, 100000);
	endless.spared = true;
	endless.name = "mappings that nobody is killed for";
	exceed(endless, 100000);
	exceed(children, 100);
	left = leftovers();
	tap(!left, "nothing is left%s%s", left ? ": " : "", left ? left : "");
	cgroup_remove();
	return tap_end();
}
