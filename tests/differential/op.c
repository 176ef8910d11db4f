// SPDX-License-Identifier: GPL-2.0-only
/* See op.h. */
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "op.h"

static const char *const kinds[OP_KINDS] = {
	"MAP", "UNMAP", "DIRTY", "BATCH", "INFO", "EXTENSION", "IOCTL", "LIMIT",
	"ATTACH", "DETACH", "ZAP", "DMA",
};

static const char *const args[ARG_PLACES] = {
	"", " arg=tight", " arg=cut", " arg=readonly", " arg=null",
};

static const char *const places[BITMAP_PLACES] = {
	"", "tight", "cut", "odd", "readonly", "null", "kernel",
};

struct op op_of_part(const struct op *op, unsigned int part)
{
	const struct op_part *p = &op->part[part];

	return (struct op){
		.number = op->number,
		.kind = p->flags ? OP_MAP : OP_UNMAP,
		.flags = p->flags,
		.iova = p->iova,
		.size = p->size,
		.vaddr = p->vaddr,
		.vaddr_raw = p->vaddr_raw,
	};
}

bool op_only_maps(const struct op *op)
{
	unsigned int i;

	for (i = 0; i < op->nparts; i++)
		if (!op->part[i].flags)
			return false;
	return true;
}

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

static void print_parts(const struct op *op, char *text, size_t size)
{
	size_t at = snprintf(text, size, "%s", op->whole ? " whole" : "");
	unsigned int i;

	for (i = 0; i < op->nparts; i++) {
		struct op one = op_of_part(op, i);

		at += snprintf(text + at, size - at, "%s %s %#llx+%#llx",
			       i ? "," : "", kinds[one.kind], one.iova, one.size);
		if (one.kind != OP_MAP)
			continue;
		at += snprintf(text + at, size - at, " flags=%#x", one.flags);
		at += print_vaddr(&one, text + at, size - at);
	}
}

void op_print(const struct op *op, char *text, size_t size)
{
	size_t at;

	at = snprintf(text, size, "%s", kinds[op->kind]);
	if (op->kind == OP_BATCH)
		print_parts(op, text + at, size - at);
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
