// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands: one a write to /sys/kernel/debug/mock_iommu/control.
 *
 *   reset                            limits, switches and counters as after loading
 *   fail CALL N ERRNO                the N-th CALL from now on fails once (attach, alloc, map or
 *                                    any); N of 0 switches it off
 *   hold N                           the N-th map call from now on waits until the next such order,
 *                                    or a kill, and a call that waits goes on; 0: none waits
 *   stuck IOVA                       the page there cannot be unmapped; 0xffffffffffffffff: none
 *   unmap_max PAGES                  one unmap call takes no more pages; 0: no limit
 *   attach_ms MS                     an attach takes that long
 *   coarse 0|1                       what is mapped from now on has one entry a page: so very much
 *                                    can be, and what lies inside a page is not seen
 *   uncoherent DEVICE                its DMA cannot be made to snoop, though its instance could
 *   instance I aperture FIRST LAST   limits of instance I, which its next domains get
 *   instance I pgsizes BITMAP
 *   instance I ops VARIANT
 *   instance I coherent 0|1
 *   instance I foreign ERRNO         how it refuses domains of other instances; 0: it does not
 *   instance I assign 0|1            every attach gives the domain this instance's limits
 *   instance I reserved FIRST LAST TYPE    enum iommu_resv_type
 *
 * Anything else is -EINVAL.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "mock_iommu.h"

static const char * const call_names[MOCK_CALLS] = {
	[MOCK_ATTACH] = "attach",
	[MOCK_ALLOC] = "alloc",
	[MOCK_MAP] = "map",
	[MOCK_ANY] = "any",
};

static int count_down(enum mock_call call)
{
	if (!mock.fail_in[call] || --mock.fail_in[call])
		return 0;
	mock.fired++;
	return -mock.fail_with[call];
}

int mock_fails(enum mock_call call)
{
	int any = count_down(MOCK_ANY);
	int ret = count_down(call);

	return ret ? ret : any;
}

static DECLARE_WAIT_QUEUE_HEAD(hold_wait);

/* Whoever waits counts no more at once, so that a test does not take it for the next one. */
static void set_hold(unsigned int n)
{
	mock.hold_in = n;
	mock.held = 0;
	WRITE_ONCE(mock.hold_orders, mock.hold_orders + 1);
	wake_up_all(&hold_wait);
}

void mock_hold_call(void)
{
	unsigned int seen;

	if (!mock.hold_in || --mock.hold_in)
		return;
	mock.held++;
	seen = mock.hold_orders;
	mutex_unlock(&mock_lock);
	/* A call that is killed goes on, too. */
	(void)wait_event_killable(hold_wait, READ_ONCE(mock.hold_orders) != seen);
	mutex_lock(&mock_lock);
	mock.held -= mock.hold_orders == seen;
}

void mock_wrong(enum mock_error error)
{
	mock.errors[error]++;
}

static void reset_instance(struct mock_instance *inst)
{
	inst->limits = (struct mock_limits){
		.last = (1ULL << 48) - 1,
		.pgsizes = SZ_4K | SZ_2M | SZ_1G,
		.coherent = true,
	};
	inst->foreign = 0;
	inst->assign = false;
	inst->nr_reserved = 0;
	inst->attaches = 0;
	inst->detaches = 0;
}

void mock_reset(void)
{
	struct mock_domain *dom;
	unsigned int i;

	for (i = 0; i < MOCK_INSTANCES; i++)
		reset_instance(&mock.instances[i]);
	for (i = 0; i < mock.nr_devices; i++)
		mock.device[i].uncoherent = false;
	list_for_each_entry(dom, &mock.domains, node)
		memset(&dom->counts, 0, sizeof(dom->counts));
	memset(&mock.counts, 0, sizeof(mock.counts));
	atomic_long_set(&mock.lookups, 0);
	memset(mock.errors, 0, sizeof(mock.errors));
	memset(mock.fail_in, 0, sizeof(mock.fail_in));
	mock.allocs = 0;
	mock.frees = 0;
	mock.fired = 0;
	mock.stuck = U64_MAX;
	mock.unmap_max = 0;
	mock.coarse = false;
	mock.attach_ms = 0;
	mock.together = 0;
	set_hold(0);
}

