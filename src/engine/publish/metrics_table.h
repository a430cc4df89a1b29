/* SPDX-License-Identifier: MIT
 *
 * Every metric of metrics.prom, in the order of the file. For counters the samples are those of the
 * rows of board/counters.h that name the metric.
 *
 * X(NAME, "name", type, OF, samples, "HELP text")
 *
 *   NAME      METRIC_NAME is its index
 *   OF        what there is a sample of: HOSTS, PROXIES, PLACES, CHECKS, or the BOARD as a whole. The
 *             requests of a proxy or a place are not shown, because they are counted for its hosts;
 *             checks are not requests of the program
 *   samples   the function of metrics.c that writes them */
#ifndef ENGINE_PUBLISH_METRICS_TABLE_H
#define ENGINE_PUBLISH_METRICS_TABLE_H

/* clang-format off */

#define METRICS(X) \
    X(REQUESTS, "harden_requests_total", counter, HOSTS, put_counters, \
      "Requests that ended, by outcome; those that say nothing about the host are left out.") \
    X(FAILURES, "harden_failures_total", counter, HOSTS, put_by_reason, \
      "Requests that ended in a failure, by reason.") \
    X(ATTEMPTS, "harden_attempts_total", counter, HOSTS, put_attempts, \
      "Attempts made.") \
    X(RETRIES, "harden_retries_total", counter, HOSTS, put_by_reason, \
      "Attempts that were made again, by reason.") \
    X(RATE_LIMITED, "harden_rate_limited_total", counter, HOSTS, put_counters, \
      "Requests that waited for a token or a server's hint, or were refused.") \
    X(RATE_WAIT, "harden_rate_wait_seconds_total", counter, HOSTS, put_counters, \
      "Time spent in those waits.") \
    X(RATE_TOKENS, "harden_rate_tokens_available", gauge, HOSTS, put_rate_tokens, \
      "Tokens left in the bucket of the limit in force.") \
    X(CONCURRENCY_LIMITED, "harden_concurrency_limited_total", counter, HOSTS, put_counters, \
      "Requests that waited for another one to end, or were refused, because of the concurrency limit.") \
    X(CONCURRENCY_WAIT, "harden_concurrency_wait_seconds_total", counter, HOSTS, put_counters, \
      "Time spent in those waits.") \
    X(CONCURRENCY_LIMIT, "harden_concurrency_limit", gauge, HOSTS, put_concurrency_limit, \
      "Requests that may be in flight at a time.") \
    X(IN_FLIGHT, "harden_requests_in_flight", gauge, HOSTS, put_in_flight, \
      "Requests in flight to a host with such a limit.") \
    X(WAITING, "harden_requests_waiting", gauge, HOSTS, put_waiting, \
      "Requests that wait for one of them to end, at most 24.") \
    X(BUDGET_TOKENS, "harden_retry_budget_available", gauge, HOSTS, put_budget_tokens, \
      "Tokens left in the retry budget, of 100.") \
    X(BUDGET_DENIED, "harden_retry_budget_denied_total", counter, HOSTS, put_counters, \
      "Retries that the budget did not allow.") \
    X(FALLBACK_USED, "harden_fallback_used_total", counter, HOSTS, put_counters, \
      "Requests whose last attempt went to another place of the name.") \
    X(PLACE_ATTEMPTS, "harden_place_attempts_total", counter, PLACES, put_place_attempts, \
      "Attempts made at each place of a name with a fallback; they are also counted for the name.") \
    X(BREAKER_OPEN, "harden_breaker_open", gauge, HOSTS | PROXIES | PLACES, put_breaker, \
      "1 while the circuit is open.") \
    X(BREAKER_REJECTED, "harden_breaker_rejected_total", counter, HOSTS, put_counters, \
      "Requests refused by an open circuit.") \
    X(ADAPTIVE_RATE, "harden_adaptive_rate", gauge, HOSTS, put_adaptive, \
      "Requests per second that a throttling host is found to accept, while adaptive limits them.") \
    X(SLOW, "harden_slow_attempts_total", counter, HOSTS, put_counters, \
      "Attempts that succeeded, but later than slow_after.") \
    X(PAUSED, "harden_paused_seconds", gauge, HOSTS | PROXIES, put_paused, \
      "Time until the end of the pause that the server asked for, 0 without one.") \
    X(STATUS, "harden_health_status", gauge, HOSTS | PROXIES | PLACES | CHECKS, put_status, \
      "0 healthy, 1 degraded, 2 unhealthy.") \
    X(SLO_OBJECTIVE, "harden_slo_objective_ratio", gauge, HOSTS, put_slo_objective, \
      "Share of the requests that is promised to be good.") \
    X(SLO_REQUESTS, "harden_slo_requests_total", counter, HOSTS, put_slo_requests, \
      "Requests that count for the objective, by outcome; refused ones are bad.") \
    X(SLO_BUDGET, "harden_slo_budget_left_ratio", gauge, HOSTS, put_slo_budget, \
      "Share of the error budget of this window that is left; below 0 it is overspent.") \
    X(SLO_RATE, "harden_slo_burn_rate", gauge, HOSTS, put_slo_rate, \
      "How fast the error budget is used up; 1 uses up that of a window within it.") \
    X(SLO_BURNING, "harden_slo_burning", gauge, HOSTS, put_slo_burning, \
      "1 while both rates of this pair of windows are above its threshold.") \
    X(OBSERVED, "harden_observed_total", counter, HOSTS, put_observed, \
      "What programs with mode = observe would have done, by action.") \
    X(OBSERVED_WAIT, "harden_observed_wait_seconds_total", counter, HOSTS, put_observed_wait, \
      "Time that they would have waited.") \
    X(OBSERVED_RATE, "harden_observed_adaptive_rate", gauge, HOSTS, put_observed_adaptive, \
      "Requests per second that adaptive would limit them to.") \
    X(DURATION, "harden_request_duration_seconds", histogram, HOSTS, put_durations, \
      "Duration of the attempts.") \
    X(SERVICE_INFO, "harden_service_info", gauge, BOARD, put_writer, \
      "1; the labels are those of the program that wrote this, one of those that share the board.") \
    X(HOST_COUNT, "harden_hosts", gauge, BOARD, put_host_count, \
      "Hosts on the board.") \
    X(INTERNAL_ERRORS, "harden_internal_errors_total", counter, BOARD, put_header_counters, \
      "Calls forwarded because something inside failed.") \
    X(TIMESTAMP, "harden_snapshot_timestamp_seconds", gauge, BOARD, put_timestamp, \
      "When this was written, seconds since 1970.")

/* clang-format on */

#define METRIC_INDEX(NAME, ...) METRIC_##NAME,

enum metric { METRICS(METRIC_INDEX) METRIC_COUNT, METRIC_NONE = METRIC_COUNT };

#endif
