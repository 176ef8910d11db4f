// SPDX-License-Identifier: GPL-2.0-only
/* See iommufd.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest/lib/container.h"
#include "../kselftest/lib/ledger.h"
#include "../kselftest/lib/pci.h"
#include "../kselftest/lib/util.h"
#include "iommufd.h"
#include "rows.h"

bool iommufd_present(void)
{
	return !access("/dev/iommu", R_OK | W_OK);
}

static int open_or_fail(const char *path)
{
	int fd = neg_errno(open(path, O_RDWR | O_CLOEXEC));

	must(fd < 0 ? fd : 0, path);
	return fd;
}

static int is_device(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "vfio", 4);
}

/* VFIO's own character device of @pci. */
static int open_device(const struct pci_dev *pci)
{
	struct dirent **entry;
	char path[300];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.15s/vfio-dev", pci->addr);
	if (scandir(path, &entry, is_device, alphasort) != 1)
		fail("not one device in %s", path);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", entry[0]->d_name);
	return open_or_fail(path);
}

static void bind_device(struct iommufd *f)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = f->fd,
	};

	must(vfio_ioctl(f->device, VFIO_DEVICE_BIND_IOMMUFD, &bind), "bind to iommufd");
}

static void attach_device(struct iommufd *f)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach) };

	must(vfio_ioctl(f->fd, IOMMU_IOAS_ALLOC, &alloc), "address space of iommufd");
	f->ioas = alloc.out_ioas_id;
	attach.pt_id = f->ioas;
	must(vfio_ioctl(f->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach), "attach to iommufd");
}

void iommufd_open(struct iommufd *f)
{
	struct pci_dev pci;

	if (pci_find_groups(PCI_EDU, &pci, 1) != 1)
		fail("no edu device for iommufd");
	f->pinned = pinned_pages();
	f->fd = open_or_fail("/dev/iommu");
	f->device = open_device(&pci);
	bind_device(f);
	attach_device(f);
}

int iommufd_map(struct iommufd *f, __u64 iova, const char *mem, __u64 size)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = f->ioas,
		.user_va = (unsigned long)mem,
		.length = size,
		.iova = iova,
	};

	return vfio_ioctl(f->fd, IOMMU_IOAS_MAP, &map);
}

int iommufd_unmap(struct iommufd *f, __u64 iova, __u64 size, __u64 *unmapped)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = f->ioas,
		.iova = iova,
		.length = size,
	};
	int ret = vfio_ioctl(f->fd, IOMMU_IOAS_UNMAP, &unmap);

	*unmapped = unmap.length;
	return ret;
}

void iommufd_end(struct iommufd *f)
{
	struct vfio_device_detach_iommufd_pt detach = { .argsz = sizeof(detach) };
	struct iommu_destroy destroy = { .size = sizeof(destroy), .id = f->ioas };

	must(vfio_ioctl(f->device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach),
	     "detach from iommufd");
	must(vfio_ioctl(f->fd, IOMMU_DESTROY, &destroy), "end of an address space of iommufd");
}

void iommufd_close(struct iommufd *f)
{
	close(f->device);
	close(f->fd);
	if (pinned_pages() != f->pinned)
		fail("after closing iommufd: %ld pages were pinned and %ld are", f->pinned,
		     pinned_pages());
}
