/* SPDX-License-Identifier: MIT */
#include "base/compiler.h"
#include "cli/elf/elf.h"
#include "cli/elf/ld_cache.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__aarch64__)
#define OWN   EM_AARCH64
#define OTHER EM_X86_64
#else
#define OWN   EM_X86_64
#define OTHER EM_AARCH64
#endif

/* A program that needs libcurl.so.4, with everything that the reader uses. Addresses are equal
 * to file offsets. */
struct image {
    ElfW(Ehdr) head;
    ElfW(Phdr) segments[4];
    ElfW(Shdr) sections[3];
    ElfW(Dyn) dynamic[16];
    ElfW(Sym) symbols[4];
    ElfW(Verneed) file;
    ElfW(Vernaux) wanted[2];
    ElfW(Verdef) defined;
    ElfW(Verdaux) defined_name;
    uint16_t versions[4];
    struct {
        ElfW(Nhdr) head;
        char name[4];
        char id[4];
    } note;
    char interpreter[28], strings[160], section_names[40];
};

static struct image image;
static size_t strings_used;

static uint32_t text(const char *s)
{
    uint32_t at = (uint32_t)strings_used;
    memcpy(image.strings + at, s, strlen(s) + 1);
    strings_used += strlen(s) + 1;
    return at;
}

#define AT(member) offsetof(struct image, member)

static void segment(int i, uint32_t type, uint64_t at, uint64_t n)
{
    image.segments[i] =
        (ElfW(Phdr)){.p_type = type, .p_offset = at, .p_vaddr = at, .p_filesz = n, .p_memsz = n};
}

static void make_symbols(void)
{
    image.symbols[1] = (ElfW(Sym)){.st_name = text("curl_easy_perform")};
    image.symbols[2] = (ElfW(Sym)){.st_name = text("plain"), .st_info = STB_WEAK << 4};
    image.symbols[3] = (ElfW(Sym)){.st_name = text("mine"), .st_shndx = 1};
    image.versions[1] = 3;
    image.versions[2] = VER_NDX_GLOBAL;
    image.versions[3] = 2 | 0x8000;
    image.file = (ElfW(Verneed)){.vn_version = 1, .vn_cnt = 2, .vn_aux = sizeof image.file};
    image.wanted[0] = (ElfW(Vernaux)){
        .vna_other = 4, .vna_name = text("GLIBC_2.34"), .vna_next = sizeof image.wanted[0]};
    image.wanted[1] = (ElfW(Vernaux)){.vna_other = 3, .vna_name = text("CURL_OPENSSL_4")};
    image.defined =
        (ElfW(Verdef)){.vd_version = 1, .vd_ndx = 2, .vd_cnt = 1, .vd_aux = sizeof image.defined};
    image.defined_name.vda_name = text("MINE_1");
}

static void make(void)
{
    memset(&image, 0, sizeof image);
    strings_used = 1;
    memcpy(image.head.e_ident, ELFMAG, SELFMAG);
    image.head.e_ident[EI_CLASS] = ELFCLASS64;
    image.head.e_ident[EI_DATA] = ELFDATA2LSB;
    image.head.e_type = ET_DYN;
    image.head.e_machine = OWN;
    image.head.e_phoff = AT(segments);
    image.head.e_phentsize = sizeof image.segments[0];
    image.head.e_phnum = 4;
    image.head.e_shoff = AT(sections);
    image.head.e_shentsize = sizeof image.sections[0];
    image.head.e_shnum = 3;
    image.head.e_shstrndx = 2;
    segment(0, PT_LOAD, 0, sizeof image);
    segment(1, PT_INTERP, AT(interpreter), sizeof image.interpreter);
    segment(2, PT_DYNAMIC, AT(dynamic), sizeof image.dynamic);
    segment(3, PT_NOTE, AT(note), sizeof image.note);
    memcpy(image.interpreter, "/lib64/ld-linux-x86-64.so.2", 28);
    make_symbols();
    const ElfW(Dyn) dynamic[] = {
        {DT_NEEDED, {text("libcurl.so.4")}}, {DT_NEEDED, {text("libc.so.6")}},
        {DT_RUNPATH, {text("$ORIGIN/lib")}}, {DT_STRTAB, {AT(strings)}},
        {DT_STRSZ, {sizeof image.strings}},  {DT_SYMTAB, {AT(symbols)}},
        {DT_VERSYM, {AT(versions)}},         {DT_VERNEED, {AT(file)}},
        {DT_VERDEF, {AT(defined)}},
    };
    memcpy(image.dynamic, dynamic, sizeof dynamic);
    image.sections[1] = (ElfW(Shdr)){
        .sh_type = SHT_DYNSYM, .sh_offset = AT(symbols), .sh_size = sizeof image.symbols};
    image.sections[2] = (ElfW(Shdr)){.sh_type = SHT_STRTAB,
                                     .sh_name = 1,
                                     .sh_offset = AT(section_names),
                                     .sh_size = sizeof image.section_names};
    memcpy(image.section_names + 1, ".shstrtab", 10);
}

