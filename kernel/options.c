/* SPDX-License-Identifier: MIT */
/*
 * The command line's parser. One table holds every option: its name, the function that reads its
 * value, the field it sets, and what values are valid. The reading and the text of what would be
 * valid both come from the table's row, so they cannot disagree.
 */
#include "kernel/options.h"

#include "arch/x86_64/breaks.h"
#include "arch/x86_64/cpu_number.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/zone.h"
#include "kernel/cpulist.h"

/* A word and the number that it stands for; a list of them ends with a NULL word. */
struct choice {
	const char *word;
	u32 value;
};

struct parser {
	const struct options_words *words;
	struct options *out;
	struct text err;
	u32 seen; /* a bit for each row of the table */
};

/*
 * A row's parse function gets the LEN characters behind "=", or NULL where there is no "=". If it
 * returns false without a text in p->err, the caller writes one from the row.
 */
struct option {
	const char *name;
	bool (*parse)(struct parser *p, const struct option *option, const char *value, size_t len);
	size_t offset, size; /* of the field in struct options */
	bool repeatable;
	/* What is valid: choices, names or a text; where there is none of them, a number. */
	const struct choice *choices;
	words_t names;
	const char *valid;
	u64 lowest, highest;
};

static void store(struct parser *p, const struct option *option, u64 value)
{
	void *field = (char *)p->out + option->offset;

	if (option->size == sizeof(bool))
		*(bool *)field = value != 0;
	else if (option->size == sizeof(u32))
		*(u32 *)field = (u32)value;
	else
		*(u64 *)field = value;
}

static bool store_text(struct parser *p, const struct option *option, const char *value, size_t len)
{
	char *field = (char *)p->out + option->offset;

	if (len == 0 || len >= option->size)
		return false;
	memcpy(field, value, len);
	field[len] = '\0';
	return true;
}

static bool parse_flag(struct parser *p, const struct option *option, const char *value, size_t len)
{
	(void)len;
	store(p, option, 1);
	return !value;
}

static bool parse_choice(struct parser *p, const struct option *option, const char *value,
			 size_t len)
{
	for (const struct choice *choice = option->choices; choice->word; choice++) {
		if (is_word(value, len, choice->word)) {
			store(p, option, choice->value);
			return true;
		}
	}
	return false;
}

static bool parse_number(struct parser *p, const struct option *option, const char *value,
			 size_t len)
{
	u64 number;

	if (!parse_u64(value, len, &number) || number < option->lowest || number > option->highest)
		return false;
	store(p, option, number);
	return true;
}

static bool parse_name(struct parser *p, const struct option *option, const char *value, size_t len)
{
	return find_word(option->names, value, len) >= 0 && store_text(p, option, value, len);
}

const char *policy_list_name(const char *list, size_t *len)
{
	*len = 0;
	while (list[*len] && list[*len] != '+')
		(*len)++;
	return *len ? list : NULL;
}

const char *policy_list_next(const char *list, size_t len)
{
	return list[len] == '+' ? list + len + 1 : list + len;
}

static bool in_list(const char *list, const char *end, const char *name, size_t len)
{
	size_t other = 0;

	for (; list < end; list += other + 1) {
		policy_list_name(list, &other);
		if (other == len && memcmp(list, name, len) == 0)
			return true;
	}
	return false;
}

/* One name of the list that begins at LIST. */
static bool check_policy(struct parser *p, const char *list, const char *name, size_t len)
{
	if (p->words->policies && find_word(p->words->policies, name, len) < 0) {
		text_add(&p->err, "tlbi=");
		text_add_input(&p->err, name, len);
		text_add(&p->err, ": no such policy; valid: ");
		text_add_words(&p->err, p->words->policies);
		return false;
	}
	if (in_list(list, name, name, len)) {
		text_add(&p->err, "tlbi=");
		text_add_input(&p->err, name, len);
		text_add(&p->err, ": named a second time; valid: each policy once");
		return false;
	}
	return len != 0 && len <= OPTIONS_NAME_MAX;
}

static bool parse_policies(struct parser *p, const struct option *option, const char *value,
			   size_t len)
{
	for (size_t start = 0, i = 0; i <= len; i++) {
		if (i < len && value[i] != '+')
			continue;
		if (!check_policy(p, value, value + start, i - start))
			return false;
		start = i + 1;
	}
	return store_text(p, option, value, len);
}

