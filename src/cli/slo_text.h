/* SPDX-License-Identifier: MIT
 *
 * The objective of a host (engine/board/slo_slot.h), in words.
 *
 *     char words[SLO_TEXT_SIZE];
 *     slo_text(&view, burns, words);
 *         "99.5 % within 800 ms: error budget left 62.3 % (1h), 91 % (24h); burn rate 15.2 (5m), 2 (30m), 7.5 (1h),
 *          1.8 (6h); burns slowly" */
#ifndef CLI_SLO_TEXT_H
#define CLI_SLO_TEXT_H

#include "base/text.h"
#include "engine/board/slo_slot.h"

#define SLO_TEXT_SIZE 256

/* burns: whether the fast pair does, as the status says. */
const char *slo_text(const struct slo_view *v, bool burns, char out[SLO_TEXT_SIZE]);
/* "99.5 %: left 62.3 % (1h), 91 % (24h); burns fast" */
const char *slo_text_short(const struct slo_view *v, bool burns, char out[SLO_TEXT_SIZE]);
/* "error budget burns fast: 15.2 (5m), 24 (1h)" */
const char *slo_text_burning(const struct slo_view *v, char out[SLO_TEXT_SIZE]);

/* "99.5 %", "99.5 % within 800 ms". */
void slo_put_objective(struct text *t, const struct slo_view *v);
/* In percent, rounded down, so that only a whole budget is shown as whole: "62.3 %", "-1340 %". */
void slo_put_budget(struct text *t, double left);

#endif