static int set_fail(const char *args)
{
	unsigned int n;
	char name[16];
	int error, i;

	if (sscanf(args, "%15s %u %d", name, &n, &error) != 3)
		return -EINVAL;
	i = match_string(call_names, MOCK_CALLS, name);
	if (i < 0)
		return i;
	mock.fail_in[i] = n;
	mock.fail_with[i] = error;
	return 0;
}

static int add_reserved(struct mock_instance *inst, const char *args)
{
	unsigned long long start, last;
	unsigned int type;

	if (inst->nr_reserved == MOCK_RESERVED ||
	    sscanf(args, "%lli %lli %u", &start, &last, &type) != 3)
		return -EINVAL;
	inst->reserved[inst->nr_reserved].start = start;
	inst->reserved[inst->nr_reserved].last = last;
	inst->reserved[inst->nr_reserved++].type = type;
	return 0;
}

static int set_limit(struct mock_instance *inst, const char *key, const char *args)
{
	unsigned long long a, b;
	int nr = sscanf(args, "%lli %lli", &a, &b);

	if (nr < 1)
		return -EINVAL;
	if (!strcmp(key, "aperture") && nr == 2) {
		inst->limits.first = a;
		inst->limits.last = b;
	} else if (!strcmp(key, "pgsizes")) {
		inst->limits.pgsizes = a;
	} else if (!strcmp(key, "ops") && a < MOCK_VARIANTS) {
		inst->limits.variant = a;
	} else if (!strcmp(key, "coherent")) {
		inst->limits.coherent = a;
	} else if (!strcmp(key, "foreign")) {
		inst->foreign = a;
	} else if (!strcmp(key, "assign")) {
		inst->assign = a;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int set_instance(const char *args)
{
	unsigned int nr;
	char key[16];
	int used;

	if (sscanf(args, "%u %15s %n", &nr, key, &used) != 2 || nr >= MOCK_INSTANCES)
		return -EINVAL;
	if (!strcmp(key, "reserved"))
		return add_reserved(&mock.instances[nr], args + used);
	return set_limit(&mock.instances[nr], key, args + used);
}

static int set_uncoherent(const char *name)
{
	unsigned int i;

	for (i = 0; i < mock.nr_devices; i++) {
		if (strcmp(mock.device[i].name, name))
			continue;
		mock.device[i].uncoherent = true;
		return 0;
	}
	return -ENODEV;
}

static int command(const char *text)
{
	unsigned long long value;

	if (!strcmp(text, "reset"))
		mock_reset();
	else if (!strncmp(text, "fail ", 5))
		return set_fail(text + 5);
	else if (!strncmp(text, "instance ", 9))
		return set_instance(text + 9);
	else if (!strncmp(text, "uncoherent ", 11))
		return set_uncoherent(text + 11);
	else if (sscanf(text, "stuck %lli", &value) == 1)
		mock.stuck = value;
	else if (sscanf(text, "hold %lli", &value) == 1)
		set_hold(value);
	else if (sscanf(text, "unmap_max %lli", &value) == 1)
		mock.unmap_max = value;
	else if (sscanf(text, "attach_ms %lli", &value) == 1)
		mock.attach_ms = value;
	else if (sscanf(text, "coarse %lli", &value) == 1)
		mock.coarse = value;
	else
		return -EINVAL;
	return 0;
}

static ssize_t control_write(struct file *file, const char __user *user, size_t size, loff_t *pos)
{
	char *text;
	int ret;

	if (size > PAGE_SIZE)
		return -EINVAL;
	text = memdup_user_nul(user, size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	mutex_lock(&mock_lock);
	ret = command(strim(text));
	mutex_unlock(&mock_lock);
	kfree(text);
	return ret ? ret : size;
}

static const struct file_operations control_fops = {
	.open = nonseekable_open,
	.write = control_write,
};

void mock_debugfs_init(void)
{
	struct dentry *dir = debugfs_create_dir("mock_iommu", NULL);

	debugfs_create_file("control", 0200, dir, NULL, &control_fops);
	mock_report_init(dir);
}