static bool parse_cpus(struct parser *p, const struct option *option, const char *value, size_t len)
{
	char reason[256];

	if (cpulist_check(value, len, reason, sizeof(reason)))
		return store_text(p, option, value, len);
	text_add(&p->err, "nohz_full=: %s", reason);
	return false;
}

static bool parse_run(struct parser *p, const struct option *option, const char *value, size_t len)
{
	(void)option;
	return run_spec_parse(&p->out->run, value, len, p->words->experiments, &p->err);
}

static bool parse_console(struct parser *p, const struct option *option, const char *value,
			  size_t len)
{
	(void)option;
	return console_option_parse(&p->out->console, value, len, &p->err);
}

static bool parse_trace(struct parser *p, const struct option *option, const char *value,
			size_t len)
{
	(void)option;
	return trace_option_parse(&p->out->trace, value, len, &p->err);
}

static const struct choice off_on[] = {{"off", 0}, {"on", 1}, {NULL, 0}};
static const struct choice roots[] = {{"off", PTI_OFF}, {"on", PTI_ON}, {NULL, 0}};
static const struct choice zones[] = {
	{"off", ZONE_OFF}, {"trap", ZONE_TRAP}, {"stale", ZONE_STALE}, {NULL, 0}};
static const struct choice stacks[] = {{"entry", 0}, {"task", 1}, {NULL, 0}};
static const struct choice ends[] = {
	{"halt", END_HALTS}, {"reboot", END_REBOOTS}, {"poweroff", END_POWERS_OFF}, {NULL, 0}};
static const struct choice tripwires[] = {
	{"ipi", TRIPWIRE_IPI}, {"ring3", TRIPWIRE_RING3}, {NULL, 0}};
static const struct choice breaks[] = {
	{"drain", BREAK_DRAIN},
	{"ipi", BREAK_IPI},
	{"undercount", BREAK_UNDERCOUNT},
	{"gap", BREAK_GAP},
	{"fill", BREAK_FILL},
	{"stamp", BREAK_STAMP},
	{"ap", BREAK_AP},
	{"pointer", BREAK_POINTER},
	{"early", BREAK_EARLY},
	{"nmi", BREAK_NMI},
	{"traced", BREAK_TRACED},
	{"table", BREAK_TABLE},
	{NULL, 0},
};

const char *options_break_word(u32 bit)
{
	const struct choice *c = breaks;

	while (c->word && c->value != bit)
		c++;
	return c->word;
}

static const char *const defects[] = {"N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8", "N9", NULL};

#define OPTION(word, function, field)                                                              \
	.name = (word), .parse = (function), .offset = offsetof(struct options, field),            \
	.size = sizeof(((struct options *)NULL)->field)
#define RANGE(low, high) .lowest = (low), .highest = (high)

static const struct option table[] = {
	{OPTION("tlbi", parse_policies, tlbi),
	 .valid = "names of at most 31 characters, + between them, 255 characters in all"},
	{OPTION("nohz_full", parse_cpus, nohz_full), .valid = "at most 255 characters"},
	{OPTION("run", parse_run, run), .valid = "EXPERIMENT[,key=value...]"},
	{OPTION("pti", parse_choice, pti), .choices = roots},
	{OPTION("debug_pagealloc", parse_choice, debug_pagealloc), .choices = off_on},
	{OPTION("vmap_stack", parse_choice, vmap_stack), .choices = off_on},
	{OPTION("stack", parse_choice, stack_on_task), .choices = stacks},
	{OPTION("zone", parse_choice, zone), .choices = zones},
	{OPTION("nopcid", parse_flag, nopcid), .valid = "nopcid alone"},
	{OPTION("nox2apic", parse_flag, nox2apic), .valid = "nox2apic alone"},
	{OPTION("maxcpus", parse_number, max_cpus), RANGE(1, MAX_CPUS)},
	{OPTION("defect", parse_name, defect), .names = defects},
	{OPTION("break", parse_choice, broken), .choices = breaks},
	{OPTION("trace", parse_trace, trace), .valid = TRACE_OPTION_VALID},
	{OPTION("tripwire", parse_choice, tripwire), .choices = tripwires},
	{OPTION("console", parse_console, console), .repeatable = true,
	 .valid = CONSOLE_OPTION_VALID},
	{OPTION("loglevel", parse_number, loglevel), RANGE(0, 7)},
	{OPTION("panic", parse_number, panic_seconds), RANGE(0, 3600)},
	{OPTION("watchdog", parse_number, watchdog_seconds), RANGE(0, 3600)},
	{OPTION("end", parse_choice, end), .choices = ends},
	{OPTION("seed", parse_number, seed), RANGE(0, ~0ULL)},
	{OPTION("tlb_single_page_flush_ceiling", parse_number, tlb_single_page_flush_ceiling),
	 RANGE(0, 1 << 20)},
};

