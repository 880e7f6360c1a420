/* SPDX-License-Identifier: MIT */
/*
 * From the loader's hand to an experiment. Each step either works or ends the machine with one
 * message; nothing later runs on a half-built floor.
 */
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/breaks.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/percpu_init.h"
#include "arch/x86_64/roots.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/stale_copy.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/trace.h"
#include "arch/x86_64/tsc.h"
#include "arch/x86_64/zone.h"
#include "arch/x86_64/zone_trap.h"
#include "boot/boot_info.h"
#include "boot/multiboot2.h"
#include "boot/pvh.h"
#include "kernel/console.h"
#include "kernel/cpulist.h"
#include "kernel/debugcon.h"
#include "kernel/describe_cpus.h"
#include "kernel/ending.h"
#include "kernel/experiment.h"
#include "kernel/format.h"
#include "kernel/options.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/qr_report.h"
#include "kernel/screen.h"
#include "kernel/trace_report.h"
#include "kernel/tripwire.h"
#include "kernel/watchdog.h"
#include "kernel/zone_break.h"
#include "kernel/zone_report.h"
#include "mm/frames.h"
#include "mm/policy/policy.h"
#include "mm/vmalloc.h"

#define PVH_MAGIC      0x336ec578
#define LAPIC_DEFAULT  0xfee00000UL
#define VGA_TEXT       0xb8000UL
#define VGA_TEXT_BYTES 0x1000UL

/* The boot tables reach this far; loaders of both kinds keep below it. */
#define BOOT_REACH GIB(4)

extern const char kernel_phys_start[], kernel_phys_end[];

static struct boot_info boot;
static struct options options;
static struct setup setup;
static struct madt madt;
static struct smp_report smp;

/* What is wrong with the command line; told once there is a screen to tell it on. */
static char refusal[OPTIONS_ERROR_MAX];

_Noreturn void kernel_main(u32 magic, phys_addr_t info);

static _Noreturn void refuse_to_boot(const char *what, const char *text)
{
	static const struct console_config config = {
		.serial = true, .port = 0x3f8, .baud = 115200, .loglevel = LOG_INFO};

	console_init(&config);
	pr_err("%s: %s", what, text);
	machine_end(END_REFUSED);
}

static const void *boot_map(phys_addr_t phys, size_t len)
{
	if (phys >= BOOT_REACH || len > BOOT_REACH - phys)
		return NULL;
	return phys_to_virt(phys);
}

static void read_boot_info(u32 magic, phys_addr_t info)
{
	const char *error;

	if (magic == MULTIBOOT2_BOOTLOADER_MAGIC)
		error = multiboot2_parse(phys_to_virt(info), BOOT_REACH - info, &boot);
	else if (magic == PVH_MAGIC)
		error = pvh_parse(info, boot_map, &boot);
	else
		error = "started by neither a Multiboot2 nor a PVH loader";
	if (error)
		refuse_to_boot("boot information", error);
}

static words_t policy_names(void)
{
	static const char *names[64];
	u32 n = 0;

	for (const struct flush_policy *const *p = flush_policies; *p && n < 63; p++)
		names[n++] = (*p)->name;
	return names;
}

static bool steps_doors(const char *experiment)
{
	return strcmp(experiment, "sweep") == 0 || strcmp(experiment, "test") == 0;
}

