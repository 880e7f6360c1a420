/* SPDX-License-Identifier: MIT */
/*
 * The scenarios, see sweep.h: a new one is a function of actions (sweep_actions.h) and a row of the
 * table. Each begins and ends with the target in ring 3.
 */
#include "kernel/sweep.h"

#include "kernel/sweep_actions.h"

/* --- The target stopped, then in ring 3 --------------------------------------------------------
 */

static bool purge_at(struct sweep *s, const struct sweep_point *p)
{
	if (!sweep_stop_at(s, &p->at))
		return false;
	sweep_purge_begin(s);
	sweep_go_on(s);
	sweep_purge_end(s);
	return true;
}

static bool strike_at(struct sweep *s, const struct sweep_point *p)
{
	if (!sweep_stop_at(s, &p->at))
		return false;
	sweep_strike(s);
	sweep_go_on(s);
	return true;
}

static bool purge_in_strike_at(struct sweep *s, const struct sweep_point *p)
{
	if (!sweep_stop_at(s, &p->at))
		return false;
	sweep_strike_begin(s);
	sweep_purge_begin(s);
	sweep_strike_end(s);
	sweep_go_on(s);
	sweep_purge_end(s);
	return true;
}

static bool strike_then_purge_in_kernel(struct sweep *s, const struct sweep_point *p)
{
	if (!sweep_stop_at(s, &p->at))
		return false;
	sweep_strike(s);
	if (!sweep_go_on_into_kernel(s, p->at.position))
		return false;
	sweep_purge_begin(s);
	sweep_go_on(s);
	sweep_purge_end(s);
	return true;
}

static bool purge_in_nmi_in_ring3(struct sweep *s, const struct sweep_point *p)
{
	(void)p;
	sweep_strike_begin(s);
	sweep_purge_begin(s);
	sweep_strike_end(s);
	sweep_purge_end(s);
	return true;
}

static bool purge_then_strike_at(struct sweep *s, const struct sweep_point *p)
{
	if (!sweep_stop_at(s, &p->at))
		return false;
	sweep_purge_begin(s);
	sweep_strike(s);
	sweep_go_on(s);
	sweep_purge_end(s);
	return true;
}

/* --- The initiator held ------------------------------------------------------------------------
 */

/* A purge that is held at p->then; false: it did not come there, and is over. */
static bool begin_held_purge(struct sweep *s, const struct sweep_point *p)
{
	bool held = sweep_hold_begin(s, &p->then);

	if (!held)
		sweep_purge_end(s);
	return held;
}

/* STRUCK: an NMI strikes the initiator first. */
static bool enter_during_held(struct sweep *s, const struct sweep_point *p, bool struck)
{
	bool entered;

	if (!begin_held_purge(s, p))
		return false;
	if (struck)
		sweep_strike_initiator(s);
	entered = sweep_go_into_kernel(s);
	sweep_hold_release(s);
	if (entered)
		sweep_go_on(s);
	sweep_purge_end(s);
	return entered;
}

static bool enter_while_held(struct sweep *s, const struct sweep_point *p)
{
	return enter_during_held(s, p, false);
}

static bool strike_initiator_then_enter(struct sweep *s, const struct sweep_point *p)
{
	return enter_during_held(s, p, true);
}

static bool pass_while_held(struct sweep *s, const struct sweep_point *p)
{
	bool entered;

	if (!begin_held_purge(s, p))
		return false;
	entered = sweep_go_into_kernel(s);
	if (entered)
		sweep_go_on(s);
	sweep_hold_release(s);
	sweep_purge_end(s);
	return entered;
}

static bool nmi_while_held(struct sweep *s, const struct sweep_point *p)
{
	if (!begin_held_purge(s, p))
		return false;
	sweep_strike_begin(s);
	sweep_hold_release(s);
	sweep_strike_end(s);
	sweep_purge_end(s);
	return true;
}

static bool leave_while_held(struct sweep *s, const struct sweep_point *p)
{
	bool held;

	if (!sweep_go_into_kernel(s))
		return false;
	held = sweep_hold_begin(s, &p->then);
	sweep_go_on(s);
	if (held)
		sweep_hold_release(s);
	sweep_purge_end(s);
	return held;
}

