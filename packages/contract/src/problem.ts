// Every refusal that leaves the process, in one table (RFC 9457). The documentation page docs/errors.md and the
// OpenAPI document are generated from it, so that code, types and docs cannot drift apart.

import { z } from "zod";
import { WEBHOOK_PROBLEMS } from "./webhook-problems.ts";

type ProblemRow = {
  readonly status: number;
  readonly title: string;
  readonly remedy: string;
  /** Where a registered type says the same; ours else. */
  readonly type?: string;
};

export const PROBLEMS = {
  malformed_request: {
    status: 400,
    title: "The request is not proper HTTP",
    remedy: "See `detail`; a standard HTTP client does not send such a request.",
  },
  malformed_json: {
    status: 400,
    title: "The body is not acceptable JSON",
    remedy: "Send one JSON value: no duplicate keys, no `__proto__`, at most 32 levels deep.",
  },
  invalid_request: {
    status: 400,
    title: "The request does not fit its schema",
    remedy: "See `errors`: each names a place (JSON pointer) and what is wrong there.",
  },
  idempotency_key_missing: {
    status: 400,
    title: "The Idempotency-Key header is missing",
    remedy:
      "Send `Idempotency-Key` with a value of your own making, and repeat it when you repeat the request.",
  },
  unauthenticated: {
    status: 401,
    title: "No valid key was presented",
    remedy: "Send `Authorization: Bearer <key>`; make one with `assent keys create`.",
  },
  signature_missing: {
    status: 401,
    title: "The request is not signed",
    remedy: "This key is good for signed requests only; see docs/signatures.md.",
  },
  signature_refused: {
    status: 401,
    title: "The request's signature was not accepted",
    remedy: "Sign the request anew, with a new nonce; `detail` says what was wrong.",
  },
  scope_missing: {
    status: 403,
    title: "The credential does not permit this",
    remedy: "Use one that carries the scope named in `detail`, or whose role permits it.",
  },
  not_an_approver: {
    status: 403,
    title: "The rule that wants this approval wants others",
    remedy: "Ask one of those that `detail` names to decide; a service has to be named by the rule.",
  },
  four_eyes: {
    status: 403,
    title: "Whoever asked for the run, or has agreed already, may not approve this",
    remedy: "Ask somebody else: the rule wants another pair of eyes, whatever name they go by.",
  },
  agent_unknown: {
    status: 404,
    title: "No such agent",
    remedy: "Name an agent that this installation defines.",
  },
  workspace_unknown: {
    status: 404,
    title: "No such workspace",
    remedy: "Name a workspace that this installation's configuration lists.",
  },
  run_not_found: {
    status: 404,
    title: "No such run",
    remedy: "Check the id; a run of another tenant is not visible to this key.",
  },
  approval_not_found: {
    status: 404,
    title: "No such approval",
    remedy: "Check the id; list what waits with `GET /api/harness/waiting`.",
  },
  artifact_not_found: {
    status: 404,
    title: "No such artifact",
    remedy: "List a run's artifacts with `GET /api/harness/runs/{id}`.",
  },
  action_not_found: {
    status: 404,
    title: "No such action",
    remedy: "Check the id: it is the `action_id` that proposing the action brought, in this run.",
  },
  precedent_not_found: {
    status: 404,
    title: "No such precedent",
    remedy: "List them with `assent precedents list`.",
  },
  escalation_not_found: {
    status: 404,
    title: "No such escalation",
    remedy: "List them with `assent escalations list`.",
  },
  ...WEBHOOK_PROBLEMS,
  document_not_found: {
    status: 404,
    title: "No such document",
    remedy: "List them with `assent documents list`.",
  },
  audit_log_not_found: {
    status: 404,
    title: "No such log, or nothing of it is signed yet",
    remedy: "List the logs with `assent audit log`.",
  },
  audit_entry_not_found: {
    status: 404,
    title: "No such entry, or nothing that could be shown of it",
    remedy: "An event that no checkpoint covers yet is proved a second later; an erased payload is gone.",
  },
  epoch_not_needed: {
    status: 409,
    title: "Nothing calls for a new log",
    remedy:
      "Leave the log as it is: see `assent audit log`. Where there is a reason that the server cannot know, say so: `assent audit epoch --anyway`.",
  },
  sealing_key_missing: {
    status: 409,
    title: "The sealing key cannot be changed here",
    remedy: "Ask the server whose home has it (`audit/sealing`), or share that folder; see docs/audit.md.",
  },
  key_not_found: { status: 404, title: "No such key", remedy: "List the keys with `assent keys list`." },
  console_not_built: {
    status: 404,
    title: "The web console was not built",
    remedy:
      "Build it (`npm run build --workspace=@assent/console`) and start the server again; until then there is the command line.",
  },
  route_not_found: {
    status: 404,
    title: "No such resource",
    remedy: "See `/openapi.json` for what there is.",
  },
  method_not_allowed: {
    status: 405,
    title: "The resource does not know this method",
    remedy: "Use a method named in the `Allow` header.",
  },
  not_acceptable: {
    status: 406,
    title: "The answer cannot be given in the form asked for",
    remedy: "Accept `application/json` (or `text/event-stream` for events).",
  },
  request_timeout: {
    status: 408,
    title: "The request did not arrive in time",
    remedy: "Send the whole request without long pauses.",
  },
  key_ended: {
    status: 409,
    title: "The key is revoked or expired",
    remedy: "Nothing was changed. Create a new key.",
  },
  retention_not_set: {
    status: 409,
    title: "No retention is set",
    remedy:
      "Nothing was changed. Set `evidence.retention_days` in the configuration, and start the server anew.",
  },
  rotation_refused: {
    status: 409,
    title: "The signing keys are not rotated like this",
    remedy: "Nothing was changed. `detail` says what stands in the way; `assent audit log` lists the keys.",
  },
  idempotency_key_busy: {
    status: 409,
    title: "The first request under this idempotency key is not answered yet",
    remedy: "Repeat it after a moment, with the same key and body; the answer will be the first one's.",
  },
  approval_already_decided: {
    status: 409,
    title: "The approval was decided before",
    remedy: "Nothing was changed. Read the decision with `GET /api/harness/runs/{id}`.",
  },
  escalation_not_open: {
    status: 409,
    title: "The escalation is not resolved like this",
    remedy:
      "Nothing was changed. `detail` says why; calls are decided with their approvals, and what was answered stays so.",
  },
  approval_digest_mismatch: {
    status: 409,
    title: "The digest is not that of the action that waits",
    remedy: "Look at the action again and send the `action_digest` that it shows now.",
  },
  run_already_finished: {
    status: 409,
    title: "The run has ended",
    remedy: "Nothing was changed. A finished run stays as it is; submit a new one.",
  },
  run_being_taken_back: {
    status: 409,
    title: "The run is being taken back",
    remedy: "Nothing was changed. Ask with `POST /api/harness/runs/{id}/compensations` what to take back.",
  },
  run_not_taken_back: {
    status: 409,
    title: "The run is not being taken back",
    remedy:
      "Nothing was changed. A run is taken back when it is ended with `error`, called off, or abandoned.",
  },
  run_not_dead_lettered: {
    status: 409,
    title: "The run is no dead letter",
    remedy: "Nothing was changed. Only runs that are `dead_lettered` are redriven.",
  },
  run_driven: {
    status: 409,
    title: "The run was driven from outside",
    remedy:
      "Nothing was changed. No worker here can carry its task out: have its driver submit a new run of it.",
  },
  effects_standing: {
    status: 409,
    title: "What the run did may happen again",
    remedy: "Look at what `detail` names, then send `repeat_effects: true` to redrive it all the same.",
  },
  action_not_permitted: {
    status: 409,
    title: "The action is not permitted",
    remedy: "Nothing was recorded. Ask for the decision first, and carry out only what is a permit.",
  },
  result_already_reported: {
    status: 409,
    title: "The action's result was reported before",
    remedy: "Nothing was changed. One permit is good for one call: propose another action for another call.",
  },
  plan_too_late: {
    status: 409,
    title: "The run has read something untrusted already",
    remedy: "Propose plans before the first untrusted result; now propose each action by itself.",
  },
  nobody_to_ask: {
    status: 409,
    title: "Nobody can be asked in this run",
    remedy: 'Plan only calls that the rules permit by themselves, or submit with `"approver":"ask"`.',
  },
  run_steps_exhausted: {
    status: 409,
    title: "The run has as many steps as a run can have",
    remedy: "Finish it, and go on in a new run.",
  },
  approval_expired: {
    status: 410,
    title: "The approval has expired",
    remedy: "Nothing was changed. Expiry counts as a denial; submit the task again if it is still wanted.",
  },
  body_too_large: {
    status: 413,
    title: "The body is too large",
    remedy: "Stay under the limit that `detail` names.",
  },
  unsupported_media_type: {
    status: 415,
    title: "The body is not application/json",
    remedy: "Send `Content-Type: application/json`.",
  },
  expectation_failed: {
    status: 417,
    title: "The expectation cannot be met",
    remedy: "Leave the `Expect` header out, or send `Expect: 100-continue`.",
  },
  host_not_allowed: {
    status: 421,
    title: "This server does not answer under that name",
    remedy:
      "Use the address that the server printed when it started, or configure the name it is reached by.",
  },
  idempotency_key_reused: {
    status: 422,
    title: "The idempotency key was used for another request",
    remedy: "Use a new key for a new request; repeat the very same body to get the first answer again.",
  },
  model_not_allowed: {
    status: 422,
    title: "The model is not allowed for this agent",
    remedy: "Name one of the models that `detail` lists, or leave `model` out.",
  },
  edit_refused: {
    status: 422,
    title: "The edited arguments are not acceptable",
    remedy: "An edit is a new request: it must fit the tool's schema and meet the rules again. See `detail`.",
  },
  decision_not_possible: {
    status: 422,
    title: "The decision does not fit this approval",
    remedy: "Nothing was decided. Decide again with an answer that `detail` leaves.",
  },
  plan_refused: {
    status: 422,
    title: "The plan is not acceptable",
    remedy: "See `errors`: each names a call, and why no person is asked about it.",
  },
  quota_exceeded: {
    status: 429,
    title: "Too many requests",
    remedy: "Try again after the time that `Retry-After` names; `violated-policies` says which limit it was.",
    // draft-ietf-httpapi-ratelimit-headers, section 7.
    type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
  },
  tenant_queue_full: {
    status: 429,
    title: "Too many runs of yours are queued",
    remedy: "Try again after the time that `Retry-After` names, or cancel what is not needed any more.",
  },
  policy_trial_busy: {
    status: 429,
    title: "Other rules are being tried already",
    remedy:
      "Try again after the time that `Retry-After` names; `assent policy diff` tries rules on your machine.",
  },
  headers_too_large: {
    status: 431,
    title: "The request line and headers are too large",
    remedy: "Send less: together they must stay under 16 KiB.",
  },
  internal_error: {
    status: 500,
    title: "Something went wrong inside",
    remedy: "Nothing that was not acknowledged has been kept. Look for `request_id` in the server's log.",
  },
  not_ready: {
    status: 503,
    title: "The service cannot work right now",
    remedy: "Try again after the time that `Retry-After` names; `/readyz` says what is missing.",
  },
  embedding_unavailable: {
    status: 503,
    title: "The document's meaning cannot be worked out right now",
    remedy: "Nothing was stored. Try again after the time that `Retry-After` names.",
  },
  overloaded: {
    status: 503,
    title: "The service takes no more work for the moment",
    remedy: "Try again after the time that `Retry-After` names. Runs that were accepted are not concerned.",
    type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
  },
  event_streams_exhausted: {
    status: 503,
    title: "Too many event streams are open",
    remedy: "Try again after the time that `Retry-After` names, or read events as JSON pages.",
  },
} as const satisfies Record<string, ProblemRow>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_TYPE_PREFIX = "urn:assent:problem:";