TestSuite(elf, .init = make);

static struct elf parsed(void)
{
    struct elf e;
    cr_assert_eq(elf_parse(&e, &image, sizeof image), 0);
    return e;
}

/* Calls every function of the reader. They must terminate and must not read outside the file. */
static size_t call_all(const struct elf *e)
{
    static const int64_t tags[] = {DT_NEEDED, DT_RUNPATH, DT_RPATH, DT_SONAME};
    struct elf_symbol s;
    const char *text;
    size_t sum = e->interpreter ? strlen(e->interpreter) : 0;
    for (size_t t = 0; t < array_size(tags); t++)
        for (size_t i = 0; (text = elf_text(e, tags[t], i)); i++)
            sum += strlen(text);
    for (size_t i = 0; elf_symbol(e, i, &s); i++)
        sum += strlen(s.name) + strlen(elf_version(e, i));
    for (size_t i = 0; i < 64 && (text = elf_needed_version(e, i)); i++)
        sum += strlen(text);
    return sum + elf_defines(e, "mine", "MINE_1") + elf_defines_version(e, "MINE_1");
}

Test(elf, reports_the_libraries_that_a_program_needs)
{
    struct elf e = parsed();
    cr_assert(e.native && e.program && !e.go);
    cr_assert_eq(e.bits, 64);
    cr_assert_str_eq(e.interpreter, "/lib64/ld-linux-x86-64.so.2");
    cr_assert_str_eq(elf_text(&e, DT_NEEDED, 0), "libcurl.so.4");
    cr_assert_str_eq(elf_text(&e, DT_NEEDED, 1), "libc.so.6");
    cr_assert_null(elf_text(&e, DT_NEEDED, 2));
    cr_assert_str_eq(elf_text(&e, DT_RUNPATH, 0), "$ORIGIN/lib");
    cr_assert_str_eq(elf_needs(&e, "libcurl"), "libcurl.so.4");
    cr_assert_null(elf_needs(&e, "libssl"));
}

static void expect_symbols(const struct elf *e)
{
    struct elf_symbol s;
    cr_assert_eq(e->symbol_count, 4u);
    cr_assert(elf_symbol(e, 1, &s));
    cr_assert_str_eq(s.name, "curl_easy_perform");
    cr_assert(!s.defined && !s.weak);
    cr_assert_str_eq(elf_version(e, 1), "CURL_OPENSSL_4");
    cr_assert(elf_symbol(e, 2, &s) && !s.defined && s.weak);
    cr_assert_str_eq(elf_version(e, 2), "");
    cr_assert(elf_symbol(e, 3, &s) && s.defined);
    cr_assert_str_eq(elf_version(e, 3), "MINE_1");
    cr_assert(!elf_symbol(e, 4, &s));
}

