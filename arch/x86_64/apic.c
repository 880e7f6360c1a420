/* SPDX-License-Identifier: MIT */
/*
 * Local APIC access, see apic.h.
 */
#include "arch/x86_64/apic.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/io.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"

#define APIC_BASE_ENABLE   BIT(11)
#define APIC_BASE_X2APIC   BIT(10)
#define APIC_BASE_BOOT_CPU BIT(8)
#define APIC_BASE_ADDRESS  0x000ffffffffff000UL

/* Register offsets; in x2APIC mode the MSR is 0x800 + offset / 16. */
#define REG_ID		    0x20
#define REG_TPR		    0x80
#define REG_EOI		    0xb0
#define REG_SPURIOUS	    0xf0
#define REG_ICR_LOW	    0x300
#define REG_ICR_HIGH	    0x310
#define REG_LVT_TIMER	    0x320
#define REG_VERSION	    0x30
#define REG_LVT_THERMAL	    0x330
#define REG_LVT_PERFORMANCE 0x340
#define REG_LVT_LINT0	    0x350
#define REG_LVT_LINT1	    0x360
#define REG_LVT_ERROR	    0x370
#define REG_TIMER_INITIAL   0x380
#define REG_TIMER_DIVIDE    0x3e0

#define SPURIOUS_APIC_ON   BIT(8)
#define LVT_MASKED	   BIT(16)
#define LVT_NMI		   0x400
#define LVT_PERIODIC	   BIT(17)
#define ICR_PENDING	   BIT(12)
#define ICR_ASSERT	   BIT(14)
#define ICR_NMI		   0x400
#define ICR_INIT	   0x500
#define ICR_STARTUP	   0x600
#define TIMER_DIVIDE_BY_16 3

/* Reads of the delivery status before the APIC is called dead. */
#define ICR_LIMIT 100000000UL

static volatile u32 *xapic;
static bool x2apic;

static u32 apic_read(u32 reg)
{
	return x2apic ? (u32)rdmsr(MSR_X2APIC_BASE + reg / 16) : xapic[reg / 4];
}

static void apic_write(u32 reg, u32 value)
{
	if (x2apic)
		wrmsr(MSR_X2APIC_BASE + reg / 16, value);
	else
		xapic[reg / 4] = value;
}

/* Both 8259s: remapped off the exception vectors, then masked. A stray one is VECTOR 32..47. */
static void silence_8259(void)
{
	static const struct {
		u16 port;
		u8 value;
	} writes[] = {
		{0x20, 0x11}, {0xa0, 0x11}, {0x21, 0x20}, {0xa1, 0x28}, {0x21, 0x04},
		{0xa1, 0x02}, {0x21, 0x01}, {0xa1, 0x01}, {0x21, 0xff}, {0xa1, 0xff},
	};

	for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
		io_out8(writes[i].port, writes[i].value);
}

const char *apic_init(phys_addr_t lapic_base)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	silence_8259();
	/* Once in x2APIC mode there is no direct way back (SDM Vol 3 10.12.5): firmware decides. */
	x2apic = (base & APIC_BASE_X2APIC) || cpu_features.x2apic;
	if ((base & APIC_BASE_ADDRESS) != lapic_base) {
		pr_warn("local APIC: at %lx by the MADT, at %lx by its own register, which is "
			"taken",
			lapic_base, base & APIC_BASE_ADDRESS);
		lapic_base = base & APIC_BASE_ADDRESS;
	}
	if (!x2apic) {
		xapic = io_map(lapic_base, PAGE_SIZE, false);
		if (!xapic)
			return "the local APIC's registers cannot be mapped";
	}
	return NULL;
}

/* Local vector table entries that this APIC has (SDM Vol 3 10.4.8). */
static u32 lvt_entries(void)
{
	return (apic_read(REG_VERSION) >> 16 & 0xff) + 1;
}

