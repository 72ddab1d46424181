// Limits of the wire to a provider. Those of a run stand in base/limits.ts.

/** An answer may take this many bytes whatever was asked for: framing, pings, usage. */
export const ANSWER_BYTES_MIN: number = 1024 * 1024;

/** And this many more for each token asked for: one token in its own event is at most about 500 bytes. */
export const ANSWER_BYTES_PER_TOKEN: number = 1024;

/** Bytes read of an error's body, to find its short word; the rest is thrown away unread. */
export const ERROR_BODY_BYTES_MAX: number = 64 * 1024;

/** And so long is waited for it: behind a status of failure others may be asked meanwhile. */
export const ERROR_BODY_MS_MAX: number = 500;

/** A provider that asks for a longer pause than this is taken to have asked for this. */
export const RETRY_AFTER_MS_MAX: number = 60 * 60 * 1000;

/** Levels of nesting in a call's arguments: base/canonical-json.ts refuses 64, and arguments lie inside a step. */
export const ARGUMENTS_DEPTH_MAX: number = 32;

/** Warnings kept of one call, and characters of each: they go into the journal. */
export const WARNINGS_MAX: number = 20;
export const WARNING_CHARS_MAX: number = 300;

/** A transcript file; past it the model counts as missing. */
export const TRANSCRIPT_BYTES_MAX: number = 1024 * 1024;

/** Characters that one text of a transcript may grow to by interpolation. */
export const INTERPOLATED_CHARS_MAX: number = 256 * 1024;