static void read_options(void)
{
	const struct options_words words = {policy_names(), experiment_names()};
	char err[OPTIONS_ERROR_MAX];

	if (!options_parse(boot.cmdline, &words, &options, refusal, sizeof(refusal)))
		options_parse("", &words, &options, err, sizeof(err));
	else if (options.defect[0] && options.tlbi[0])
		snprintf(refusal, sizeof(refusal),
			 "defect=%s: brings its own policy; valid: without tlbi=", options.defect);
	else if (options.zone && strcmp(options.run.name, "test") == 0)
		snprintf(refusal, sizeof(refusal),
			 "zone=%s: run=test looks at page tables itself; valid: zone=off",
			 zone_word(options.zone));
	else if (options.trace.groups && steps_doors(options.run.name))
		snprintf(refusal, sizeof(refusal),
			 "trace=: run=%s single-steps the doors, which have to be as they are; "
			 "valid: with another experiment",
			 options.run.name);
	else if (options.tripwire && options.run.name[0] &&
		 strcmp(options.run.name, "compare") != 0)
		snprintf(refusal, sizeof(refusal),
			 "tripwire=: run=%s counts no flush IPIs; valid: with run=compare",
			 options.run.name);
	else if (options.defect[0] && !CONFIG_CONTEXT_TRACKING_WORK)
		snprintf(refusal, sizeof(refusal),
			 "defect=%s: this build defers nothing (CT_WORK=0)", options.defect);
	console_init(&(struct console_config){
		.serial = options.console.serial,
		.port = options.console.port,
		.baud = options.console.baud,
		.screen = options.console.screen,
		.loglevel = (int)options.loglevel,
	});
	broken = options.broken;
	if (broken & BREAK_STAMP)
		flush_detours |= DETOUR_NO_STAMP;
	tlb_single_page_flush_ceiling = options.tlb_single_page_flush_ceiling;
	panic_reboot_seconds = options.panic_seconds;
	end_action = options.end;
}

static u32 ram_ranges(struct phys_range *out)
{
	u32 n = 0;

	for (u32 i = 0; i < boot.map.nr; i++) {
		const struct mem_range *range = &boot.map.range[i];

		if (range->kind == MEM_RAM)
			out[n++] = (struct phys_range){range->base, range->base + range->len};
	}
	return n;
}

/* Frames, then the kernel's own tables; the modules stay where the loader put them. */
static void init_memory(void)
{
	static struct phys_range ram[BOOT_MAX_RANGES];
	static struct frame_range frames[BOOT_MAX_RANGES];
	static struct frame_range reserved[BOOT_MAX_MODULES + 1];
	u32 nr_ram = ram_ranges(ram);
	u32 nr_reserved = 0;
	const char *error;

	for (u32 i = 0; i < nr_ram; i++) {
		frames[i] = (struct frame_range){ram[i].start, ram[i].end};
		setup.machine.memory_bytes += ram[i].end - ram[i].start;
	}
	pr_debug("memory map: %u ranges, %u of them RAM, the first from %llx", boot.map.nr, nr_ram,
		 (unsigned long long)ram[0].start);
	reserved[nr_reserved++] = (struct frame_range){(u64)kernel_phys_start,
						       (u64)kernel_phys_end};
	for (u32 i = 0; i < boot.nr_modules; i++)
		reserved[nr_reserved++] = (struct frame_range){
			boot.module[i].base, boot.module[i].base + boot.module[i].len};
	error = frames_init(frames, nr_ram, reserved, nr_reserved, BOOT_REACH);
	if (error)
		refuse_to_boot("memory", error);
	features_patch_clac();
	features_apply_local();
	error = kernel_map_init(ram, nr_ram);
	if (!error)
		error = roots_init();
	if (error)
		refuse_to_boot("memory", error);
}

static void init_boot_cpu(void)
{
	const char *error = cpu_area_map(0);

	if (error)
		refuse_to_boot("memory", error);
	percpu_init(0, 0, tsc_khz);
	doors_set(&flush_policies[0]->doors, false);
	idt_init();
	descriptors_load(0);
	this_cpu()->kernel_stack_top = kernel_stack_alloc();
	if (!this_cpu()->kernel_stack_top || !smp_call_init_cpu(0))
		refuse_to_boot("memory", "too short for the boot CPU's data");
}