/* --- Both stopped ------------------------------------------------------------------------------
 */

static bool enter_when_both_stopped(struct sweep *s, const struct sweep_point *p)
{
	bool held, entered;

	if (!sweep_stop_at(s, &p->at))
		return false;
	held = sweep_hold_begin(s, &p->then);
	entered = sweep_go_on_into_kernel(s, p->at.position);
	if (held)
		sweep_hold_release(s);
	if (entered)
		sweep_go_on(s);
	sweep_purge_end(s);
	return held && entered;
}

static bool leave_when_both_stopped(struct sweep *s, const struct sweep_point *p)
{
	bool held;

	if (!sweep_stop_at(s, &p->at))
		return false;
	held = sweep_hold_begin(s, &p->then);
	sweep_go_on(s);
	if (held)
		sweep_hold_release(s);
	sweep_purge_end(s);
	return held;
}

static bool stop_when_held(struct sweep *s, const struct sweep_point *p)
{
	bool stopped;

	if (!begin_held_purge(s, p))
		return false;
	stopped = sweep_stop_at(s, &p->at);
	sweep_hold_release(s);
	if (stopped)
		sweep_go_on(s);
	sweep_purge_end(s);
	return stopped;
}

static bool nmi_when_both_stopped(struct sweep *s, const struct sweep_point *p)
{
	bool held;

	if (!sweep_stop_at(s, &p->at))
		return false;
	held = sweep_hold_begin(s, &p->then);
	sweep_strike_begin(s);
	if (held)
		sweep_hold_release(s);
	sweep_strike_end(s);
	sweep_go_on(s);
	sweep_purge_end(s);
	return held;
}

/* --- An NMI stepped ----------------------------------------------------------------------------
 */

static bool purge_in_nmi_door(struct sweep *s, const struct sweep_point *p)
{
	bool stopped;

	if (!sweep_stop_at(s, &p->at))
		return false;
	stopped = sweep_nmi_stop_at(s, &p->then);
	if (stopped) {
		sweep_purge_begin(s);
		sweep_nmi_go_on(s);
	}
	sweep_go_on(s);
	if (stopped)
		sweep_purge_end(s);
	return stopped;
}