void apic_enable_local(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	if (!(base & APIC_BASE_ENABLE))
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
	if (x2apic && !(base & APIC_BASE_X2APIC))
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
	apic_write(REG_TPR, 0);
	apic_write(REG_LVT_TIMER, LVT_MASKED);
	apic_write(REG_LVT_LINT0, LVT_MASKED);
	apic_write(REG_LVT_LINT1, base & APIC_BASE_BOOT_CPU ? LVT_NMI : LVT_MASKED);
	if (lvt_entries() > 4)
		apic_write(REG_LVT_PERFORMANCE, LVT_MASKED);
	if (lvt_entries() > 5)
		apic_write(REG_LVT_THERMAL, LVT_MASKED);
	apic_write(REG_LVT_ERROR, LVT_MASKED);
	apic_write(REG_SPURIOUS, SPURIOUS_APIC_ON | VECTOR_SPURIOUS);
}

bool apic_is_x2apic(void)
{
	return x2apic;
}

u32 apic_id_local(void)
{
	return x2apic ? apic_read(REG_ID) : apic_read(REG_ID) >> 24;
}

void apic_eoi(void)
{
	apic_write(REG_EOI, 0);
}

static bool icr_idle(void)
{
	for (u64 tries = 0; xapic[REG_ICR_LOW / 4] & ICR_PENDING; tries++) {
		if (tries == ICR_LIMIT)
			return false;
		__asm__ volatile("pause");
	}
	return true;
}

/*
 * In xAPIC mode the two halves of the ICR are one command: an interrupt between them that sends
 * an IPI of its own would change the destination. An NMI handler must not send in between either;
 * panic does, and nothing returns from there.
 */
static void icr_write(u32 apic_id, u32 low)
{
	u64 flags;

	if (x2apic) {
		/* The MSR write orders nothing (SDM Vol 3 10.12.3): the queue must be seen first.
		 */
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(MSR_X2APIC_BASE + REG_ICR_LOW / 16, (u64)apic_id << 32 | low);
		return;
	}
	BUG_ON(apic_id > 0xff);
	flags = local_irq_save();
	if (!icr_idle())
		panic("local APIC: the previous IPI was not accepted by the bus");
	xapic[REG_ICR_HIGH / 4] = apic_id << 24;
	xapic[REG_ICR_LOW / 4] = low;
	local_irq_restore(flags);
}

void apic_send_ipi(u32 apic_id, u8 vector)
{
	icr_write(apic_id, ICR_ASSERT | vector);
}

void apic_send_nmi(u32 apic_id)
{
	icr_write(apic_id, ICR_ASSERT | ICR_NMI);
}

void apic_send_init(u32 apic_id)
{
	icr_write(apic_id, ICR_ASSERT | ICR_INIT);
}

void apic_send_startup(u32 apic_id, phys_addr_t page)
{
	icr_write(apic_id, ICR_ASSERT | ICR_STARTUP | (u32)(page >> PAGE_SHIFT));
}

void apic_send_stop(u32 apic_id)
{
	if (x2apic || (xapic && icr_idle()))
		apic_send_nmi(apic_id);
}

void apic_timer_local(u32 count, u8 vector)
{
	apic_write(REG_TIMER_DIVIDE, TIMER_DIVIDE_BY_16);
	apic_write(REG_LVT_TIMER, count ? LVT_PERIODIC | vector : LVT_MASKED);
	apic_write(REG_TIMER_INITIAL, count);
	this_cpu()->timer_in_use = count != 0;
}

bool apic_timer_rest_local(u32 count)
{
	if (this_cpu()->timer_in_use)
		return false;
	apic_write(REG_TIMER_DIVIDE, TIMER_DIVIDE_BY_16);
	/* Repeatedly, so that a rest ends even if one interrupt is lost on the way. */
	apic_write(REG_LVT_TIMER, count ? LVT_PERIODIC | VECTOR_REST : LVT_MASKED);
	apic_write(REG_TIMER_INITIAL, count);
	return true;
}
