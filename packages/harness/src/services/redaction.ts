// What stands between the harness and every place where its words are kept or shown (invariant 9). A sink gets only
// what went through here; what is executed is never touched.

import type { Problem } from "@assent/contract";
import type { Redactor } from "../core/redact/redactor.ts";
import type { Log } from "../ports.ts";

export type ArtifactVerdict =
  /** Clean, or not text. */
  | { readonly decision: "keep" }
  /** Secrets are replaced by marks; only for what nobody applies. */
  | {
      readonly decision: "mark";
      readonly bytes: Uint8Array;
      readonly counts: Readonly<Record<string, number>>;
    }
  /** A patch that marks would break, or that would carry the secret to where it is applied. */
  | { readonly decision: "refuse"; readonly detail: string };

export type Redaction = {
  /** A log whose every record is redacted; a record that cannot be is replaced, not let through. */
  wrapLog(log: Log): Log;
  /** Data of audit events, span attributes, metric labels, stored answers, events: any JSON. */
  redactData(data: Readonly<Record<string, unknown>>): Record<string, unknown>;
  redactText(text: string): string;
  redactProblem(problem: Problem): Problem;
  checkArtifact(artifact: { readonly mediaType: string; readonly bytes: Uint8Array }): ArtifactVerdict;
};

export type RedactionOptions = {
  readonly redactor: Redactor;
  /** Called for each kind with how often it was taken out: the metric `assent.redactions{rule}`. */
  readonly onRedacted?: (kind: string, times: number) => void;
};

export function createRedaction({ redactor, onRedacted }: RedactionOptions): Redaction {
  const report = (counts: Readonly<Record<string, number>>): void => {
    for (const [kind, times] of Object.entries(counts)) onRedacted?.(kind, times);
  };
  const redactText = (text: string): string => {
    const redacted = redactor.redactText(text);
    report(redacted.counts);
    return redacted.text;
  };
  const redactValue = (value: unknown): unknown => {
    const redacted = redactor.redactJson(value);
    report(redacted.counts);
    return redacted.value;
  };
  return {
    wrapLog: (log) => wrapLog(log, redactText, redactValue),
    redactData: (data) => membersOf(redactValue(data)),
    redactText,
    redactProblem: (problem) => ({
      ...problem,
      title: redactText(problem.title),
      detail: redactText(problem.detail),
      ...(problem.errors === undefined
        ? {}
        : {
            errors: problem.errors.map(({ pointer, detail }) => ({
              pointer: redactText(pointer),
              detail: redactText(detail),
            })),
          }),
    }),
    checkArtifact: (artifact) => checkArtifact(artifact, redactor, report),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const membersOf = (value: unknown): Record<string, unknown> => (isObject(value) ? value : {});

function wrapLog(
  log: Log,
  redactText: (text: string) => string,
  redactValue: (value: unknown) => unknown,
): Log {
  return (level, message, fields) => {
    let [clean, cleanFields]: [string, Readonly<Record<string, unknown>> | undefined] = [message, fields];
    try {
      clean = redactText(message);
      cleanFields = fields === undefined ? undefined : membersOf(redactValue(fields));
    } catch (error) {
      // A getter of somebody's object threw. The record says that it was there, and nothing of what was in it.
      clean = "a record could not be redacted";
      cleanFields = { error: error instanceof Error ? error.name : typeof error };
    }
    log(level, clean, cleanFields);
  };
}

const PATCH_TYPES: ReadonlySet<string> = new Set(["text/x-diff", "text/x-patch"]);
const TEXT = /^(?:text\/|application\/(?:json|xml|yaml|problem\+json|.+\+json)$)/;

/** Kinds that rest on a name or on looks alone; in a program under repair they are wrong too often to refuse for. */
const WEAK_KINDS: ReadonlySet<string> = new Set([
  "password",
  "secret",
  "token",
  "key",
  "session",
  "high_entropy",
]);

function checkArtifact(
  { mediaType, bytes }: { readonly mediaType: string; readonly bytes: Uint8Array },
  redactor: Redactor,
  report: (counts: Readonly<Record<string, number>>) => void,
): ArtifactVerdict {
  const [type = ""] = mediaType.split(";");
  const text = Buffer.from(bytes).toString("utf8");
  if (PATCH_TYPES.has(type.trim())) return checkPatch(text, redactor);
  if (!TEXT.test(type.trim()))
    return redactor.inspect(text).known === 0
      ? { decision: "keep" }
      : { decision: "refuse", detail: "The artifact holds a secret that this harness was given." };
  const redacted = redactor.redactText(text);
  report(redacted.counts);
  return redacted.text === text
    ? { decision: "keep" }
    : { decision: "mark", bytes: Buffer.from(redacted.text, "utf8"), counts: redacted.counts };
}

/** Marks would make it another patch, or none: it is kept as it is, or not at all. */
function checkPatch(text: string, redactor: Redactor): ArtifactVerdict {
  const { known, suspected } = redactor.inspect(text);
  if (known > 0)
    return { decision: "refuse", detail: "The patch holds a secret that this harness was given." };
  const kinds = Object.keys(suspected).filter((kind) => !WEAK_KINDS.has(kind));
  return kinds.length === 0
    ? { decision: "keep" }
    : { decision: "refuse", detail: `The patch holds what looks like a secret: ${kinds.join(", ")}.` };
}
