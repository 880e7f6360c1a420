/* SPDX-License-Identifier: MIT */
/*
 * Mapping, unmapping and looking up. What must hold: a present entry is never overwritten by a
 * mapping, and unmapping clears leaf entries and nothing else, so that a CPU with stale paging
 * structures walks through tables that are still tables (rule R1).
 */
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging_table.h"

u64 paging_supported_flags = ~0UL;
void (*paging_changed)(phys_addr_t root, u64 start, u64 end);

/*
 * Where a walk ended: at an entry that was not present, or a leaf. What it is must be decided by
 * VALUE, which the walk went by. Read anew, an entry that was not present may point to a table,
 * which another CPU has made for its own pages in the same 2 MiB, and looks like a leaf.
 */
struct walk_end {
	pte_t *entry;
	pte_t value;
	unsigned int level; /* of ENTRY */
};

/* Follows VA, which must be canonical, down from ROOT. */
static inline struct walk_end walk_to(phys_addr_t root, u64 va)
{
	struct walk_end end = {.level = 4};
	phys_addr_t table = root;

	for (;;) {
		end.entry = pte_in(table, va, end.level);
		end.value = pte_read(end.entry);
		if (end.level == 1 || !(end.value & PTE_PRESENT))
			return end;
		if (end.value & PTE_LARGE) {
			BUG_ON(end.level != 2); /* nobody makes 1 GiB pages */
			return end;
		}
		table = end.value & PTE_ADDR_MASK;
		end.level--;
	}
}

static bool valid_mapping(u64 va, phys_addr_t pa, u64 len, u64 flags)
{
	return canonical_range(va, len) && IS_ALIGNED(va | pa | len, PAGE_SIZE) &&
	       pa <= PTE_ADDR_MASK && len - 1 <= (PTE_ADDR_MASK | ~PAGE_MASK) - pa &&
	       !(flags & ~PTE_CALLER_FLAGS);
}

/* Fills the entry of LEVEL for VA. A table that is there already counts as present, too. */
static int map_leaf(phys_addr_t root, u64 va, unsigned int level, pte_t value)
{
	pte_t *entry;
	int error = 0;

	entry = paging_make_tables(root, va, level, &error);
	if (!entry)
		return error;
	if (pte_read(entry) & PTE_PRESENT)
		return -EEXIST;
	pte_write(entry, value & (paging_supported_flags | PTE_ADDR_MASK | PTE_LARGE));
	tell_change(root, va, va + level_size(level));
	return 0;
}

int map_page(phys_addr_t root, u64 va, phys_addr_t pa, u64 flags)
{
	if (!valid_mapping(va, pa, PAGE_SIZE, flags))
		return -EINVAL;
	return map_leaf(root, va, 1, pa | flags | PTE_PRESENT);
}

/*
 * Maps the next page at VA, a large one if it can be: where a page table is there already (an
 * earlier 4 KiB mapping made it, and tables are not freed) small pages do as well. Returns the
 * bytes mapped or a negative error.
 */
static s64 map_next(phys_addr_t root, u64 va, phys_addr_t pa, u64 len, u64 flags, bool large_ok)
{
	int error;

	if (large_ok && IS_ALIGNED(va | pa, PMD_SIZE) && len >= PMD_SIZE) {
		struct walk_end there = walk_to(root, va);

		if (there.level >= 2 && !(there.value & PTE_PRESENT)) {
			error = map_leaf(root, va, 2, pa | flags | PTE_PRESENT | PTE_LARGE);
			return error ? error : (s64)PMD_SIZE;
		}
	}
	error = map_leaf(root, va, 1, pa | flags | PTE_PRESENT);
	return error ? error : (s64)PAGE_SIZE;
}

int map_range(phys_addr_t root, u64 va, phys_addr_t pa, u64 len, u64 flags)
{
	bool large_ok = flags & MAP_LARGE_OK;
	u64 done = 0;

	flags &= ~MAP_LARGE_OK;
	if (!valid_mapping(va, pa, len, flags))
		return -EINVAL;
	while (done < len) {
		s64 mapped = map_next(root, va + done, pa + done, len - done, flags, large_ok);

		if (mapped < 0) {
			unmap_range_noflush(root, va, va + done);
			return (int)mapped;
		}
		done += (u64)mapped;
	}
	return 0;
}

/* Clears the entries from ENTRY on that map [va, end), up to the end of their page table. */
static u64 clear_ptes(pte_t *entry, u64 va, u64 end)
{
	u64 cleared = 0;

	do {
		if (pte_read(entry) & PTE_PRESENT) {
			pte_write(entry, 0);
			cleared++;
		}
		entry++;
		va += PAGE_SIZE;
	} while (va < end && !IS_ALIGNED(va, PMD_SIZE));
	return cleared;
}

u64 unmap_range_noflush(phys_addr_t root, u64 va_start, u64 va_end)
{
	u64 cleared = 0;
	u64 va = va_start;

	BUG_ON(!IS_ALIGNED(va_start | va_end, PAGE_SIZE));
	BUG_ON(va_start != va_end && !canonical_range(va_start, va_end - va_start));
	while (va < va_end) {
		struct walk_end there = walk_to(root, va);
		u64 size = there.level == 1 ? PMD_SIZE : level_size(there.level);
		u64 next = ALIGN_DOWN(va, size) + size;

		if (there.level == 1) {
			cleared += clear_ptes(there.entry, va, va_end);
		} else if (there.value & PTE_PRESENT) {
			if (!IS_ALIGNED(va, PMD_SIZE) || next > va_end)
				panic("unmapping %lx..%lx would cut the 2 MiB page at %lx",
				      va_start, va_end, next - PMD_SIZE);
			pte_write(there.entry, 0);
			cleared++;
		}
		tell_change(root, va, min(next, va_end));
		if (next < va) /* the last table of the address space */
			break;
		va = next;
	}
	return cleared;
}

pte_t *lookup_pte(phys_addr_t root, u64 va, unsigned int *level)
{
	struct walk_end there;

	if (!canonical(va))
		return NULL;
	there = walk_to(root, va);
	*level = there.level;
	return there.level == 1 || (there.value & PTE_PRESENT) ? there.entry : NULL;
}

bool walk(phys_addr_t root, u64 va, phys_addr_t *pa, u64 *flags)
{
	u64 granted = PTE_WRITE | PTE_USER; /* every level must grant these */
	u64 denied = 0;			    /* any level may set NX */
	phys_addr_t table = root;
	unsigned int level;
	pte_t value = 0;

	if (!canonical(va))
		return false;
	for (level = 4; level; level--) {
		value = pte_read(pte_in(table, va, level));
		if (!(value & PTE_PRESENT))
			return false;
		granted &= value;
		denied |= value & PTE_NX;
		if (level == 1 || (value & PTE_LARGE))
			break;
		table = value & PTE_ADDR_MASK;
	}
	if (pa)
		*pa = (level == 1 ? value & PTE_ADDR_MASK : value & PTE_LARGE_ADDR_MASK) |
		      (va & (level_size(level) - 1));
	if (flags)
		*flags = (value & PTE_CALLER_FLAGS & ~(PTE_WRITE | PTE_USER)) | granted | denied;
	return true;
}
