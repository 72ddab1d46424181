// What a verdict rests on, in a form that can be kept: everything sent and received, what the oracles showed, what was
// checked. Keys are taken out before anything is stored, for reports travel further than the people who make them.

import type { Verdict } from "./verdict.ts";

export type Exchange = {
  readonly as: string;
  readonly method: string;
  readonly url: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody: string | null;
  /** Null: there was no answer, and `failure` says why. */
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly failure: string | null;
};

export type Check = { readonly claim: string; readonly holds: boolean; readonly found?: unknown };
export type Reading = { readonly oracle: string; readonly value: unknown };
export type Part = { readonly name: string; readonly lacks: readonly string[] };

export type Trial = {
  readonly scenario: string;
  readonly title: string;
  readonly tier: number;
  readonly target: string;
  readonly seed: number;
  readonly verdict: Verdict;
  /** One sentence; empty for PASS. */
  readonly reason: string;
  readonly durationMs: number;
  readonly checks: readonly Check[];
  readonly readings: readonly Reading[];
  /** Parts of the scenario, and what the target lacked for those that were not carried out. */
  readonly parts: readonly Part[];
  readonly exchanges: readonly Exchange[];
};

/** Bodies are kept up to this length; a report must stay readable and artifacts can be large. */
const BODY_CHARS_MAX = 16_000;

const REDACTED = "[key]";

/** @returns a function that takes every occurrence of the secrets out of a text, also base64 and percent-encoded */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    .filter((secret) => secret !== "")
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString("base64").replace(/=+$/, ""),
      Buffer.from(secret).toString("base64url"),
      Buffer.from(secret).toString("hex"),
    ]);
  return (text) => forms.reduce((rest, form) => rest.replaceAll(form, REDACTED), text);
}

export function shorten(text: string): string {
  if (text.length <= BODY_CHARS_MAX) return text;
  return `${text.slice(0, BODY_CHARS_MAX)}… (${text.length - BODY_CHARS_MAX} characters more)`;
}

export function redactHeaders(
  headers: Readonly<Record<string, string>>,
  redact: (text: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      name.toLowerCase() === "authorization" ? REDACTED : redact(value),
    ]),
  );
}

/** Any JSON-like value with the secrets taken out of every text in it. */
export function redactValue(value: unknown, redact: (text: string) => string): unknown {
  const text = JSON.stringify(value);
  return text === undefined ? null : (JSON.parse(redact(text)) as unknown);
}
