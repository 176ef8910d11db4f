// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: MOCK_DEVICES platform devices, each the parent of one emulated VFIO device.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#include "device.h"

static struct platform_device *parents[MOCK_DEVICES];

/* The VFIO core holds a device's driver while the device is open, so there has to be one. */
static int probe(struct platform_device *pdev)
{
	return 0;
}

static struct platform_driver driver = {
	.probe = probe,
	.driver.name = MOCK_NAME,
	.driver.suppress_bind_attrs = true,
};

static int add_device(int i)
{
	struct platform_device *parent;
	int ret;

	parent = platform_device_register_simple(MOCK_NAME, i, NULL, 0);
	if (IS_ERR(parent))
		return PTR_ERR(parent);
	ret = mock_add(&parent->dev);
	if (ret)
		platform_device_unregister(parent);
	else
		parents[i] = parent;
	return ret;
}

static void remove_all(void)
{
	int i;

	for (i = 0; i < MOCK_DEVICES && parents[i]; i++) {
		mock_remove(&parents[i]->dev);
		platform_device_unregister(parents[i]);
	}
	platform_driver_unregister(&driver);
}

static int __init mock_module_init(void)
{
	int i, ret;

	ret = platform_driver_register(&driver);
	if (ret)
		return ret;
	for (i = 0; i < MOCK_DEVICES && !ret; i++)
		ret = add_device(i);
	if (ret)
		remove_all();
	return ret;
}

static void __exit mock_module_exit(void)
{
	remove_all();
}

module_init(mock_module_init);
module_exit(mock_module_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Emulated VFIO devices for tests");
