// Every limit, in one place: its name says the unit, its comment why it exists and what happens past it.

/** A request body larger than this is refused with 413 before it is parsed: parsing costs memory and time. */
export const REQUEST_BODY_BYTES_MAX = 256 * 1024;

/** Deeper JSON is refused with 400: deep nesting is how parsers and recursive checks are made to overflow. */
export const JSON_DEPTH_MAX = 32;

/** Longer Idempotency-Key headers are refused with 400; 255 is what Stripe's clients are used to. */
export const IDEMPOTENCY_KEY_CHARS_MAX = 255;

/** How long the answer to a keyed request is kept for replay; published in the API document. */
export const IDEMPOTENCY_RETENTION_HOURS = 48;

/** Rows of one page of a list; more are refused with 400. */
export const PAGE_ROWS_MAX = 100;
export const PAGE_ROWS_DEFAULT = 20;

/** An approval nobody answers counts as denied after this long, so that no run waits for ever. */
export const APPROVAL_LIFETIME_HOURS = 72;

/** A worker that has not renewed for this long is taken for dead; its run goes to another. */
export const LEASE_SECONDS = 30;

/**
 * A call that would have to be taken back is listened to for so long after its run was called off, before it is cut off: most answer
 * by then, and whether it happened is known. What is left of a lease is for what the other side makes of a call that was cut.
 */
export const CALLED_OFF_HEARD_SECONDS = 10;

/** Renewals are this far apart: two may be lost before the lease is. */
export const LEASE_RENEWAL_SECONDS = 10;

/** Times a run is taken up without any step ending before it is dead-lettered: it kills or defeats its workers. */
export const RUN_ATTEMPTS_MAX = 20;

/** Pause before attempt n is min(2^n, this) seconds, so that a broken dependency is not hammered. */
export const RETRY_DELAY_SECONDS_MAX = 300;

/**
 * Times one effect is tried to be taken back before it is left to people. With the pauses between (1, 2, 4, 8 s) a
 * restart of the tool's server is outlived; an outage is not, and somebody should know of it.
 */
export const COMPENSATION_ATTEMPTS_MAX = 5;

/** Steps of one run; past it the run fails. A loop that the model cannot leave must end somewhere. */
export const RUN_STEPS_MAX = 200;

/** Tool calls a model may ask for in one answer; more make the answer unusable. */
export const TOOL_CALLS_PER_TURN_MAX = 32;

/** One model call, from request to the last byte of its answer; past it the attempt counts as failed. */
export const MODEL_CALL_SECONDS_MAX = 300;

/** Tokens a model may write in one answer, where the agent's definition does not say less. */
export const MODEL_OUTPUT_TOKENS_MAX = 8_192;

/**
 * Tokens of one run, all its model calls together, where the agent's definition does not say otherwise. Input is read
 * anew with every call: forty calls of a long history. A run that no one watches must not cost more than a good lunch.
 */
export const RUN_INPUT_TOKENS_MAX = 5_000_000;
export const RUN_OUTPUT_TOKENS_MAX = 500_000;

/** One tool call; past it the attempt counts as failed. */
export const TOOL_CALL_SECONDS_MAX = 120;

/** Text that a tool returns to the model; the rest is cut off and said to be. */
export const TOOL_OUTPUT_CHARS_MAX = 64_000;

/** A file that a tool reads or writes. */
export const TOOL_FILE_BYTES_MAX = 1024 * 1024;

/** Preview of a change shown to an approver; a larger one is refused, for nobody can approve what they cannot see. */
export const PREVIEW_CHARS_MAX = 200_000;

/** One artifact. */
export const ARTIFACT_BYTES_MAX = 64 * 1024 * 1024;

/** Stored content that no run names is removed when it is older: a run that is slow to commit has long ended by then. */
export const CONTENT_ORPHAN_HOURS = 24;

/** How often a process looks for such content. */
export const CONTENT_SWEEP_HOURS = 6;

/** A run's private copy is removed this long after its end, where its worker did not: somebody may want to look at it. */
export const COPY_KEPT_HOURS = 24;

/** How often a process looks for such copies in its home. */
export const COPY_SWEEP_HOURS = 6;

/** Runs one worker process advances at the same time: as many as it has connections, though most of them wait for models. */
export const WORKER_RUNS_MAX = 16;

/**
 * How long a run may hold a worker's slot, whoever waits: one that has held it for longer gives way after its next step, where
 * a tenant waits that holds fewer. Shorter would cost more in taking runs up again than it would bring anybody.
 */
