/* SPDX-License-Identifier: MIT
 *
 * A service level objective (SLO): which share of the requests to a host shall be good. The rest is the
 * error budget. How fast it is used up is the burn rate: 1 uses up the budget of a window exactly within
 * this window.
 *
 *     slo_count(&s, bad, now_ns);                                        each request, as it ends
 *     struct slo_sum hour = slo_sum(&s, SLO_1H, now_ns);                 1000 requests, 72 bad
 *     slo_burn_rate(hour, 995000)                                        14.4, if 99.5 % are promised
 *     slo_budget_left(hour, 995000)                                      -13.4: it is used up 14.4 times
 *     slo_burns(&s, SLO_FAST, 995000, now_ns)
 *
 * Two pairs of windows matter (Google, The Site Reliability Workbook, chapter 5). A pair burns while both
 * rates are higher than its threshold: the long window says that it matters, the short one that it goes on.
 *
 *     SLO_FAST    14.4 over 1 h and 5 min     2 % of the budget of 30 days in an hour
 *     SLO_SLOW    6 over 6 h and 30 min       5 % of it in six hours
 *
 * A rate is at most 1 / (1 - objective), so with an objective below 93.1 % the fast pair never burns, and
 * with one below 83.4 % neither does the slow one.
 *
 * Requests are counted in cells of a minute and in cells of an hour. A window consists of whole cells and
 * of the one that has just begun: 5 min are the last 5 to 6 minutes, 24 h the last 24 to 25 hours. A cell is
 * one word: which round of the ring it is of, and two counts. A count that would overflow (33 million in
 * a minute, 134 million in an hour) is halved together with the other one: their ratio stays.
 *
 * That the fast pair burns is noticed once, whichever process asks, and for a minute at least, so that a
 * rate close to the threshold does not begin and end with each request:
 *
 *     switch (slo_notice(&s, 995000, now_ns, &at_ns)) { case SLO_BEGINS: ... case SLO_ENDS: ... }
 *
 * Times are monotonic, and arguments. A caller that was stopped for so long that its cell is of another
 * round by now counts nothing. Damaged words are limited: no count is larger than its total, and a moment
 * that cannot be right counts as none. Any thread, any process; never blocks or fails. */
#ifndef ENGINE_BOARD_SLO_H
#define ENGINE_BOARD_SLO_H

#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SLO_MINUTES   62 /* 60 and the current one, and one for callers that are a little late */
#define SLO_HOURS     26
#define SLO_MINUTE_NS (60 * NS_PER_S)
#define SLO_HOUR_NS   (3600 * NS_PER_S)
#define SLO_WHOLE_PPM 1000000

struct slo {
    _Atomic uint64_t good, bad; /* all requests, also those before any window */
    _Atomic int64_t
        ends_ns; /* the fast pair was seen to burn, at least until then; 0: it was not */
    _Atomic uint64_t minute[SLO_MINUTES];
    _Atomic uint64_t hour[SLO_HOURS];
};

enum slo_window { SLO_5MIN, SLO_30MIN, SLO_1H, SLO_6H, SLO_24H, SLO_WINDOWS };
/* "5m", "24h". */
const char *slo_window_name(enum slo_window w);
/* For which the burn rate is shown, and for which the budget is. */
#define SLO_RATE_WINDOWS   4
#define SLO_BUDGET_WINDOWS 2
extern const enum slo_window slo_rate_windows[SLO_RATE_WINDOWS];
extern const enum slo_window slo_budget_windows[SLO_BUDGET_WINDOWS];

struct slo_sum {
    uint64_t total, bad; /* bad <= total */
};

void slo_count(struct slo *s, bool bad, int64_t now_ns);
struct slo_sum slo_sum(const struct slo *s, enum slo_window w, int64_t now_ns);
/* The same of one hour: 0 the current one, up to 24. */
struct slo_sum slo_sum_of_hour(const struct slo *s, int ago, int64_t now_ns);

/* ppm: the objective, in parts of a million; less than SLO_WHOLE_PPM. Without a request, nothing is burnt. */
double slo_burn_rate(struct slo_sum n, uint32_t ppm);
/* The share of the error budget that is left: 1 all of it, 0 none, less than 0 if it is overspent. */
double slo_budget_left(struct slo_sum n, uint32_t ppm);

/* Thousandths, for display: 14.4 is 14400. */
int64_t slo_milli(double rate_or_budget);

enum slo_pair { SLO_FAST, SLO_SLOW };
double slo_threshold(enum slo_pair pair);
/* Both rates of the pair are above its threshold. */
bool slo_pair_burns(const struct slo *s, enum slo_pair pair, uint32_t ppm, int64_t now_ns);
/* The fast pair burns, or did so in this minute. */
bool slo_burns(const struct slo *s, uint32_t ppm, int64_t now_ns);

enum slo_news { SLO_NOTHING, SLO_BEGINS, SLO_ENDS };
/* Notes whether the fast pair burns. *at_ns: when it began or ended. A change that nobody asked about, because
 * it came by time, is noticed by the next caller. */
enum slo_news slo_notice(struct slo *s, uint32_t ppm, int64_t now_ns, int64_t *at_ns);
/* The last change if nobody has noticed it yet: when; 0: there is none. */
int64_t slo_unnoticed_ns(const struct slo *s, uint32_t ppm, int64_t now_ns);
/* When to call slo_notice again, even without a request; INT64_MAX: need not be. */
int64_t slo_next_ns(const struct slo *s, int64_t now_ns);

#endif
