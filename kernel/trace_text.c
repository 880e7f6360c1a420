/* SPDX-License-Identifier: MIT */
/*
 * See trace_text.h.
 */
#include "kernel/trace_text.h"

#include "arch/x86_64/traps.h"
#include "kernel/policy_words.h"
#include "kernel/symbols.h"
#include "mm/tlbflush.h"

const char *trace_event_name(enum trace_event event)
{
	static const char *const names[] = {
		[TRACE_PURGE] = "tlb_purge", [TRACE_PURGE_END] = "tlb_purge_end",
		[TRACE_ASK] = "tlb_ask",     [TRACE_IPI] = "ipi_send",
		[TRACE_IPI_IN] = "ipi_in",   [TRACE_IPI_OUT] = "ipi_out",
		[TRACE_ENTRY] = "entry",     [TRACE_EXIT] = "exit",
		[TRACE_NMI] = "nmi_in",	     [TRACE_NMI_END] = "nmi_out",
		[TRACE_DRAIN] = "tlb_drain", [TRACE_MARK] = "mark",
	};

	return event < TRACE_EVENTS ? names[event] : "unknown";
}

static void add_purge(struct text *text, const struct trace_record *record)
{
	u64 start = record->arg[0], end = record->arg[1];

	text_add(text, "%lu ", record->arg[2]);
	if (end == TLB_FLUSH_ALL)
		text_add(text, "everything");
	else
		text_add(text, "%lx-%lx pages=%lu", start, end, (end - start) >> PAGE_SHIFT);
	text_add(text, "%s%s%s", record->other & TRACE_PURGE_FULL ? " full" : "",
		 record->other & TRACE_PURGE_DEFERRABLE ? " deferrable" : "",
		 record->other & TRACE_PURGE_PGTABLE ? " pgtable" : "");
	text_add(text, "%s by ", record->other & TRACE_PURGE_LAGGARDS ? " laggards" : "");
	text_add_return_address(text, record->arg[3]);
}

static void add_answer(struct text *text, const struct trace_record *record)
{
	static const char *const answers[] = {[TRACE_DEFERRED] = "deferred",
					      [TRACE_RACED_IPI] = "IPI, kernel",
					      [TRACE_RING3_IPI] = "IPI, ring 3"};
	u32 answer = record->other >> 16;

	text_add(text, "%lu CPU %u: %s: ", record->arg[2], record->other & 0xffff,
		 answer < ARRAY_SIZE(answers) ? answers[answer] : "unknown");
	text_add_policy_words(text, (const struct policy_word *)record->arg[3], record->arg[0],
			      record->arg[1]);
}

static void add_ipi(struct text *text, const struct trace_record *record)
{
	text_add(text, "CPU %u: %s%s", record->other, record->arg[0] ? "flush" : "call",
		 record->arg[1] ? "" : ", joins one under way");
}

void text_add_record(struct text *text, const struct trace_record *record)
{
	switch (record->event) {
	case TRACE_PURGE:
		add_purge(text, record);
		break;
	case TRACE_PURGE_END:
		text_add(text, "%lu", record->arg[0]);
		break;
	case TRACE_ASK:
		add_answer(text, record);
		break;
	case TRACE_IPI:
		add_ipi(text, record);
		break;
	case TRACE_IPI_IN:
		text_add(text, "%s, flushes=%lu calls=%lu", record->arg[0] ? "flush" : "call",
			 record->arg[1], record->arg[2]);
		break;
	case TRACE_IPI_OUT:
		text_add(text, "%s", record->arg[0] ? "flush" : "call");
		break;
	case TRACE_ENTRY:
		text_add(text, "%s at 0x%lx entries=%lu", vector_name(record->other),
			 record->arg[0], record->arg[1]);
		break;
	case TRACE_EXIT:
		text_add(text, "exits=%lu", record->arg[0]);
		break;
	case TRACE_NMI:
		text_add(text, "%s in ring %lu at ", vector_name(record->other),
			 record->arg[1] & 3);
		text_add_symbol(text, record->arg[0]);
		break;
	case TRACE_NMI_END:
		text_add(text, "-");
		break;
	case TRACE_DRAIN:
		text_add(text, "drains=%u full=%lu pages=%lu covers=%lu", record->other,
			 record->arg[0], record->arg[1], record->arg[2]);
		break;
	case TRACE_MARK:
		text_add(text, "%s: %s, roots=%lu", (const char *)record->arg[0],
			 (const char *)record->arg[1], record->arg[2]);
		break;
	default:
		text_add(text, "event %u", record->event);
	}
}
