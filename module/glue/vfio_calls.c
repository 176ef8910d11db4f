// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callbacks of the VFIO core that are alike on every kernel: turn a handle into a reference and
 * call the engine, and decide nothing. Callbacks whose shape differs, and the table, are in
 * vfio_ops.c or vfio_ops_510.c; exactly one of the two is linked.
 *
 * The core offers a container to the most recently registered backend first, and silently tries the
 * next one when open or attach fails; so a failure for one of type1's ids is logged.
 */
#include "vfio_calls.h"

#include <linux/err.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include <uapi/linux/vfio_iommu_batch.h>

#include "engine/access.h"
#include "attach/group.h"
#include "abi/ioctl.h"
#include "vfio_glue.h"

static const struct vib_params *params;

/* The core may call open with any extension id that we offer; only these are backends. */
static bool is_type(unsigned long id)
{
	return id == VFIO_BATCH_IOMMU || id == VFIO_TYPE1_IOMMU || id == VFIO_TYPE1v2_IOMMU ||
	       id == VFIO_BATCH_CHROMEOS_IOMMU;
}

void *vib_vfio_open(unsigned long type)
{
	void *handle;

	if (!is_type(type))
		return ERR_PTR(-EINVAL);
	handle = vib_ioas_open(type, type != VFIO_TYPE1_IOMMU, params, vib_vfio_notify);
	if (IS_ERR(handle) && type != VFIO_BATCH_IOMMU)
		pr_warn_once("cannot open a container (%ld): VFIO falls back to another backend\n",
			     PTR_ERR(handle));
	return handle;
}

void vib_vfio_release(void *handle)
{
	vib_ioas_release(handle);
}

long vib_vfio_ioctl(void *handle, unsigned int cmd, unsigned long arg)
{
	struct vib_ioas *ioas = handle ? vib_ioas_get(handle) : NULL;
	long ret;

	if (cmd == VFIO_CHECK_EXTENSION)
		ret = vib_ioctl_check_extension(ioas, params, arg);
	else
		ret = ioas ? vib_ioctl(ioas, cmd, arg) : -EINVAL;
	if (ioas)
		vib_ioas_put(ioas);
	return ret;
}

int vib_vfio_attach(void *handle, struct iommu_group *group, bool emulated)
{
	struct vib_ioas *ioas = vib_ioas_get(handle);
	int ret;

	if (!ioas)
		return -EINVAL;
	if (emulated)
		ret = vib_group_attach_emulated(ioas, group);
	else
		ret = vib_group_attach(ioas, group);
	if (ret && ioas->type != VFIO_BATCH_IOMMU)
		pr_warn_once("cannot attach group %d (%d): VFIO may fall back to another backend\n",
			     iommu_group_id(group), ret);
	vib_ioas_put(ioas);
	return ret;
}

void vib_vfio_detach_group(void *handle, struct iommu_group *group)
{
	struct vib_ioas *ioas = vib_ioas_get(handle);

	if (!ioas)
		return;
	vib_group_detach(ioas, group);
	vib_ioas_put(ioas);
}

int vib_vfio_dma_rw(void *handle, dma_addr_t iova, void *buf, size_t count, bool write)
{
	struct vib_ioas *ioas = vib_ioas_get(handle);
	int ret;

	if (!ioas)
		return -EINVAL;
	ret = vib_access_rw(ioas, iova, buf, count, write);
	vib_ioas_put(ioas);
	return ret;
}

int vib_vfio_register(const struct vib_params *p)
{
	params = p;
	return vfio_register_iommu_driver(&vib_vfio_ops);
}

void vib_vfio_unregister(void)
{
	vfio_unregister_iommu_driver(&vib_vfio_ops);
	vib_ioas_wait_all();
	/*
	 * Once a container is released, the core may still run its ioctls without a reference to
	 * the module. Such a call holds no ioas any more, but may be just before its lookup or just
	 * after its last put. It does not sleep there, so it has left the module once every task
	 * has switched voluntarily.
	 */
	synchronize_rcu_tasks();
}
