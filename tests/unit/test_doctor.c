/* SPDX-License-Identifier: MIT
 *
 * The findings of `harden doctor` about a machine whose system files are those of a directory. */
#include "cli/doctor/machine.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char root[64], *text;
static size_t size;
static struct diagnosis d;

static void begin(void)
{
    snprintf(root, sizeof root, "/tmp/harden-doctor-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
    d = (struct diagnosis){.root = root, .kind = KIND_MACHINE, .out = open_memstream(&text, &size)};
    unsetenv("container");
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static void end(void)
{
    fclose(d.out);
    free(text);
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(doctor, .init = begin, .fini = end);

static void file(const char *path, const void *bytes, size_t n)
{
    char whole[256];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *slash = whole + strlen(root); (slash = strchr(slash + 1, '/')); *slash = '/') {
        *slash = '\0';
        mkdir(whole, 0755);
    }
    FILE *f = fopen(whole, "w");
    cr_assert(f && fwrite(bytes, 1, n, f) == n && !fclose(f), "%s", whole);
}

static void line(const char *path, const char *s)
{
    file(path, s, strlen(s));
}

static void loader(const char *path, unsigned machine)
{
    Elf64_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                    .e_type = ET_DYN,
                    .e_machine = (Elf64_Half)machine};
    file(path, &h, sizeof h);
}

static const char *findings(void (*check)(struct diagnosis *))
{
    check(&d);
    fflush(d.out);
    return text;
}

#define SAYS(words)       cr_assert(strstr(text, words), "%s", text)
#define SAYS_NOT(words)   cr_assert(!strstr(text, words), "%s", text)
#define NO_WORSE_THAN(at) cr_assert(d.worst <= (at), "%s", text)

Test(doctor, names_the_security_modules_and_what_they_demand)
{
    line("/proc/self/status", "Name:\tx\nSeccomp:\t0\n");
    findings(machine_system);
    SAYS("ok: neither AppArmor nor SELinux is active");
    SAYS_NOT("this is a container");
    SAYS_NOT("seccomp");
    line("/sys/module/apparmor/parameters/enabled", "Y\n");
    line("/proc/self/attr/current", "unconfined\n");
    findings(machine_system);
    SAYS("note: AppArmor is active");
    SAYS_NOT("confines this shell");
    line("/proc/self/attr/apparmor/current", "jail (enforce)\n");
    line("/sys/fs/selinux/enforce", "1");
    findings(machine_system);
    SAYS("note: AppArmor confines this shell (jail (enforce))");
    SAYS("note: SELinux is enforcing");
    line("/sys/fs/selinux/enforce", "0");
    findings(machine_system);
    SAYS("ok: SELinux is permissive");
    NO_WORSE_THAN(LEVEL_NOTE);
}

Test(doctor, notes_a_missing_proc_a_filter_and_a_slow_clock)
{
    findings(machine_system);
    SAYS("note: /proc is not mounted");
    line("/proc/self/status", "Name:\tx\nSeccomp:\t2\n");
    line("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    findings(machine_system);
    SAYS("note: a seccomp filter applies");
    SAYS("note: the clock source is hpet");
    NO_WORSE_THAN(LEVEL_NOTE);
}

Test(doctor, recognises_containers)
{
    line("/run/.containerenv", "");
    findings(machine_system);
    SAYS("note: this is a container");
}

Test(doctor, names_what_is_loaded_into_every_program)
{
    findings(machine_library);
    SAYS_NOT("ld.so.preload");
    line("/etc/ld.so.preload", "# a comment, libharden.so\n/a/b.so /no/libharden.so\n");
    findings(machine_library);
    SAYS("note: /etc/ld.so.preload also loads /a/b.so");
    SAYS("problem: /etc/ld.so.preload contains /no/libharden.so: No such file");
    SAYS_NOT("comment");
    line("/etc/ld.so.preload", "libharden.so");
    findings(machine_library);
    SAYS("note: /etc/ld.so.preload loads libharden.so into every program");
}

Test(doctor, names_each_kind_of_program_that_the_library_is_missing_for_once)
{
    loader("/lib/ld-linux-riscv64-lp64d.so.1", EM_RISCV);
    loader("/lib64/ld-linux-riscv64-lp64d.so.1", EM_RISCV);
    loader("/lib/ld-musl-riscv64.so.1", EM_RISCV);
    findings(machine_library);
    SAYS("note: there is also a loader for riscv, 64 bits (/lib/ld-linux-riscv64-lp64d.so.1)");
    SAYS("note: there is also a loader of musl for riscv (/lib/ld-musl-riscv64.so.1)");
    SAYS_NOT("lib64");
}

Test(doctor, says_that_it_does_not_know_the_copies_of_libcurl_without_the_cache)
{
    findings(machine_libcurls);
    SAYS("note: the loader has no cache");
    line("/etc/ld.so.cache", "damaged");
    findings(machine_libcurls);
    SAYS("note: the loader knows no libcurl");
}

Test(doctor, the_worst_finding_is_the_verdict_of_a_machine)
{
    doctor_say(&d, LEVEL_NOTE, "a\nb");
    cr_assert_eq(doctor_verdict(&d), 0);
    doctor_say(&d, LEVEL_PARTLY, "c");
    cr_assert_eq(doctor_verdict(&d), 1);
    doctor_say(&d, LEVEL_NO, "d");
    cr_assert_eq(doctor_verdict(&d), 2);
    fflush(d.out);
    cr_assert_str_eq(
        text, "note: a?b\nverdict: programs of this user are covered on this machine\n"
              "problem: c\nverdict: programs of this user are covered on this machine, with 1 "
              "problem\n"
              "no: d\nverdict: programs of this user are not covered on this machine\n");
}

Test(doctor, a_document_has_the_same_findings)
{
    d.json = true;
    d.kind = KIND_PROGRAM;
    d.subject = "a\"b";
    d.check = "program";
    doctor_begin(&d);
    doctor_say(&d, LEVEL_OK, "one \\ two");
    doctor_say(&d, LEVEL_PARTLY, "\xff");
    cr_assert_eq(doctor_verdict(&d), 1);
    fflush(d.out);
    cr_assert_str_eq(text,
                     "{\"schema\":\"harden.doctor/1\",\"kind\":\"program\",\"subject\":\"a\\\"b\","
                     "\"findings\":[\n"
                     "{\"level\":\"ok\",\"check\":\"program\",\"text\":\"one \\\\ two\"},\n"
                     "{\"level\":\"partly\",\"check\":\"program\",\"text\":\"\xef\xbf\xbd\"}\n"
                     "],\"verdict\":\"partly\",\"exit_status\":1}\n");
}
