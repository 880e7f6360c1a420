/* SPDX-License-Identifier: MIT */
/*
 * Words about the danger zone, see zone_report.h.
 */
#include "kernel/zone_report.h"

#include "arch/x86_64/doors.h"
#include "arch/x86_64/percpu.h"
#include "kernel/format.h"
#include "kernel/parse.h"

const char *zone_word(enum zone_mode mode)
{
	static const char *const words[] = {
		[ZONE_OFF] = "off", [ZONE_TRAP] = "trap", [ZONE_STALE] = "stale"};

	return words[mode];
}

void zone_history(char *buf, size_t size)
{
	static const char *const words[] = {[ZONE_NO_EVENT] = "",
					    [ZONE_ENTERED] = "enter",
					    [ZONE_EXITED] = "exit",
					    [ZONE_NMI] = "NMI",
					    [ZONE_NMI_END] = "NMI's end"};
	const struct zone_trap_cpu *zone = &this_cpu()->zone;
	struct text text = text_in(buf, size);

	for (u32 i = zone->next < ZONE_EVENTS ? 0 : zone->next - ZONE_EVENTS; i < zone->next; i++) {
		const struct zone_event *event = &zone->events[i % ZONE_EVENTS];

		text_add(&text, "%s%s %lu", text.used ? ", " : "", words[event->kind],
			 event->entries);
	}
	if (!text.used)
		text_add(&text, "none yet");
}

void zone_place(char *buf, size_t size, u64 rip)
{
	if (rip >= (u64)danger_zone_begin && rip < (u64)danger_zone_end)
		snprintf(buf, size, "danger_zone_begin+0x%lx", rip - (u64)danger_zone_begin);
	else if (rip >= (u64)exit_zone_begin && rip < (u64)exit_zone_end)
		snprintf(buf, size, "exit_zone_begin+0x%lx", rip - (u64)exit_zone_begin);
	else
		buf[0] = '\0';
}
