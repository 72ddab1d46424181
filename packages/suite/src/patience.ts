// A harness may let its callers ask so often and no more: whoever is told to come again comes again. A limit is no fault, and
// what was refused for it has said nothing of what was asked.

import type { HttpAnswer, HttpRequest } from "./http.ts";
import { PreconditionMissing } from "./precondition.ts";
import { waitSeconds } from "./wait.ts";

type Told = Pick<HttpAnswer, "status" | "headers">;

export type Patience = {
  /** For one request, all of its waits together. */
  readonly secondsMax: number;
  /** Told of each wait. */
  readonly waited: (seconds: number) => void;
};

/** Whoever says "now" is not asked faster than this. */
const SECONDS_MIN = 0.25;

/** What `Retry-After` says: seconds, or a date (RFC 9110, 10.2.3) by the harness's own clock; null where it says nothing. */
export function secondsToWait({ headers }: Pick<HttpAnswer, "headers">): number | null {
  const said = (headers["retry-after"] ?? "").trim();
  if (/^\d{1,9}$/.test(said)) return Number(said);
  const at = said.endsWith("GMT") ? Date.parse(said) : Number.NaN;
  if (Number.isNaN(at)) return null;
  const now = Date.parse(headers["date"] ?? "");
  return Math.max(0, Math.ceil((at - (Number.isNaN(now) ? Date.now() : now)) / 1_000));
}

/** Null where the answer stands. The bytes of a signed request are good for once, so that they are never sent again. */
export function secondsOfLimit(request: HttpRequest, answer: Told): number | null {
  const isSigned = Object.keys(request.headers).some((name) => name.toLowerCase() === "signature");
  return answer.status === 429 && !isSigned ? secondsToWait(answer) : null;
}

/**
 * Waits so long, after it has waited `before` seconds for the same request.
 * @returns seconds waited by now
 * @throws PreconditionMissing where that is longer than it is waited
 */
export async function rest(
  request: HttpRequest,
  seconds: number,
  before: number,
  { secondsMax, waited }: Patience,
  signal: AbortSignal,
): Promise<number> {
  const due = Math.max(seconds, SECONDS_MIN);
  if (before + due > secondsMax)
    throw new PreconditionMissing(
      `${request.method} ${request.path} is over a limit of the harness (429), which asks to be left alone for ${seconds} s; ` +
        `it is waited ${secondsMax} s: come again later, with keys that may ask more often, or with more patience`,
    );
  await waitSeconds(due, signal);
  waited(due);
  return before + due;
}

/** Asks until the answer is another than a limit's. */
export async function askPatiently<T extends Told>(
  request: HttpRequest,
  attempt: () => Promise<T>,
  patience: Patience | undefined,
  signal: AbortSignal,
): Promise<T> {
  let waited = 0;
  for (;;) {
    const answer = await attempt();
    const seconds = secondsOfLimit(request, answer);
    if (seconds === null || patience === undefined) return answer;
    waited = await rest(request, seconds, waited, patience, signal);
  }
}
