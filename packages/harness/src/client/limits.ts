// Every limit of the HTTP client: its name says the unit, its comment why it exists and what happens past it.

/** One plain request, from connecting to the last byte; past it the server counts as unreachable. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** Downloading one artifact; a large one on a slow line takes longer than a plain answer. */
export const DOWNLOAD_TIMEOUT_MS = 300_000;

/** A JSON answer; a longer one is refused, so that a broken server cannot fill our memory. */
export const ANSWER_BYTES_MAX = 128 * 1024 * 1024;

/** One line of an event stream; a longer one ends the stream, for the same reason. */
export const STREAM_LINE_CHARS_MAX = 8 * 1024 * 1024;

/** The server sends a sign of life every 15 s; a stream silent for this long is taken for cut. */
export const STREAM_SILENCE_MS_MAX = 60_000;

/** Pause before a cut stream is opened again, where the server named none; doubles with each failure in a row. */
export const RECONNECT_DELAY_MS = 500;
export const RECONNECT_DELAY_MS_MAX = 10_000;

/** Failures in a row, without one byte from the server, after which following is given up. */
export const RECONNECTS_MAX = 8;

/** Events that one verification reads; a trail that never ends must not keep us for ever. */
export const TRAIL_EVENTS_MAX = 100_000;

/** Tries of one request of a gate, the first included: a harness that restarts must not cost a run its answer. */
export const GATE_ATTEMPTS_MAX = 5;

/** Pause before the second of them; doubles with each. Where the harness names a longer one (`Retry-After`), that. */
export const GATE_RETRY_DELAY_MS = 250;

/** The longest of these pauses; where the harness asks for a longer one it it is asked again before that. */
export const GATE_RETRY_DELAY_MS_MAX = 30_000;

/** On top of the time that a gate asks the harness to wait for a decision. */
export const GATE_WAIT_SLACK_MS = 10_000;

/** Tries of one compensation whose outcome stays unknown, the first included; then a person is asked. */
export const UNDO_ATTEMPTS_MAX = 4;

/** Pause before the second of them; doubles with each. */
export const UNDO_RETRY_DELAY_MS = 250;