_Static_assert(ARRAY_SIZE(table) <= 32, "struct parser's seen has a bit for each");

static void add_valid(struct text *text, const struct option *option)
{
	if (option->choices) {
		for (const struct choice *c = option->choices; c->word; c++)
			text_add(text, "%s%s", c == option->choices ? "" : ", ", c->word);
	} else if (option->names) {
		text_add_words(text, option->names);
	} else if (option->valid) {
		text_add(text, "%s", option->valid);
	} else {
		text_add(text, "a number of %llu to %llu", (unsigned long long)option->lowest,
			 (unsigned long long)option->highest);
	}
}

/* Every option, for a word that is none. */
static void add_names(struct text *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		text_add(text, "%s%s%s", i ? " " : "", table[i].name,
			 table[i].parse == parse_flag ? "" : "=");
}

/* Writes "WORD: WHAT; valid: " at the front of an error text. */
static void blame(struct parser *p, const char *word, size_t len, const char *what)
{
	text_add_input(&p->err, word, len);
	text_add(&p->err, ": %s; valid: ", what);
}

static bool parse_value(struct parser *p, const struct option *option, const char *word, size_t len)
{
	size_t name = strlen(option->name);
	const char *value = name < len ? word + name + 1 : NULL;
	u32 bit = 1U << (option - table);

	if (p->seen & bit && !option->repeatable) {
		blame(p, word, len, "given a second time");
		text_add(&p->err, "%s once", option->name);
		return false;
	}
	p->seen |= bit;
	if (option->parse != parse_flag && (!value || name + 1 == len)) {
		blame(p, word, len, "a value is missing");
		add_valid(&p->err, option);
		return false;
	}
	if (option->parse(p, option, value, value ? len - name - 1 : 0))
		return true;
	if (!p->err.used) {
		blame(p, word, len,
		      value && option->parse == parse_flag ? "takes no value" : "bad value");
		add_valid(&p->err, option);
	}
	return false;
}

static bool parse_word(struct parser *p, const char *word, size_t len)
{
	size_t name = 0;

	for (size_t i = 0; i < len; i++) {
		if (word[i] == '\'' || word[i] == '"' || word[i] == '\\') {
			blame(p, word, len, "quotes and backslashes are not understood");
			text_add(&p->err, "words with blanks between them");
			return false;
		}
	}
	while (name < len && word[name] != '=')
		name++;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (is_word(word, name, table[i].name))
			return parse_value(p, &table[i], word, len);
	}
	blame(p, word, len, "unknown option");
	add_names(&p->err);
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void set_defaults(struct options *out)
{
	memset(out, 0, sizeof(*out));
	out->vmap_stack = true;
	out->max_cpus = MAX_CPUS;
	out->loglevel = 6;
	out->watchdog_seconds = 60;
	out->seed = 1;
	out->tlb_single_page_flush_ceiling = 33;
}

bool options_parse(const char *cmdline, const struct options_words *words, struct options *out,
		   char *err, size_t errlen)
{
	struct parser p = {.words = words, .out = out, .err = text_in(err, errlen)};
	bool first = true;

	set_defaults(out);
	for (const char *s = cmdline; *s;) {
		const char *word = s;

		while (*s && !is_blank(*s))
			s++;
		if (s == word) {
			s++;
			continue;
		}
		if (!(first && (*word == '/' || *word == '(')) &&
		    !parse_word(&p, word, (size_t)(s - word)))
			return false;
		first = false;
	}
	console_option_default(&out->console);
	return true;
}
