// SPDX-License-Identifier: GPL-2.0-only
/* See op.h. */
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "op.h"

static const char *const kinds[OP_KINDS] = {
	"MAP", "UNMAP", "DIRTY", "INFO", "EXTENSION", "IOCTL", "LIMIT",
	"ATTACH", "DETACH", "ZAP", "DMA",
};

static const char *const args[ARG_PLACES] = {
	"", " arg=tight", " arg=cut", " arg=readonly", " arg=null",
};

static const char *const places[BITMAP_PLACES] = {
	"", "tight", "cut", "odd", "readonly", "null", "kernel",
};

const char *op_kind_name(enum op_kind kind)
{
	return kinds[kind];
}

static int print_vaddr(const struct op *op, char *text, size_t size)
{
	char where[48];

	if (op->vaddr_raw)
		return snprintf(text, size, " vaddr=%#llx", op->vaddr);
	arena_describe(op->vaddr, where, sizeof(where));
	return snprintf(text, size, " vaddr=%s", where);
}

static int print_bitmap(const struct op_bitmap *bitmap, char *text,
			size_t size)
{
	return snprintf(text, size,
			" bitmap={pgsize=%#llx size=%#llx fill=%#x %s}",
			bitmap->pgsize, bitmap->size, bitmap->fill,
			places[bitmap->place]);
}

static int print_range(const struct op *op, char *text, size_t size)
{
	return snprintf(text, size, " argsz=%u flags=%#x iova=%#llx size=%#llx",
			op->argsz, op->flags, op->iova, op->size);
}

static int print_rest(const struct op *op, char *text, size_t size)
{
	switch (op->kind) {
	case OP_INFO:
		return snprintf(text, size, " argsz=%s%d",
				op->argsz_needed ? "needed+" : "",
				(int)op->argsz);
	case OP_EXTENSION:
	case OP_OTHER:
		return snprintf(text, size, " %#llx", op->value);
	case OP_LIMIT:
		return snprintf(text, size, " headroom=%ld%s", op->headroom,
				op->privileged ? " CAP_IPC_LOCK" : "");
	case OP_DMA:
		return snprintf(text, size, " iova=%#llx", op->iova);
	}
	return 0;
}

void op_print(const struct op *op, char *text, size_t size)
{
	size_t at;

	at = snprintf(text, size, "%s", kinds[op->kind]);
	if (op->kind == OP_MAP || op->kind == OP_UNMAP ||
	    op->kind == OP_DIRTY)
		at += print_range(op, text + at, size - at);
	else
		at += print_rest(op, text + at, size - at);
	if (op->kind == OP_MAP || op->kind == OP_ZAP)
		at += print_vaddr(op, text + at, size - at);
	if (op->kind == OP_UNMAP || op->kind == OP_DIRTY)
		at += print_bitmap(&op->bitmap, text + at, size - at);
	at += snprintf(text + at, size - at, "%s", args[op->arg]);
	snprintf(text + at, size - at, "%s",
		 op->ours_first ? " (ours first)" : "");
}