Test(elf, reports_symbols_with_their_versions)
{
    struct elf e = parsed();
    expect_symbols(&e);
    cr_assert(elf_defines(&e, "mine", NULL) && elf_defines(&e, "mine", "MINE_1"));
    cr_assert(!elf_defines(&e, "mine", "MINE_2") && !elf_defines(&e, "plain", NULL));
    cr_assert(elf_defines_version(&e, "MINE_1") && !elf_defines_version(&e, "GLIBC_2.34"));
    cr_assert_str_eq(elf_needed_version(&e, 0), "GLIBC_2.34");
    cr_assert_str_eq(elf_needed_version(&e, 1), "CURL_OPENSSL_4");
    cr_assert_null(elf_needed_version(&e, 2));
}

Test(elf, counts_symbols_without_section_headers)
{
    image.head.e_shnum = 0;
    struct elf e = parsed();
    struct elf_symbol s;
    cr_assert_geq(e.symbol_count, 4u);
    cr_assert(elf_symbol(&e, 1, &s));
    cr_assert_str_eq(s.name, "curl_easy_perform");
    cr_assert_str_eq(elf_version(&e, 1), "CURL_OPENSSL_4");
}

Test(elf, detects_go_by_its_note_or_its_section)
{
    image.note.head = (ElfW(Nhdr)){.n_namesz = 4, .n_descsz = 4, .n_type = 4};
    memcpy(image.note.name, "Go\0", 4);
    cr_assert(parsed().go);
    memset(&image.note, 0, sizeof image.note);
    cr_assert(!parsed().go);
    memcpy(image.section_names + 1, ".go.buildinfo", 14);
    cr_assert(parsed().go);
}

Test(elf, distinguishes_static_programs_and_libraries)
{
    image.segments[1].p_type = PT_NULL;
    struct elf e = parsed();
    cr_assert(!e.interpreter && !e.program, "a library");
    image.dynamic[9] = (ElfW(Dyn)){DT_FLAGS_1, {DF_1_PIE}};
    e = parsed();
    cr_assert(!e.interpreter && e.program, "a static position-independent program");
    image.dynamic[9].d_tag = DT_NULL;
    image.head.e_type = ET_EXEC;
    e = parsed();
    cr_assert(!e.interpreter && e.program, "a static program");
    image.head.e_type = ET_REL;
    cr_assert(!parsed().program);
}

Test(elf, reads_only_the_type_of_a_program_for_another_machine)
{
    image.head.e_machine = OTHER;
    struct elf e = parsed();
    cr_assert(!e.native && !e.interpreter);
    cr_assert_eq(e.machine, OTHER);
    image.head.e_machine = OWN;
    image.head.e_ident[EI_CLASS] = ELFCLASS32;
    e = parsed();
    cr_assert(!e.native && e.bits == 32);
    image.head.e_ident[EI_CLASS] = ELFCLASS64;
    image.head.e_ident[EI_DATA] = ELFDATA2MSB;
    image.head.e_machine = EM_PPC64 << 8;
    e = parsed();
    cr_assert(!e.native);
    cr_assert_eq(e.machine, EM_PPC64);
}

Test(elf, rejects_other_files)
{
    struct elf e;
    cr_assert_eq(elf_parse(&e, "#!/bin/sh\n", 10), -ENOEXEC);
    cr_assert_eq(elf_parse(&e, "", 0), -ENOEXEC);
    cr_assert_eq(elf_read(&e, "/"), -EISDIR);
    cr_assert_eq(elf_read(&e, "/dev/null"), -ENOEXEC);
    cr_assert_eq(elf_read(&e, "/nonexistent"), -ENOENT);
    elf_release(&e);
}

Test(elf, reads_this_very_program)
{
    struct elf e;
    cr_assert_eq(elf_read(&e, "/proc/self/exe"), 0);
    cr_assert(e.native && e.program);
    cr_assert_gt(call_all(&e), 0u);
    elf_release(&e);
}