export const TURN_SECONDS = 5;

/** How often a worker whose slots are all held looks whether somebody waits for one. */
export const TURN_LOOK_SECONDS = 1;

/** A worker lends so many slots more to tenants that wait, a part of its own, where nobody gives way by itself soon. */
export const LENT_SLOTS_SHARE = 0.25;

/** Runs of all tenants that are queued; past it submissions are answered with 503: they would not be done in time. */
export const QUEUE_RUNS_MAX = 100_000;

/** Runs of one tenant that are queued; past it its submissions are answered with 429, others' are not. */
export const QUEUE_TENANT_RUNS_MAX = 50_000;

/**
 * Age of a tenant's oldest queued run that is due; past it its submissions are answered with 503: too few workers are at
 * work for what it has queued. Others' are not: tenants take turns.
 */
export const QUEUE_AGE_SECONDS_MAX = 3_600;

/** Requests of one process that wait for a database connection; past it submissions are answered with 503 at once. */
export const DATABASE_WAITERS_MAX = 200;

/** How often a worker process looks for lost leases, expired approvals and idle drivers. */
export const SWEEP_INTERVAL_SECONDS = 2;

/** An external run that nobody has written to for this long, and about which nobody is asked, fails: its driver died. */
export const EXTERNAL_IDLE_HOURS = 24;

/** An external run that is being taken back waits so long for its driver's next word; then people are asked. */
export const EXTERNAL_TAKE_BACK_MINUTES = 60;

/** Steps of one external run; past it calls are refused with 409, since a loop outside must end somewhere as well. */
export const EXTERNAL_STEPS_MAX = 10_000;

/** Node count of one tool's input schema with its references written out: what a schema may cost us in every call. */
export const EXTERNAL_SCHEMA_NODES_MAX = 10_000;

/** A string that a schema's `pattern` is tried on; longer ones do not fit, since a pattern may take the cube of it. */
export const EXTERNAL_PATTERN_CHARS_MAX = 500;

/** What one process keeps of external runs to label the next call at once; runs beyond it are read again when needed. */
export const EXTERNAL_MEMORY_BYTES_MAX = 256 * 1024 * 1024;

/** Runs that the same process keeps so, however little they have read. */
export const EXTERNAL_MEMORY_RUNS_MAX = 2_000;

/**
 * Requests of one process that wait for a decision; past it they are answered at once, undecided as it is. One of a tenant that has more than
 * another would have gives its place to that one's, and is answered so.
 */
export const EXTERNAL_WAITS_MAX = 2_000;

/** Connections of one process to the database. */
export const DATABASE_CONNECTIONS_MAX = 16;

/** Open event streams of one process; more are answered with 503. */
export const EVENT_STREAMS_MAX = 200;

/**
 * Requests of one principal, of one tenant and of one address, where the configuration does not say otherwise; more are
 * refused with 429. They keep one caller's loop from taking the database from all others, and are above what one
 * well-behaved program reaches.
 */
export const PRINCIPAL_QUOTA: { readonly requests: number; readonly windowSeconds: number } = {
  requests: 10_000,
  windowSeconds: 10,
};
export const TENANT_QUOTA: { readonly requests: number; readonly windowSeconds: number } = {
  requests: 30_000,
  windowSeconds: 10,
};
export const ADDRESS_QUOTA: { readonly requests: number; readonly windowSeconds: number } = {
  requests: 50_000,
  windowSeconds: 10,
};

/** A question in the memory is closed so long after nobody can wait for its answer any more, by whoever's clock. */
export const UNANSWERED_MARGIN_HOURS = 24;

/** How often a process looks for such questions. */
export const UNANSWERED_SWEEP_HOURS = 6;

/**
 * One attempt to send a message to a webhook, from when it is taken to when it is kept what became of it; then another process may
 * take it. Three times what a receiver has to answer in.
 */
export const WEBHOOK_ATTEMPT_SECONDS = 60;

/** A message that could not be sent for so long is given up. All attempts at one take a little more than three days. */
export const WEBHOOK_MESSAGE_DAYS = 4;

/** What has been sent or given up can be looked at, and sent again, for so long. */
export const WEBHOOK_KEPT_DAYS = 30;

/** How often a process looks for messages of either kind. */
export const WEBHOOK_SWEEP_MINUTES = 10;

/** How often a process removes what has expired: answers kept for repeats, quotas long unused. */
export const EXPIRY_INTERVAL_SECONDS = 60;
