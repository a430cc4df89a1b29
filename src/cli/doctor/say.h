/* SPDX-License-Identifier: MIT
 *
 * The output of `harden doctor`: one line for each finding, and the verdict that follows from them.
 *
 *     struct diagnosis d = {.subject = "curl", .kind = KIND_PROGRAM};
 *     doctor_begin(&d);
 *     d.check = "libcurl";
 *     doctor_say(&d, LEVEL_OK, "libcurl is %s", path);      prints "ok: libcurl is /usr/lib/..."
 *     return doctor_verdict(&d);                        prints "verdict: ..."; 0, 1 or 2
 *
 * A finding states the reason and, where there is one, the remedy. The verdict is the worst level
 * of all findings. With `json`, the same is printed as one document (conf/doctor.schema.json). */
#ifndef CLI_DOCTOR_SAY_H
#define CLI_DOCTOR_SAY_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* In ascending order. */
enum level {
    LEVEL_OK,   /* "ok": covered */
    LEVEL_NOTE, /* "note": information; does not change the verdict */
    LEVEL_PARTLY, /* "partly": some of it is not covered, or only counted; of the machine: "problem" */
    LEVEL_NO,     /* "no": not covered */
};

enum kind { KIND_PROGRAM, KIND_PROCESS, KIND_MACHINE };

struct diagnosis {
    char name[NAME_MAX + 1]; /* of the program file; compared with the key `programs` */
    const char *subject;     /* the argument of the command; NULL: the machine */
    const char *check;       /* what the next findings are about: a word in the document */
    const char *root;        /* put before the paths of system files; "": the machine itself */
    FILE *out;               /* NULL: stdout */
    enum kind kind;
    bool json;
    pid_t pid;             /* of a process, else 0 */
    enum level worst;      /* of the findings so far */
    int findings;          /* so far */
    int problems;          /* of them, the ones that are not ok and no note */
    bool script;           /* `subject` is a script, run by the program `name` */
    bool connects_nowhere; /* it makes no connections */
    bool not_inspectable;  /* the process cannot be inspected */
    bool audit;            /* libharden-audit.so is loaded in the process */
};

/* To be called once, before the first finding. */
void doctor_begin(struct diagnosis *d);
/* Prints a finding and updates d->worst. Control characters become question marks. */
__attribute__((format(printf, 3, 4))) void doctor_say(struct diagnosis *d, enum level level,
                                                      const char *fmt, ...);
/* Prints the verdict and returns the exit status: 0 covered, 1 partly, 2 not. */
int doctor_verdict(const struct diagnosis *d);

#endif
