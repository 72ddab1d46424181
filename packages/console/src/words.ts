// What the wire says in one word, in words for people.

import type { Harm, Key } from "@assent/contract";

const HARM_WORDS: Readonly<Record<Harm, string>> = {
  write: "changes something",
  egress: "sends something outside",
  money: "spends money",
  destructive: "destroys something",
};

export const harmWords = (harm: readonly Harm[]): string =>
  harm.length === 0 ? "reads only" : harm.map((one) => HARM_WORDS[one]).join(", ");

export const ORIGIN_WORDS = {
  trusted: "the requester",
  untrusted: "UNTRUSTED TEXT",
  model: "the model",
  approver: "you, just now",
} as const;

/** @param state of a run, a step or an approval, or the code of a reason */
export const stateWords = (state: string): string => state.replaceAll("_", " ");

/** Of a key of either kind: whether it is good still. */
export const keyState = (
  { revoked_at: revoked, expires_at: ends }: Pick<Key, "revoked_at" | "expires_at">,
  now: number,
): "good" | "ended" | "revoked" =>
  revoked !== null ? "revoked" : ends !== null && Date.parse(ends) <= now ? "ended" : "good";

/** How a state is meant: what waits, what is well, what is not. */
export function toneOf(state: string): "waits" | "well" | "ill" | "idle" {
  if (state === "awaiting_approval" || state === "open" || state === "in_doubt") return "waits";
  if (["succeeded", "approved", "approve", "spent", "settled", "good", "on", "delivered"].includes(state))
    return "well";
  if (
    ["failed", "dead_lettered", "denied", "deny", "expired", "refused", "off", "failing", "dead"].includes(
      state,
    )
  )
    return "ill";
  return "idle";
}

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
] as const;

/** `3 days`, `1 minute`, in the largest unit that there is one of. */
export function duration(ms: number): string {
  const [unit, size] = UNITS.find(([, least]) => ms >= least) ?? ["second", 1_000];
  const count = Math.max(0, Math.floor(ms / size));
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

export function ago(at: string, now: number): string {
  const ms = now - Date.parse(at);
  return ms < 1_000 ? "now" : `${duration(ms)} ago`;
}

/** `in 3 minutes`, of what is to come; `now` once it may. */
export function ahead(at: string, now: number): string {
  const ms = Date.parse(at) - now;
  return ms < 1_000 ? "now" : `in ${duration(ms)}`;
}

export const shortId = (id: string): string => `${id.slice(0, 4)}…${id.slice(-6)}`;
