// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module init and exit, and the parameters.
 */
#include <linux/limits.h>
#include <linux/module.h>

#include "abi/claim.h"
#include "abi/debugfs.h"
#include "glue/vfio_glue.h"
#include "engine/bar.h"
#include "engine/ioas.h"
#include "mm/helpers.h"
#include "params.h"

static struct vib_params params = {
	.map_threads = VIB_HELPERS_ARE_THREADS ? 0 : 1,
	.dma_entry_limit = U16_MAX,
};

module_param_named(claim_type1, params.claim_type1, bool, 0644);
MODULE_PARM_DESC(claim_type1, "Also serve containers that ask for VFIO_TYPE1_IOMMU or VFIO_TYPE1v2_IOMMU (default: N)");
module_param_cb(claim_only, &vib_claim_only_ops, params.claim_only, 0644);
MODULE_PARM_DESC(claim_only, "With claim_type1, serve only processes of these names: patterns with * and ?, separated by commas (default: empty, all)");
module_param_named(allow_unsafe_interrupts, params.allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts, "Accept groups without interrupt remapping: a device may then raise any interrupt (default: N)");
module_param_named(disable_hugepages, params.disable_hugepages, bool, 0644);
MODULE_PARM_DESC(disable_hugepages, "Map page by page, so that no larger IOMMU page is used, for later mappings (default: N)");
module_param_named(map_threads, params.map_threads, uint, 0644);
MODULE_PARM_DESC(map_threads, "Most threads that fault in untouched memory for one large map, or unpin it, on CPUs of the caller's node that it may use (at most 16; 0: one for each such CPU; 1: the caller alone; default: 0 where they are threads of the caller's process, from Linux 6.12 on, else 1)");
module_param_named(dma_entry_limit, params.dma_entry_limit, uint, 0644);
MODULE_PARM_DESC(dma_entry_limit, "Limit on mappings of a container that charge no locked memory, such as BARs (default: 65535)");

static int __init batch_init(void)
{
	int ret;

	ret = vib_mapping_cache_init();
	if (ret)
		return ret;
	ret = vib_bars_init();
	if (ret)
		goto err_cache;
	ret = vib_helpers_init();
	if (ret)
		goto err_bars;
	ret = vib_vfio_register(&params);
	if (ret)
		goto err_helpers;
	vib_debugfs_init();
	return 0;

err_helpers:
	vib_helpers_fini();
err_bars:
	vib_bars_fini();
err_cache:
	vib_mapping_cache_fini();
	return ret;
}

static void __exit batch_exit(void)
{
	vib_debugfs_fini();
	vib_vfio_unregister();
	vib_helpers_fini();
	vib_bars_fini();
	vib_mapping_cache_fini();
}

module_init(batch_init);
module_exit(batch_exit);

MODULE_DESCRIPTION("VFIO IOMMU backend with batched mapping, unmapping and unpinning");
MODULE_LICENSE("GPL v2");
MODULE_VERSION("0.2.0");
