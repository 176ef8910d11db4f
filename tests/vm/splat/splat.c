// SPDX-License-Identifier: GPL-2.0-only
/*
 * One mistake for each check that a debug kernel is expected to make (tests/vm/debug.config): the
 * parameter says which, and loading the module makes it. tests/vm/selftest demands that the run
 * does not pass. Where the check is missing, the mistake is harmless to the guest's end.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *mistake = "";
module_param(mistake, charp, 0);
MODULE_PARM_DESC(mistake, "use-after-free, deadlock, ...");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);
static DECLARE_RWSEM(rwsem);

/* KASAN */
static void use_after_free(void)
{
	char *volatile object = kmalloc(64, GFP_KERNEL);

	kfree(object);
	if (object)
		pr_info("splat: %d\n", READ_ONCE(object[8]));
}

/* PAGE_POISONING: a write that KASAN does not see, as a device's would be */
static __no_sanitize_address void write_after_free(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	volatile char *at;

	if (!page)
		return;
	at = page_address(page);
	__free_page(page);
	at[8] = 0;
	page = alloc_page(GFP_KERNEL);
	if (page)
		__free_page(page);
}

/* lockdep: both orders, one after the other */
static void deadlock(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

/* lockdep_assert_held() and the like */
static void not_held(void)
{
	lockdep_assert_held_write(&rwsem);
}

/* DEBUG_ATOMIC_SLEEP */
static void atomic_sleep(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

/* kmemleak */
static void leak(void)
{
	int i;

	/* One alone may be found in a register or on a stack. */
	for (i = 0; i < 16; i++)
		pr_info("splat: %d bytes are lost\n", kmalloc(96, GFP_KERNEL) ? 96 : 0);
}

/* UBSAN */
static void shift(void)
{
	volatile unsigned int bits = 40;

	pr_info("splat: %d\n", 1 << bits);
}

/* DEBUG_LIST */
static void list(void)
{
	struct list_head head, node;

	INIT_LIST_HEAD(&head);
	list_add(&node, &head);
	head.next = &head;
	list_del(&node);
}

static void refcount(void)
{
	refcount_t refs = REFCOUNT_INIT(0);

	refcount_inc(&refs);
}

static const struct {
	const char *name;
	void (*make)(void);
} mistakes[] = {
	{ "use-after-free", use_after_free },
	{ "write-after-free", write_after_free },
	{ "deadlock", deadlock },
	{ "not-held", not_held },
	{ "atomic-sleep", atomic_sleep },
	{ "leak", leak },
	{ "shift", shift },
	{ "list", list },
	{ "refcount", refcount },
};

static int __init splat_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		if (strcmp(mistake, mistakes[i].name))
			continue;
		mistakes[i].make();
		return 0;
	}
	return -EINVAL;
}

static void __exit splat_exit(void)
{
}

module_init(splat_init);
module_exit(splat_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("One mistake for each check of a debug kernel");
