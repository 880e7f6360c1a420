// SPDX-License-Identifier: MIT
/*
 * The only program of the Linux that runs beside Lateflush, its process 1. Isolated CPUs (isolated=
 * on the kernel's command line, digits with commas) stay in ring 3 while the module purges; the
 * function-call and TLB rows of /proc/interrupts are printed before and after. Then the CPUs of
 * getpid= call getpid() for ever, for whoever steps them. Prints at last "peer: ready" and stays,
 * or "peer: failed: " and why.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_CPUS   64
#define WAIT_LIMIT 600 /* tenths of a second until a CPU has been seen in ring 3 */

static volatile unsigned long *turns; /* shared with the children, one for each CPU */

/* Ends the machine: QEMU does not start it again. */
static void fail(const char *what)
{
	printf("peer: failed: %s: %s\n", what, strerror(errno));
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity");
}

static void spin(int cpu)
{
	for (;;)
		turns[cpu]++;
}

static void call_getpid(int cpu)
{
	for (;;) {
		syscall(SYS_getpid);
		turns[cpu]++;
	}
}

/* A process on CPU that runs WORK; returns once it has been seen to. */
static pid_t start(int cpu, void (*work)(int))
{
	pid_t child;

	turns[cpu] = 0;
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		run_on(cpu);
		work(cpu);
	}
	for (int n = 0; n < WAIT_LIMIT && turns[cpu] < 1000; n++)
		usleep(100000);
	if (turns[cpu] < 1000) {
		printf("peer: failed: CPU %d did not come to ring 3\n", cpu);
		errno = ETIMEDOUT;
		fail("start");
	}
	return child;
}

/* Starts WORK on each CPU of the list in the environment; fills CHILDREN, returns how many. */
static int start_all(const char *variable, void (*work)(int), pid_t *children)
{
	const char *list = getenv(variable);
	int nr = 0;

	while (list && *list && nr < MAX_CPUS) {
		char *end;
		long cpu = strtol(list, &end, 10);

		if (end == list || cpu < 0 || cpu >= MAX_CPUS) {
			errno = EINVAL;
			fail(variable);
		}
		children[nr++] = start((int)cpu, work);
		list = *end ? end + 1 : end;
	}
	return nr;
}

/* Prints a file's lines that hold one of two words (NULL: all), each behind TITLE. */
static void show(const char *path, const char *title, const char *first, const char *second)
{
	char line[4096];
	FILE *file = fopen(path, "r");

	if (!file)
		fail(path);
	while (fgets(line, sizeof(line), file))
		if (!first || strstr(line, first) || strstr(line, second))
			printf("peer: %s: %s", title, line);
	fclose(file);
}

/* Page-table isolation is on if it is among the features that the kernel found or made. */
static void show_pti(void)
{
	char line[4096];
	FILE *file = fopen("/proc/cpuinfo", "r");
	bool on = false;

	if (!file)
		fail("/proc/cpuinfo");
	while (fgets(line, sizeof(line), file))
		on = on || (!strncmp(line, "flags", 5) && strstr(line, " pti "));
	fclose(file);
	printf("peer: pti: %s\n", on ? "on" : "off");
}

static void write_text(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);

	if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text))
		fail(path);
	close(file);
}

int main(void)
{
	const char *purges = getenv("purges");
	pid_t children[MAX_CPUS];
	struct utsname names;
	int module, nr;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (mkdir("/proc", 0755) || mkdir("/sys", 0755) ||
	    mount("proc", "/proc", "proc", 0, NULL) || mount("sysfs", "/sys", "sysfs", 0, NULL))
		fail("mount");
	turns = mmap(NULL, MAX_CPUS * sizeof(*turns), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (turns == MAP_FAILED || uname(&names))
		fail("mmap or uname");
	printf("peer: kernel: %s\n", names.release);
	show_pti();
	show("/sys/devices/system/cpu/isolated", "isolated", NULL, NULL);
	show("/sys/devices/system/cpu/nohz_full", "nohz_full", NULL, NULL);

	run_on(0);
	module = open("/peer.ko", O_RDONLY);
	if (module < 0 || syscall(SYS_finit_module, module, "", 0))
		fail("finit_module");
	nr = start_all("isolated", spin, children);
	show("/proc/interrupts", "before", "CAL:", "TLB:");
	write_text("/sys/module/peer/parameters/purges", purges ? purges : "0");
	show("/proc/interrupts", "after", "CAL:", "TLB:");
	while (nr > 0) {
		kill(children[--nr], SIGKILL);
		waitpid(children[nr], NULL, 0);
	}

	start_all("getpid", call_getpid, children);
	printf("peer: ready\n");
	for (;;)
		pause();
}