static void init_screen(void)
{
	const struct boot_framebuffer *fb = &boot.framebuffer;
	const struct framebuffer_desc desc = {
		.pitch = fb->pitch,
		.width = fb->width,
		.height = fb->height,
		.bpp = fb->bpp,
		.red = {fb->red.position, fb->red.size},
		.green = {fb->green.position, fb->green.size},
		.blue = {fb->blue.position, fb->blue.size},
	};
	void *mapped;

	if (!options.console.screen || boot.firmware == FIRMWARE_PVH)
		return;
	if (fb->ignored)
		pr_warn("framebuffer: %s", fb->ignored);
	if (fb->type == FRAMEBUFFER_RGB) {
		mapped = io_map(fb->phys, (u64)fb->pitch * fb->height, true);
		if (!mapped || !screen_fb_init(&desc, mapped))
			return;
	} else if (boot.firmware == FIRMWARE_BIOS) {
		mapped = io_map(VGA_TEXT, VGA_TEXT_BYTES, false);
		if (!mapped)
			return;
		screen_vga_init(mapped);
	} else {
		return;
	}
	console_attach_screen(&screen_output);
}

/* The list of CPUs, or the boot CPU alone with the reason. */
static void read_acpi(void)
{
	struct acpi_root root;
	const char *error = "the loader passed no ACPI root pointer";

	if (boot.rsdp.len)
		error = acpi_root_init(&root, boot.rsdp.bytes, boot.rsdp.len, direct_map_firmware);
	else if (boot.rsdp.phys)
		error = acpi_root_init_at(&root, boot.rsdp.phys, direct_map_firmware);
	if (!error) {
		const char *no_power = acpi_read_power(&root, &acpi_power);

		if (no_power && options.end == END_POWERS_OFF)
			pr_warn("%s: end=poweroff will not work", no_power);
		error = acpi_read_madt(&root, &madt);
	}
	if (!error && madt.nr_cpus)
		return;
	pr_warn("ACPI: %s; going on with the boot CPU alone",
		error ? error : "the MADT names no CPU");
	madt = (struct madt){.lapic_base = LAPIC_DEFAULT, .nr_cpus = 1};
}

static void say_left_out(void)
{
	if (madt.nr_disabled || madt.nr_duplicates || madt.nr_invalid || madt.nr_beyond_limit)
		pr_info("MADT: left out: %u disabled, %u named twice, %u without an id, %u beyond "
			"%u CPUs",
			madt.nr_disabled, madt.nr_duplicates, madt.nr_invalid, madt.nr_beyond_limit,
			MAX_CPUS);
}

static void init_cpus(void)
{
	const struct smp_config config = {options.max_cpus, options.broken & BREAK_AP};
	const char *error;

	read_acpi();
	say_left_out();
	error = apic_init(madt.lapic_base ? madt.lapic_base : LAPIC_DEFAULT);
	if (error)
		refuse_to_boot("local APIC", error);
	apic_enable_local();
	this_cpu()->apic_id = apic_id_local();
	if (madt.nr_cpus == 1) /* the boot CPU, whether the MADT says so or nobody */
		madt.cpu[0].apic_id = this_cpu()->apic_id;
	percpu_set_online();
	smp_start(&madt, &config, &smp);
	pr_info("CPUs: found %u, started %u%s", smp.found, smp.started,
		apic_is_x2apic() ? ", x2APIC" : "");
	for (u32 i = 0; i < smp.failed && i < ARRAY_SIZE(smp.failed_apic_id); i++)
		pr_warn("CPUs: APIC id %u failed", smp.failed_apic_id[i]);
}

static void init_isolation(void)
{
	char err[OPTIONS_ERROR_MAX];

	if (!nohz_full_resolve(options.nohz_full, nr_online_cpus(), &isolated_cpus, err,
			       sizeof(err)))
		refuse_to_boot("command line", err);
}

static const char *firmware_name(void)
{
	switch (boot.firmware) {
	case FIRMWARE_BIOS:
		return "bios";
	case FIRMWARE_UEFI:
		return "uefi";
	default:
		return "pvh";
	}
}

