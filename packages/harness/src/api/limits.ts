// Limits of the HTTP edge alone; those that others share stand in base/limits.ts.

/** Headers must be complete within this, or the connection is closed with 408: slow senders would hold it for ever. */
export const HEADERS_TIMEOUT_MS = 10_000;

/** The whole request, body and all, must be complete within this, or the connection is closed with 408. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** How often the two limits above are looked after; Node's 30 s would double them. */
export const CONNECTION_CHECK_INTERVAL_MS = 2_000;

/**
 * Connections of one process; more are closed unheard. Each takes a file descriptor, and without one nothing can be
 * stored either. Above what streams and waiting drivers may hold together (base/limits.ts).
 */
export const CONNECTIONS_MAX = 4_096;

/** Of these, from one address: nobody who has no key takes them all. Not counted where requests are not (a proxy's). */
export const CONNECTIONS_ADDRESS_MAX = 3_072;

/** An idle connection is closed after this; longer than the 60 s of common proxies, which else would race with us. */
export const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** A path segment longer than this names nothing (404): our ids have 36 characters. */
export const PATH_SEGMENT_CHARS_MAX = 256;

/** Credentials longer than this are refused unread: hashing is work. Tokens with many groups have some kilobytes. */
export const KEY_CHARS_MAX = 8_192;

/** Open requests get this long to finish when the server closes; then their connections are cut. */
export const CLOSE_GRACE_MS = 5_000;

/** Said to callers that are turned away for now. */
export const RETRY_AFTER_SECONDS = 2;

/** A comment is sent this often on an event stream, so that neither side takes a silent connection for dead. */
export const HEARTBEAT_MS = 15_000;

/** How long an EventSource waits before it connects again. */
export const STREAM_RETRY_MS = 2_000;

/**
 * Bytes of artifacts that are on their way at once, and of those one tenant's: each is in memory until its reader has it. One
 * artifact has 64 MiB at most.
 */
export const ARTIFACT_BYTES_SENT_MAX: number = 1024 * 1024 * 1024;
export const ARTIFACT_BYTES_SENT_TENANT_MAX: number = 256 * 1024 * 1024;

/** A reader has so long for an artifact, and a second more for so many bytes (a megabit a second); then it is cut off. */
export const ARTIFACT_READ_MS = 60_000;
export const ARTIFACT_READ_BYTES_PER_SECOND: number = 128 * 1024;

/** Faults named in one answer: a small request must not make a large one. */
export const VALIDATION_ERRORS_MAX = 20;
