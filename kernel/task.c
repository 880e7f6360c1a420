/* SPDX-License-Identifier: MIT */
/*
 * Tasks, see task.h.
 *
 * A task's root has a user half of its own and shares the kernel half by copying the top-level
 * entries of the kernel's root, none of which changes after boot (the vmalloc area's are made in
 * advance). With one root, ring 3 runs on it too; with two, on its twin (arch/x86_64/roots.h).
 */
#include "kernel/task.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/doors.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/roots.h"
#include "arch/x86_64/stale_copy.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/zone.h"
#include "arch/x86_64/zone_trap.h"
#include "kernel/elf.h"
#include "mm/frames.h"
#include "mm/vmalloc.h"

#define USER_STACK_TOP	 0x7fe000000000UL
#define USER_STACK_PAGES 4
#define TASK_STACK_BYTES 0x4000UL
#define ROOT_PAIR	 2 /* frames */

_Static_assert(sizeof(struct task) <= PAGE_SIZE, "a task is one frame");

void enter_task(u64 *idle_rsp, u64 kernel_stack_top);
_Noreturn void leave_task(u64 idle_rsp);

static int map_new_page(struct task *task, u64 va, u64 flags, void **page)
{
	phys_addr_t frame = frame_alloc_zeroed();
	int err;

	if (!frame)
		return -ENOMEM;
	err = map_page(task->mm.root, va, frame, flags | PTE_USER | PTE_OWNED);
	if (err)
		frame_free(frame);
	else if (page)
		*page = phys_to_virt(frame);
	return err;
}

static u64 segment_flags(const struct elf_segment *segment)
{
	return (segment->writable ? PTE_WRITE : 0) | (segment->executable ? 0 : PTE_NX);
}

static int load_segment(struct task *task, const struct elf_segment *segment)
{
	const char *image = task->program->image;
	u64 start = ALIGN_DOWN(segment->vaddr, PAGE_SIZE);
	u64 file_end = segment->vaddr + segment->file_size;

	for (u64 va = start; va < segment->vaddr + segment->mem_size; va += PAGE_SIZE) {
		u64 from = max(va, segment->vaddr);
		u64 to = min(va + PAGE_SIZE, file_end);
		void *page = NULL;
		int err = map_new_page(task, va, segment_flags(segment), &page);

		if (err)
			return err;
		if (from < to)
			memcpy((char *)page + (from - va),
			       image + segment->file_offset + (from - segment->vaddr), to - from);
	}
	return 0;
}

static int build_root(struct task *task, const struct elf_program *elf,
		      const struct task_config *config)
{
	u64 *root = phys_to_virt(task->mm.root);
	int err = 0;

	memcpy(root + 256, (u64 *)phys_to_virt(kernel_root_of(task->cpu)) + 256, 256 * sizeof(u64));
	for (u32 i = 0; i < elf->nr_segments && !err; i++)
		err = load_segment(task, &elf->segments[i]);
	for (u32 i = 1; i <= USER_STACK_PAGES && !err; i++)
		err = map_new_page(task, USER_STACK_TOP - i * PAGE_SIZE, PTE_WRITE | PTE_NX, NULL);
	if (!err)
		err = task_map(task, USER_PAGE_VA, cpu_area_user_page(task->cpu), PTE_NX);
	if (!err && config->storm_page)
		err = task_map(task, STORM_PAGE_VA, config->storm_page, PTE_NX);
	return err;
}

int task_map(struct task *task, u64 va, phys_addr_t frame, u64 flags)
{
	return map_page(task->mm.root, va, frame, flags | PTE_USER);
}

struct task *task_create(const struct program *program, unsigned int cpu,
			 const struct task_config *config, const char **error)
{
	phys_addr_t frame = frame_alloc_zeroed();
	struct task *task = frame ? phys_to_virt(frame) : NULL;
	struct elf_program elf;

	*error = elf_check(program->image, program->len, &elf);
	if (*error || !task)
		goto fail;
	task->program = program;
	task->cpu = cpu;
	task->entry = elf.entry;
	task->user_stack_top = USER_STACK_TOP;
	if (config->vmap_stack)
		task->vmap_stack = vmalloc(TASK_STACK_BYTES);
	if (task->vmap_stack)
		task->kernel_stack_top = (u64)task->vmap_stack + TASK_STACK_BYTES;
	task->mm.root = boot_alloc_root_pair(); /* the second may stay unused */
	if (task->mm.root && (task->vmap_stack || !config->vmap_stack)) {
		int err = build_root(task, &elf, config);

		if (!err)
			return task;
		if (err == -EEXIST)
			*error = "a segment lies where the stack or the kernel's read-only pages "
				 "are";
	}
fail:
	if (!*error)
		*error = "memory is too short for a task";
	if (task && task->program)
		task_destroy(task);
	else if (frame)
		frame_free(frame);
	return NULL;
}