static void describe_machine(void)
{
	struct machine_result *m = &setup.machine;
	struct parameters_result *p = &setup.parameters;
	static char broken_words[32];

	memcpy(m->cpu_brand, cpu_features.brand, sizeof(m->cpu_brand));
	memcpy(m->hypervisor, cpu_features.hypervisor, sizeof(m->hypervisor));
	m->emulated = strcmp(m->hypervisor, "TCGTCGTCGTCG") == 0 ||
		      (debugcon_present() && !cpu_features.in_hypervisor); /* Bochs */
	m->firmware = firmware_name();
	snprintf(m->loader, sizeof(m->loader), "%s", boot.loader);
	m->cpus_found = smp.found;
	m->cpus_started = smp.started;
	m->cpus_failed = smp.failed;
	m->tsc_khz = tsc_khz;
	m->x2apic = apic_is_x2apic();
	m->pcid = cpu_features.pcid;
	m->invpcid = cpu_features.invpcid;
	m->pge = cpu_features.pge;
	m->nx = cpu_features.nx;
	m->smep = cpu_features.smep;
	m->smap = cpu_features.smap;
	m->umip = cpu_features.umip;
	m->fsgsbase = cpu_features.fsgsbase;
	m->invlpgb = cpu_features.invlpgb;
	describe_cpus(m);

	if (options.broken)
		snprintf(broken_words, sizeof(broken_words), "break=%s",
			 options_break_word(options.broken));
	p->cmdline = boot.cmdline;
	if (options.defect[0])
		snprintf(broken_words + strlen(broken_words),
			 sizeof(broken_words) - strlen(broken_words), "%sdefect=%s",
			 broken_words[0] ? " " : "", options.defect);
	p->broken = broken_words;
	p->seed = options.seed;
	p->flush_ceiling = tlb_single_page_flush_ceiling;
	p->lazy_max_pages = lazy_max_pages();
	p->debug_pagealloc = options.debug_pagealloc;
	p->vmap_stack = options.vmap_stack;
	p->stack_on_task = options.stack_on_task;
	p->zone = zone_word(options.zone);
	setup.options = &options;
}

static void add_programs(void)
{
	for (u32 i = 0; i < boot.nr_modules; i++) {
		const void *image = direct_map_firmware(boot.module[i].base, boot.module[i].len);

		if (!image)
			panic("module %s cannot be mapped", boot.module[i].name);
		program_add(boot.module[i].name, image, boot.module[i].len);
	}
}

/* What watches the danger zone, outermost, and what breaks it on purpose. */
static void init_zone(void)
{
	const char *error = NULL;

	zone_mode = options.zone;
	if (zone_mode == ZONE_STALE)
		error = stale_copies_init();
	if (error)
		refuse_to_boot("memory", error);
	zone_break_init();
	if (zone_mode == ZONE_TRAP)
		zone_trap_init();
}

/* What records goes around everything else at the doors. */
static void init_trace(void)
{
	trace_show = options.trace.show;
	if (options.trace.groups && !trace_start(options.trace.groups, options.trace.records))
		refuse_to_boot("trace=", "memory is too short for the rings; valid: fewer records");
}

static void end_trace(void)
{
	trace_report(console_write);
	if (debugcon_present())
		trace_export(debugcon_write);
}

/* On the boot CPU's own kernel stack, with guard pages. */
static _Noreturn void run(void)
{
	const struct vmalloc_config config = {options.debug_pagealloc};
	const char *name = options.run.name[0] ? options.run.name : "compare";
	enum ending ending;

	init_screen();
	if (refusal[0])
		refuse_to_boot("command line", refusal);
	init_cpus();
	init_isolation();
	local_irq_enable();
	if (!vmalloc_init(kernel_root, &config))
		refuse_to_boot("memory", "too short for the vmalloc area's tables");
	add_programs();
	describe_machine();
	init_zone();
	init_trace();
	tripwire_init(options.tripwire);
	/* The suites and the steppers account for every interrupt: theirs are the only ones. */
	if (strcmp(name, "test") != 0 && strcmp(name, "null") != 0)
		watchdog_start(options.watchdog_seconds);
	ending = find_experiment(name)->run(&setup);
	end_trace();
	qr_document();
	machine_end(ending);
}

void kernel_main(u32 magic, phys_addr_t info)
{
	read_boot_info(magic, info);
	read_options();
	features_detect(options.nopcid, options.nox2apic);
	tsc_calibrate();
	init_memory();
	init_boot_cpu();
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "call %P1"
			 :
			 : "r"(this_cpu()->kernel_stack_top), "i"(run)
			 : "memory");
	__builtin_unreachable();
}
