/* SPDX-License-Identifier: MIT
 *
 * What belongs to this very process and to no child of it: one page that the kernel hands zeroed to
 * the child of a fork (MADV_WIPEONFORK), so that "we have a thread", "somebody is opening" are
 * never inherited. That holds for fork, _Fork and clone alike, where atfork handlers do not run,
 * and costs no system call; on a kernel without it the pid is compared at each call.
 *
 * A vfork child shares the page with its parent. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* In the place of a task: a thread that has just been made and has not said it yet. */
#define TASK_NOT_KNOWN 1U

/* Who writes the files of this process (engine/publish/monitor.h). */
enum process_monitor { MONITOR_NONE, MONITOR_STARTING, MONITOR_INLINE, MONITOR_THREAD };

struct process {
    _Atomic uint32_t opening;     /* somebody opens the engine; a futex */
    _Atomic uint32_t monitor;     /* enum process_monitor */
    _Atomic uint32_t wake;        /* grows when the thread must look; a futex */
    _Atomic uint32_t thread;      /* its task, also when it has ended; 0: none */
    _Atomic uint32_t waiting;     /* a thread is wanted; its start was forbidden where it was */
    _Atomic uint32_t active;      /* a call has ended since the thread last looked */
    _Atomic uint32_t stop;        /* all threads of ours are to end at once */
    _Atomic uint32_t closing;     /* the process ends: our thread begins nothing more */
    _Atomic uint32_t writing;     /* a thread, the program's or ours, is at it; a futex */
    _Atomic int64_t inline_at_ns; /* next inline look; 0: an alert; INT64_MAX: not by us */
    _Atomic int64_t
        reload_at_ns;          /* a call looks for a changed configuration; INT64_MAX: not by us */
    _Atomic int64_t first_ns;  /* the first call of this process */
    _Atomic uint64_t written;  /* like header->written_changes, of this process's own files */
    _Atomic int64_t lease;     /* header->snapshot_lease_ns as this process set it; 0: not */
    _Atomic uint64_t attached; /* our word in header->attached; 0: none */
    _Atomic uint64_t temp;     /* replacement.tag of the file being written; 0: none */
    _Atomic uint32_t checker;  /* the task of the checks' thread, as `thread` has it */
    _Atomic uint32_t check_wake; /* grows when it must look; a futex */
    _Atomic uint32_t check_gate; /* enum in checker.c; a futex */
    _Atomic uint32_t lookups;    /* questions of checks that are open; a futex */
    _Atomic int pid;             /* whose memory this is; 0: not known yet */
};

struct process *process_self(void);

/* Shares its memory with another process (a vfork child), or was made behind libc's back: whatever
 * is started here would be lost or would hit the other. */
bool process_is_borrowed(void);
/* The first of these: what is changed here is changed for the other one. */
bool process_shares_memory(void);
/* A seccomp filter is active, or it cannot be told: creating a thread may be deadly. */
bool process_is_filtered(void);

/* Whether the task is a thread of this process still: not even its end is to come. */
bool process_has_task(uint32_t task);
/* How many threads this process has; 0: not known. */
int process_tasks(void);
/* Its first thread has ended, which the kernel keeps until the last one has: of others that have. */
bool process_is_headless(void);

/* Private futexes. at_ns is monotonic. Preserve errno. */
void process_wait(_Atomic uint32_t *word, uint32_t while_equal, int64_t at_ns);
void process_wake(_Atomic uint32_t *word);

#endif