void task_rearm(struct task *task)
{
	task->ended = task->excepted = false;
	task->exit_code = 0;
	task->fault[0] = '\0';
}

static bool owned_by_task(void *ctx, u64 va, phys_addr_t pa, u64 flags)
{
	(void)ctx;
	(void)va;
	(void)pa;
	return flags & PTE_OWNED;
}

void task_destroy(struct task *task)
{
	if (task->mm.root) {
		paging_free_user_tables(task->mm.root, owned_by_task, NULL);
		frame_free_block(task->mm.root, ROOT_PAIR);
	}
	vfree(task->vmap_stack);
	frame_free(virt_to_phys_direct(task));
}

static void start_frame(const struct task *task, struct pt_regs *regs)
{
	memset(regs, 0, sizeof(*regs));
	regs->rip = task->entry;
	regs->cs = USER_CS;
	regs->rflags = RFLAGS_FIXED | RFLAGS_IF;
	regs->rsp = task->user_stack_top;
	regs->ss = USER_DS;
	regs->rdi = task->arg;
}

static bool stack_stays_in_zone(const struct task *task)
{
	return zone_mode == ZONE_TRAP && hooks_on_task_stack && task->vmap_stack;
}

/*
 * The exception from R3 that the seed needs: the stack of the running task. It is not unmapped
 * while the task lives, so no flush of it can be owed, if none was when the task started. With
 * zone=stale it is taken from the live tables all the same, lest a policy that did owe one cost the
 * kernel its own stack; with zone=trap it stays if the policy's hooks run on it.
 */
static void exempt_stack(const struct task *task)
{
	u64 stack = (u64)task->vmap_stack;

	if (zone_mode == ZONE_STALE)
		stale_copy_exempt(stack, TASK_STACK_BYTES);
	if (stack_stays_in_zone(task))
		zone_trap_exempt(stack, TASK_STACK_BYTES);
}

/* What the task before has left in registers that no door saves. Kernel's GS, interrupts off. */
static void forget_last_task(void)
{
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs" ::"r"(0));
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_KERNEL_GS_BASE, 0); /* ring 3's, until SWAPGS */
}

/*
 * The root is loaded and the task's stack becomes the kernel stack while the CPU is in the kernel,
 * so both happen behind its last drain: what is loaded here is never stale.
 */
void task_run(void *arg)
{
	struct task *task = arg;
	struct percpu *cpu = this_cpu();
	u64 bit = BIT(cpu->cpu % 64);
	u64 *word = &task->mm.cpus.bits[cpu->cpu / 64];
	u64 idle_stack_top = cpu->kernel_stack_top;

	BUG_ON(cpu->cpu != task->cpu || task->ended);
	local_irq_disable();
	cpu->current = task;
	__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
	write_cr3(task->mm.root);
	if (task->vmap_stack)
		exempt_stack(task);
	if (two_roots) {
		roots_split(task->mm.root);
		__flush_tlb_all(); /* of both PCIDs: the last task's translations */
	}
	forget_last_task();
	start_frame(task, (struct pt_regs *)cpu->user_frame);
	enter_task(&cpu->idle_rsp, task->kernel_stack_top);

	if (stack_stays_in_zone(task))
		zone_trap_end_exempt((u64)task->vmap_stack, TASK_STACK_BYTES);
	write_cr3(kernel_root_of(cpu->cpu));
	__atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST);
	cpu->current = NULL;
	cpu->kernel_stack_top = idle_stack_top;
	task->ended = true;
	local_irq_enable();
}

void task_end(u64 exit_code)
{
	struct percpu *cpu = this_cpu();

	local_irq_disable();
	cpu->current->exit_code = exit_code;
	leave_task(cpu->idle_rsp);
}
