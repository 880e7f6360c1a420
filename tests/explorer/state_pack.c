/* SPDX-License-Identifier: MIT */
/*
 * States as byte strings: what is not in use is left out, numbers are LEB128, since most are small.
 * One function goes through a state in either direction, so that neither can forget a field. It is
 * inlined into both, whole: this is a third of what an exploration takes.
 */
#include "tests/explorer/state.h"

#include <stdlib.h>
#include <string.h>

struct packer {
	u8 *at;
	bool unpacks;
};

static __always_inline void pack_u64(struct packer *p, u64 *value)
{
	u64 rest = *value;
	u32 shift = 0;

	if (!p->unpacks) {
		for (; rest >= 0x80; rest >>= 7)
			*p->at++ = (u8)(rest | 0x80);
		*p->at++ = (u8)rest;
		return;
	}
	rest = 0;
	do {
		rest |= (u64)(*p->at & 0x7f) << shift;
		shift += 7;
	} while (*p->at++ & 0x80);
	*value = rest;
}

static __always_inline void pack_u8(struct packer *p, u8 *value)
{
	if (p->unpacks)
		*value = *p->at++;
	else
		*p->at++ = *value;
}

static __always_inline void pack_frame(struct packer *p, struct frame *f)
{
	pack_u8(p, &f->kind);
	pack_u8(p, &f->at);
	pack_u8(p, &f->flags);
	pack_u8(p, &f->purge);
	pack_u8(p, &f->arg);
	pack_u8(p, &f->hook);
	pack_u8(p, &f->nr_history);
	pack_u64(p, &f->saved);
	for (u32 i = 0; i < f->nr_history; i++)
		pack_u64(p, &f->history[i]);
}

static __always_inline void pack_cpu(struct packer *p, struct cpu_state *cpu)
{
	pack_u8(p, &cpu->nr_frames);
	if (!cpu->nr_frames)
		return;
	pack_u8(p, &cpu->nr_buffered);
	pack_u8(p, &cpu->ring3_root);
	pack_u8(p, &cpu->queue);
	pack_u8(p, &cpu->visits_left);
	pack_u8(p, &cpu->may);
	pack_u8(p, &cpu->covered);
	pack_u8(p, &cpu->recorded);
	pack_u8(p, &cpu->recorded_late);
	for (u32 i = 0; i < cpu->nr_buffered; i++) {
		pack_u8(p, &cpu->buffer[i].cell);
		pack_u8(p, &cpu->buffer[i].shift);
		pack_u8(p, &cpu->buffer[i].size);
		pack_u64(p, &cpu->buffer[i].value);
	}
	for (u32 i = 0; i < cpu->nr_frames; i++)
		pack_frame(p, &cpu->frames[i]);
}

static __always_inline void pack_purge(struct packer *p, struct purge_state *purge)
{
	pack_u8(p, &purge->kind);
	pack_u8(p, &purge->generation);
	pack_u8(p, &purge->waiting);
	pack_u64(p, &purge->ticket);
}

/* Cells that were never written are not there yet for some states: they count as zero. */
static __always_inline void pack_cells(struct packer *p, u64 *cells)
{
	u8 used = MAX_CELLS;

	while (!p->unpacks && used && !cells[used - 1])
		used--;
	pack_u8(p, &used);
	for (u32 i = 0; i < used; i++)
		pack_u64(p, &cells[i]);
}

static __always_inline void pack(struct packer *p, struct state *s)
{
	pack_u8(p, &s->present);
	pack_u8(p, &s->issued);
	pack_u8(p, &s->completed);
	pack_u8(p, &s->released);
	pack_u8(p, &s->nr_issued);
	pack_u8(p, &s->nmis_left);
	pack_u8(p, &s->mcs_left);
	for (u32 i = 0; i < MAX_PURGES; i++)
		pack_purge(p, &s->purges[i]);
	for (u32 i = 0; i < MAX_MODEL_CPUS; i++)
		pack_cpu(p, &s->cpus[i]);
	pack_cells(p, s->cells);
}

size_t state_pack(const struct state *state, u8 *bytes)
{
	struct packer p = {bytes, false};

	pack(&p, (struct state *)(uintptr_t)state); /* packing does not write to it */
	return (size_t)(p.at - bytes);
}

void state_unpack(struct state *state, const u8 *bytes)
{
	struct packer p = {(u8 *)(uintptr_t)bytes, true}; /* nor does unpacking, to these */

	memset(state, 0, offsetof(struct state, cpus));
	for (u32 i = 0; i < MAX_MODEL_CPUS; i++)
		state->cpus[i].nr_frames = 0;
	memset(state->cells, 0, sizeof(state->cells));
	pack(&p, state);
}

void state_copy(struct state *to, const struct state *from)
{
	memcpy(to, from, offsetof(struct state, cpus));
	memcpy(to->cells, from->cells, sizeof(to->cells));
	for (u32 i = 0; i < MAX_MODEL_CPUS; i++) {
		const struct cpu_state *cpu = &from->cpus[i];

		memcpy(&to->cpus[i], cpu, offsetof(struct cpu_state, frames));
		for (u32 k = 0; k < cpu->nr_frames; k++) {
			const struct frame *f = &cpu->frames[k];

			memcpy(&to->cpus[i].frames[k], f,
			       offsetof(struct frame, history) + f->nr_history * sizeof(u64));
		}
	}
}