/** The body of every answer that is not a success: `application/problem+json`, RFC 9457. */
export const problemSchema = z
  .strictObject({
    type: z.string().meta({ description: "Stable name of the kind of problem; ends in `code`." }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: "What happened here, to what." }),
    remedy: z.string().meta({ description: "What to do about it." }),
    code: z.string(),
    request_id: z.string().optional(),
    trace_id: z
      .string()
      .regex(/^[0-9a-f]{32}$/)
      .optional()
      .meta({ description: "The trace that the request is in, where traces are made." }),
    errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).optional(),
    "violated-policies": z
      .array(z.string())
      .optional()
      .meta({ description: "Names of the limits that were reached, as in `RateLimit-Policy`." }),
  })
  .meta({ id: "Problem" });

export type Problem = z.infer<typeof problemSchema>;

/** @param detail one sentence; must hold no secret, no input verbatim and nothing of another tenant */
export function problem(
  code: ProblemCode,
  detail: string,
  extra: Pick<Problem, "errors" | "request_id" | "violated-policies"> = {},
): Problem {
  const { status, title, remedy } = PROBLEMS[code];
  return { type: problemType(code), title, status, detail, remedy, code, ...extra };
}

export function problemType(code: ProblemCode): string {
  const row: ProblemRow = PROBLEMS[code];
  return row.type ?? `${PROBLEM_TYPE_PREFIX}${code}`;
}