/* In its own allocation, so that the sanitizers detect a read beyond the end. */
Test(elf, survives_truncation_at_any_byte)
{
    for (size_t n = 0; n <= sizeof image; n++) {
        struct elf e;
        void *copy = malloc(n ? n : 1);
        memcpy(copy, &image, n);
        if (!elf_parse(&e, copy, n))
            call_all(&e);
        free(copy);
    }
}

Test(elf, survives_a_change_of_any_byte)
{
    static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
    unsigned char *bytes = malloc(sizeof image);
    memcpy(bytes, &image, sizeof image);
    for (size_t i = 0; i < sizeof image; i++)
        for (size_t v = 0; v < array_size(values); v++) {
            struct elf e;
            unsigned char kept = bytes[i];
            bytes[i] = values[v];
            if (!elf_parse(&e, bytes, sizeof image))
                call_all(&e);
            bytes[i] = kept;
        }
    free(bytes);
}

Test(elf, survives_changes_of_many_bytes)
{
    unsigned char *bytes = malloc(sizeof image);
    uint64_t random = 88172645463325252u;
    for (int round = 0; round < 20000; round++) {
        struct elf e;
        memcpy(bytes, &image, sizeof image);
        for (int k = 0; k < 1 + round % 12; k++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            bytes[random % sizeof image] = (unsigned char)(random >> 40);
        }
        if (!elf_parse(&e, bytes, sizeof image))
            call_all(&e);
    }
    free(bytes);
}

Test(elf, terminates_on_a_cyclic_list_of_versions)
{
    image.wanted[1].vna_next = (uint32_t)-(int32_t)sizeof image.wanted[0];
    image.file.vn_next = 0;
    image.defined.vd_next = (uint32_t)-1;
    struct elf e = parsed();
    call_all(&e);
    cr_assert_null(elf_needed_version(&e, 1 << 20));
}

/* ---- the loader's cache ---------------------------------------------------------------------- */

struct cache {
    char magic[20];
    uint32_t entries, texts, unused[5];
    struct {
        int32_t flags;
        uint32_t name, path, os;
        uint64_t hardware;
    } entry[3];
    char text[64];
};

static struct cache make_cache(void)
{
    struct cache c = {.entries = 3};
    const uint32_t text = offsetof(struct cache, text);
    memcpy(c.magic, "glibc-ld.so.cache1.1", 20);
    memcpy(c.text, "liba.so\0/x/liba.so\0/y/liba.so\0/v3/liba.so", 42);
    for (int i = 0; i < 3; i++)
        c.entry[i].name = text;
    c.entry[0].path = text + 30;
    c.entry[0].hardware = 1ull << 62;
    c.entry[1].path = text + 8;
    c.entry[2].path = text + 19;
    return c;
}

Test(ld_cache, finds_all_entries_of_a_name_except_those_for_newer_processors)
{
    struct cache c = make_cache();
    cr_assert_str_eq(ld_cache_find(&c, sizeof c, "liba.so", 0), "/x/liba.so");
    cr_assert_str_eq(ld_cache_find(&c, sizeof c, "liba.so", 1), "/y/liba.so");
    cr_assert_null(ld_cache_find(&c, sizeof c, "liba.so", 2));
    cr_assert_null(ld_cache_find(&c, sizeof c, "libb.so", 0));
}

Test(ld_cache, survives_truncation_and_changes_at_any_byte)
{
    struct cache c = make_cache();
    for (size_t n = 0; n <= sizeof c; n++) {
        char *copy = malloc(n ? n : 1);
        memcpy(copy, &c, n);
        ld_cache_find(copy, n, "liba.so", 0);
        ld_cache_find(copy, n, "none", 0);
        free(copy);
    }
    unsigned char *bytes = malloc(sizeof c);
    memcpy(bytes, &c, sizeof c);
    for (size_t i = 0; i < sizeof c; i++)
        for (int v = 0; v < 256; v += 51) {
            unsigned char kept = bytes[i];
            bytes[i] = (unsigned char)v;
            ld_cache_find(bytes, sizeof c, "liba.so", 1);
            bytes[i] = kept;
        }
    free(bytes);
}
