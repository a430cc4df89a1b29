/* SPDX-License-Identifier: MIT
 *
 * State that belongs to this process and is not inherited by a child: one page that the kernel zeroes
 * in the child of a fork (MADV_WIPEONFORK), so that "we have a thread" or "a thread opens the engine"
 * never survives a fork. Unlike atfork handlers this works for fork, _Fork and clone, and costs no
 * system call. On a kernel without MADV_WIPEONFORK the pid is compared at each call.
 *
 * A vfork child shares the page with its parent. All functions: any thread; errno is preserved. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* In place of a task: the thread has been started and has not yet set it. */
#define TASK_NOT_KNOWN 1U

/* Which threads make the updates of this process (engine/publish/update.h). */
enum process_updater { UPDATER_NONE, UPDATER_STARTING, UPDATER_CALLS, UPDATER_THREAD };

/* Whether the engine is open (engine/engine.c). */
enum process_opening { OPENING_NOT, OPENING_NOW, OPENING_DONE };

struct holder;

/* How this process marks what it takes from others: holder.h. */
struct process_permits {
    _Atomic uint64_t mark;     /* the next one */
    const void *_Atomic board; /* for which they are; NULL: none */
};

struct process {
    _Atomic uint32_t opening; /* enum process_opening; a futex */

    /* engine/publish */
    _Atomic uint32_t updater;            /* enum process_updater */
    _Atomic uint32_t updating;           /* a thread makes an update; a futex */
    _Atomic uint32_t wake;               /* grows when the background thread must look; a futex */
    _Atomic uint32_t background_task;    /* kept when the thread has ended; 0: none */
    _Atomic uint32_t background_pending; /* the thread is wanted; its start was forbidden */
    _Atomic uint32_t active;      /* a call has ended since the background thread last looked */
    _Atomic uint32_t stop;        /* the threads of the library are to end at once */
    _Atomic uint32_t closing;     /* the process ends: nothing more is begun */
    _Atomic int64_t update_at_ns; /* next update by a call; 0: at once; 1: soon; INT64_MAX: none */
    _Atomic int64_t reload_at_ns; /* next check for a changed configuration by a call; likewise */
    _Atomic int64_t first_ns;     /* the first call of this process */
    _Atomic uint64_t written;     /* like header->written_changes, for the files of this process */
    _Atomic int64_t lease;        /* header->snapshot_lease_ns as this process set it; 0: not */
    _Atomic uint64_t attached;    /* this process's word in header->attached; 0: none */
    _Atomic uint64_t temp;        /* replacement.tag of the file being written; 0: none */

    /* engine/board */
    const struct holder *_Atomic holder; /* who this process is to others: holder.h */
    struct process_permits permits;

    /* engine/check */
    _Atomic uint32_t check_task;  /* like background_task */
    _Atomic uint32_t check_wake;  /* grows when the thread of the checks must look; a futex */
    _Atomic uint32_t check_guard; /* enum in check/fork_guard.c; a futex */
    _Atomic uint32_t lookups;     /* name look-ups of checks under way; a futex */

    _Atomic int pid; /* whose memory this is; 0: not known yet */
    _Atomic uint32_t
        parent; /* pid of the parent when this process began to use the engine; 0: not yet */
};

struct process *process_self(void);
/* process_self()->permits, without a call; zeros that nobody changes if there is no page that is wiped. */
extern struct process_permits *_Atomic process_permits __attribute__((visibility("hidden")));

/* True in a vfork child, which shares its memory with its parent, and in a process that was created
 * without the C library: a thread started here would be lost or would affect the parent. */
bool process_is_borrowed(void);
/* True in a vfork child only: memory that is changed here changes for the parent. */
bool process_shares_memory(void);
/* True if a seccomp filter is active, or if that is not known: creating a thread might be fatal. */
bool process_is_filtered(void);

/* Whether the task is a thread of this process that has not ended completely. */
bool process_has_task(uint32_t task);
/* The number of threads of this process; 0: not known. */
int process_tasks(void);
/* Whether the first thread has ended while others run: a zombie until the last one ends. */
bool process_is_headless(void);

/* Private futexes. Waits while *word == while_equal, until the monotonic time at_ns at the latest; may
 * return early. */
void process_wait(_Atomic uint32_t *word, uint32_t while_equal, int64_t at_ns);
void process_wake(_Atomic uint32_t *word);

#endif
