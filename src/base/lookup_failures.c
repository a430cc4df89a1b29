/* SPDX-License-Identifier: MIT */
#include "base/lookup_failures.h"

#include "base/hash.h"
#include "base/seqlock.h"
#include "base/sizes.h"

#include <netdb.h>
#include <stdbool.h>
#include <string.h>

#define LENGTH_MAX 256

struct record {
    uint64_t key;     /* of the name; 0: empty */
    int64_t again_ns; /* time of the last EAI_AGAIN; 0: never */
    int64_t other_ns; /* time of the last other code; 0: never */
    int64_t other;    /* that code */
};

#define WORDS (sizeof(struct record) / sizeof(uint64_t))

static struct {
    _Atomic uint64_t sequence;
    _Atomic uint64_t words[WORDS];
} table[UNFOUND_NAMES];

/* 0: no name. Only the first bytes of a name that is too long to exist count. */
static uint64_t key_of(const char *name)
{
    char plain[LENGTH_MAX];
    size_t n = name ? strnlen(name, sizeof plain) : 0;
    if (n > 1 && name[n - 1] == '.')
        n--;
    if (!n)
        return 0;
    for (size_t i = 0; i < n; i++)
        plain[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
    return hash_bytes(plain, n, 0);
}

static bool read_record(struct record *r, uint64_t key)
{
    uint64_t before = seqlock_begin(&table[key % UNFOUND_NAMES].sequence);
    seqlock_copy(r, table[key % UNFOUND_NAMES].words, 0, WORDS);
    return seqlock_same(&table[key % UNFOUND_NAMES].sequence, before) && r->key == key;
}

void lookup_failure_note(const char *name, int eai, int64_t now_ns)
{
    uint64_t key = key_of(name);
    struct record r;
    if (!key)
        return;
    if (!read_record(&r, key))
        r = (struct record){.key = key};
    if (eai == EAI_AGAIN) {
        r.again_ns = now_ns;
    } else {
        r.other_ns = now_ns;
        r.other = eai;
    }
    seqlock_write(&table[key % UNFOUND_NAMES].sequence, table[key % UNFOUND_NAMES].words, &r,
                  WORDS);
}

int lookup_failure_error(const char *name, int64_t since_ns)
{
    uint64_t key = key_of(name);
    struct record r;
    if (!key || !read_record(&r, key))
        return 0;
    if (r.again_ns && r.again_ns >= since_ns)
        return EAI_AGAIN;
    return r.other_ns && r.other_ns >= since_ns ? (int)r.other : 0;
}
