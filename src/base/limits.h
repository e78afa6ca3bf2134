/* SPDX-License-Identifier: MIT */
/*
 * base/limits.h - every limit on what comes from outside that is not a configuration key.
 * Each has a test at limit-1, limit and limit+1.
 */
#ifndef PYLON_BASE_LIMITS_H
#define PYLON_BASE_LIMITS_H

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

#define US_PER_MS  INT64_C(1000)
#define US_PER_SEC INT64_C(1000000)

/* HTTP server (RFC 9112; the answers are in docs/webhooks.md). */
#define HTTP_CONNECTIONS_MAX  1024    /* then listening pauses */
#define HTTP_HEAD_MAX         KIB(16) /* request line and fields: 431 */
#define HTTP_FIELDS_MAX       100     /* 431 */
#define HTTP_TARGET_MAX       KIB(8)  /* 414 */
#define HTTP_CHUNK_LINE_MAX   256     /* chunk-size line with its extensions: 400 */
#define HTTP_TRAILER_MAX      KIB(2)  /* 400 */
#define HTTP_HEAD_TIMEOUT_US  (10 * US_PER_SEC)
#define HTTP_IDLE_TIMEOUT_US  (60 * US_PER_SEC)
#define HTTP_BODY_GRACE_US    (5 * US_PER_SEC) /* then HTTP_BODY_RATE_MIN must hold */
#define HTTP_BODY_RATE_MIN    KIB(1)           /* bytes a second, averaged: 408 */
#define HTTP_WRITE_TIMEOUT_US (30 * US_PER_SEC)
#define HTTP_LINGER_US        (1 * US_PER_SEC) /* draining after a refusal */
#define BODY_MAX_DEFAULT      MIB(1)           /* server.max_body */
#define BODY_MAX_LIMIT        MIB(25)          /* largest value of trigger.max_body */
#define BODIES_IN_FLIGHT_MAX  MIB(64)          /* memory of all bodies being read: 503 */

/* JSON bodies. */
#define SCAN_DEPTH_MAX  128
#define SCAN_KEYS_MAX   10000
#define SCAN_VALUES_MAX 1000000 /* all values of a body together: bounds the index */

/* What senders do besides sending events. */
#define CLOUDEVENT_ATTRIBUTES_MAX KIB(16) /* of a structured CloudEvent, as JSON: 413 */
#define HANDSHAKE_CHALLENGE_MAX   KIB(1)  /* bytes of a challenge that is echoed */
#define HANDSHAKE_ORIGIN_MAX      255     /* bytes of WebHook-Request-Origin: a DNS name */

/* HTTP client. */
#define CLIENT_CONNECT_TIMEOUT_US (5 * US_PER_SEC)
#define CLIENT_BODY_MAX           MIB(1) /* of an answer that is kept in memory */

/* Agents. */
#define RESULT_FILE_MAX MIB(1)
#define RESULT_TEXT_MAX KIB(256)          /* kept in the job row */
#define PROMPT_MAX      KIB(256)          /* template output */
#define PROMPT_ENV_MAX  KIB(96)           /* above, PROMPT is left out of the environment */
#define SESSION_ID_MAX  256               /* bytes of the session that a reply continues */
#define CALLBACK_MAX    MIB(1)            /* body of /callback and /hooks */
#define LOG_HEAD_MAX    MIB(8)            /* of a job's log: the beginning ... */
#define LOG_TAIL_MAX    MIB(8)            /* ... and the end */
#define STOP_GRACE_US   (10 * US_PER_SEC) /* between SIGTERM and SIGKILL in a container */

/* Queues and rows. */
#define AWAITING_MAX       1000 /* approvals one pylon may wait for; then 429 */
#define REJECTED_ROWS_MAX  1000 /* per pylon */
#define LIST_LIMIT_MAX     500  /* rows of one API page */
#define LIST_LIMIT_DEFAULT 50
#define DELIVERY_ID_MAX    256 /* bytes of a sender's delivery id */
#define POISON_STARTS_MAX  3   /* a job whose starts die with the daemon this often is parked */

/* Store. */
#define STORE_BUSY_US       (2 * US_PER_SEC) /* then a waiting accept is answered 503 */
#define STORE_BUSY_RETRY_US (20 * US_PER_MS)
#define STORE_RETRY_US      (500 * US_PER_MS) /* a write that must succeed is tried again */

/* Deliveries. */
#define DELIVERY_ATTEMPTS_MAX   12
#define DELIVERY_BACKOFF_US     (2 * US_PER_SEC) /* doubled each time, with jitter */
#define DELIVERY_BACKOFF_MAX_US (3600 * US_PER_SEC)
#define DELIVERY_TIMEOUT_US     (20 * US_PER_SEC)

/* The MCP server. */
#define MCP_MESSAGE_MAX MIB(4) /* one line: -32600 */

/* Configuration files. */
#define YAML_MAX         KIB(256)
#define YAML_DEPTH_MAX   32
#define YAML_ALIASES_MAX 1000
#define ENV_FILE_MAX     KIB(256)

#endif