const struct scenario scenarios[] = {
	{"A", "a purge at K", KIND_AT, false, STRIKE_NONE, 0, purge_at},
	{"A2", "A with a flush owed", KIND_AT, true, STRIKE_NONE, 0, purge_at},
	{"B", "a flush owed, an NMI at K", KIND_AT, true, STRIKE_NMI, 0, strike_at},
	{"C", "an NMI at K, a purge while its handler runs", KIND_AT, false, STRIKE_NMI, 0,
	 purge_in_strike_at},
	{"C2", "C with a flush owed", KIND_AT, true, STRIKE_NMI, 0, purge_in_strike_at},
	{"D", "an NMI at K, later a purge in the kernel", KIND_AT, false, STRIKE_NMI, 0,
	 strike_then_purge_in_kernel},
	{"D2", "D with a flush owed", KIND_AT, true, STRIKE_NMI, 0, strike_then_purge_in_kernel},
	{"E", "an NMI in ring 3, a purge while its handler runs", KIND_RING3, false, STRIKE_NMI, 0,
	 purge_in_nmi_in_ring3},
	{"E2", "E with a flush owed", KIND_RING3, true, STRIKE_NMI, 0, purge_in_nmi_in_ring3},
	{"F", "a purge at K, then an NMI there", KIND_AT, false, STRIKE_NMI, 0,
	 purge_then_strike_at},
	{"F2", "F with a flush owed", KIND_AT, true, STRIKE_NMI, 0, purge_then_strike_at},
	{"G", "a purge held at J, the target enters", KIND_HOLD, false, STRIKE_NONE, PATH_PURGE,
	 enter_while_held},
	{"G2", "G with a flush owed", KIND_HOLD, true, STRIKE_NONE, PATH_PURGE_OWED,
	 enter_while_held},
	{"H", "a purge held at J, the target goes in and out", KIND_HOLD, false, STRIKE_NONE,
	 PATH_PURGE, pass_while_held},
	{"H2", "H with a flush owed", KIND_HOLD, true, STRIKE_NONE, PATH_PURGE_OWED,
	 pass_while_held},
	{"I", "a purge held at J, an NMI in ring 3", KIND_HOLD, false, STRIKE_NMI, PATH_PURGE,
	 nmi_while_held},
	{"I2", "I with a flush owed", KIND_HOLD, true, STRIKE_NMI, PATH_PURGE_OWED, nmi_while_held},
	{"J", "a purge held at J, the target leaves", KIND_HOLD, false, STRIKE_NONE,
	 PATH_PURGE_KERNEL, leave_while_held},
	{"K", "a purge held at J, an NMI there, the target enters", KIND_HOLD, false, STRIKE_NMI,
	 PATH_PURGE, strike_initiator_then_enter},
	{"K2", "K with a flush owed", KIND_HOLD, true, STRIKE_NMI, PATH_PURGE_OWED,
	 strike_initiator_then_enter},
	{"N", "an NMI at K, a purge at J of its door", KIND_NESTED, false, STRIKE_NMI, 0,
	 purge_in_nmi_door},
	{"N2", "N with a flush owed", KIND_NESTED, true, STRIKE_NMI, 0, purge_in_nmi_door},
	{"P", "the target at K, a purge held at J, the target enters", KIND_BOTH, false,
	 STRIKE_NONE, PATH_PURGE_AT, enter_when_both_stopped},
	{"P2", "P with a flush owed", KIND_BOTH, true, STRIKE_NONE, PATH_PURGE_AT,
	 enter_when_both_stopped},
	{"Q", "the target at K, a purge held at J, the target leaves", KIND_BOTH, false,
	 STRIKE_NONE, PATH_PURGE_AT, leave_when_both_stopped},
	{"Q2", "Q with a flush owed", KIND_BOTH, true, STRIKE_NONE, PATH_PURGE_AT,
	 leave_when_both_stopped},
	{"R", "a purge held at J, the target at K, the purge first", KIND_HELD, false, STRIKE_NONE,
	 PATH_PURGE, stop_when_held},
	{"R2", "R with a flush owed", KIND_HELD, true, STRIKE_NONE, PATH_PURGE_OWED,
	 stop_when_held},
	{"S", "the target at K, a purge held at J, an NMI", KIND_BOTH, false, STRIKE_NMI,
	 PATH_PURGE_AT, nmi_when_both_stopped},
	{"S2", "S with a flush owed", KIND_BOTH, true, STRIKE_NMI, PATH_PURGE_AT,
	 nmi_when_both_stopped},
	{"T", "a flush owed, a #MC at K", KIND_AT, true, STRIKE_MC, 0, strike_at},
	{"U", "a #MC at K, a purge while its handler runs", KIND_AT, false, STRIKE_MC, 0,
	 purge_in_strike_at},
	{"U2", "U with a flush owed", KIND_AT, true, STRIKE_MC, 0, purge_in_strike_at},
	{"V", "a #MC at K, later a purge in the kernel", KIND_AT, false, STRIKE_MC, 0,
	 strike_then_purge_in_kernel},
	{"V2", "V with a flush owed", KIND_AT, true, STRIKE_MC, 0, strike_then_purge_in_kernel},
	{"W", "a purge at K, then a #MC there", KIND_AT, false, STRIKE_MC, 0, purge_then_strike_at},
	{"W2", "W with a flush owed", KIND_AT, true, STRIKE_MC, 0, purge_then_strike_at},
	{0},
};

u32 scenario_way(const struct scenario *scenario)
{
	if (scenario->kind == KIND_HELD)
		return PATH_WAY_HELD;
	return scenario->owed ? PATH_OWED : PATH_CLEAN;
}

const char *const *scenario_names(void)
{
	static const char *names[ARRAY_SIZE(scenarios)];

	for (u32 i = 0; scenarios[i].name; i++)
		names[i] = scenarios[i].name;
	return names;
}
