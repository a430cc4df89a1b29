/* SPDX-License-Identifier: MIT */
#include "base/arena.h"
#include "base/sizes.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

Test(arena, memory_is_zeroed_aligned_and_not_shared)
{
    struct arena a = {NULL};
    enum { PARTS = 1000 };
    static char *part[PARTS];
    for (size_t i = 0; i < PARTS; i++) {
        part[i] = arena_get(&a, i);
        cr_assert(part[i]);
        cr_assert_eq((uintptr_t)part[i] % _Alignof(max_align_t), 0u);
        for (size_t k = 0; k < i; k++)
            cr_assert_eq(part[i][k], 0);
        memset(part[i], (int)(i & 0x3f) + 1, i);
    }
    for (size_t i = 0; i < PARTS; i++)
        for (size_t k = 0; k < i; k++)
            cr_assert_eq(part[i][k], (int)(i & 0x3f) + 1);
    arena_drop(&a);
    cr_assert_null(a.newest);
}

Test(arena, an_allocation_larger_than_a_chunk_succeeds)
{
    struct arena a = {NULL};
    char *first = arena_get(&a, 1), *large = arena_get(&a, 3 * ARENA_PIECE_BYTES);
    cr_assert(first && large);
    memset(large, 1, 3 * ARENA_PIECE_BYTES);
    cr_assert_eq(*first, 0);
    cr_assert(arena_get(&a, 1));
    arena_drop(&a);
}

Test(arena, an_impossible_size_is_refused)
{
    struct arena a = {NULL};
    cr_assert_null(arena_get(&a, SIZE_MAX));
    cr_assert_null(arena_get(&a, SIZE_MAX / 2 - 100));
    cr_assert(arena_get(&a, 1));
    arena_drop(&a);
}

enum { THREADS = 4, EACH = 20000 };
static struct arena shared;

static void *get_many(void *number)
{
    uintptr_t own = (uintptr_t)number;
    uintptr_t **mine = arena_get(&shared, EACH * sizeof *mine);
    for (int i = 0; i < EACH; i++) {
        mine[i] = arena_get(&shared, sizeof **mine);
        if (!mine[i] || *mine[i])
            return "not fresh";
        *mine[i] = own;
    }
    for (int i = 0; i < EACH; i++)
        if (*mine[i] != own)
            return "another's";
    return NULL;
}

Test(arena, threads_can_allocate_at_the_same_time)
{
    pthread_t t[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, get_many, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(t[i], &wrong);
        cr_assert_null(wrong, "%s", (char *)wrong);
    }
    arena_drop(&shared);
}
