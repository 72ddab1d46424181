// A yes was given under the rules, the tool and the agent of its time. What becomes of it when they are others now: the
// one function that both the dispatcher and `assent plan` ask.

import type { Decision } from "@assent/contract";
import { canonicalJson } from "../../base/canonical-json.ts";
import type { Sha256 } from "../../base/digest.ts";
import type { Assent } from "./policy-annotations.ts";
import type { PolicyVerdict } from "./policy-verdict.ts";

type Reason = Decision["reasons"][number];

/** What the person who was asked had before them. */
export type AskedUnder = {
  readonly policyVersion: Sha256;
  readonly manifestDigest: string;
  /** Where the call was to go; null: nowhere outside, or the program that asked did not note it. */
  readonly destination: string | null;
  /** Of the agent as it was defined then; null: it was not. */
  readonly agentVersion: Sha256 | null;
  readonly requirement: Assent;
};

/** The same as they are now, and what the rules of now say of the call. */
export type Present = {
  readonly policyVersion: Sha256;
  /** Null: there is no such tool any more. */
  readonly manifestDigest: string | null;
  readonly destination: string | null;
  readonly agentVersion: Sha256 | null;
  readonly verdict: PolicyVerdict;
};

/** Where tool and agent changed, one line a place (core/difference.ts). */
type Differences = { readonly tool: readonly string[]; readonly agent: readonly string[] };

export type Reask =
  /** The yes stands, or will when it is given. */
  | { readonly outcome: "unchanged" }
  /** The call is refused, whoever said yes. */
  | { readonly outcome: "denied"; readonly reasons: readonly Reason[] }
  /** The yes is withdrawn, and a person is asked anew with these reasons besides those of the rules. */
  | { readonly outcome: "asked_again"; readonly requirement: Assent; readonly reasons: readonly Reason[] };

/** Characters of one reason: an approver reads it, and the whole difference is at most a few screens. */
const REASON_CHARS_MAX = 12_000;

export function reask(asked: AskedUnder, present: Present, differences: Differences): Reask {
  if (present.manifestDigest === null)
    return {
      outcome: "denied",
      reasons: [{ code: "tool_changed", detail: "There is no such tool any more." }],
    };
  const { verdict } = present;
  if (!hasChanged(asked, present)) return { outcome: "unchanged" };
  if (verdict.verdict === "deny") return { outcome: "denied", reasons: verdict.reasons };
  const reasons = changes(asked, present, differences);
  if (reasons.length === 0) return { outcome: "unchanged" };
  // What the rules would let pass unasked by now was asked about all the same: the old requirement stands.
  return { outcome: "asked_again", requirement: verdict.assent ?? asked.requirement, reasons };
}

/** Whether anything that a yes rests on is another now; only then the rules have to be asked what they say. */
export const hasChanged = (asked: AskedUnder, present: Omit<Present, "verdict">): boolean =>
  asked.policyVersion !== present.policyVersion ||
  asked.manifestDigest !== present.manifestDigest ||
  asked.destination !== present.destination ||
  asked.agentVersion !== present.agentVersion;

function changes(asked: AskedUnder, present: Present, { tool, agent }: Differences): readonly Reason[] {
  const reasons: Reason[] = [];
  if (asked.policyVersion !== present.policyVersion && wantsMore(asked.requirement, present.verdict))
    reasons.push({
      code: "rules_changed",
      detail: "The rules have changed since it was asked, and want another assent now.",
    });
  if (asked.manifestDigest !== present.manifestDigest)
    reasons.push(changed("tool_changed", "The tool has changed since it was asked.", tool));
  // Who was asked by a program that noted no place may have been shown another: they are asked, not guessed for.
  if (asked.destination !== present.destination)
    reasons.push({
      code: "tool_moved",
      detail:
        asked.destination === null
          ? "Where the tool's calls go was not noted when it was asked."
          : "The tool's calls go elsewhere since it was asked.",
    });
  if (asked.agentVersion !== present.agentVersion)
    reasons.push(
      changed(
        "agent_changed",
        present.agentVersion === null
          ? "The agent is not defined any more; the run goes on as it was defined."
          : "The agent has changed since it was asked; the run goes on as it was defined.",
        agent,
      ),
    );
  return reasons;
}

// Rules that changed elsewhere, or that want nothing of this call any more, ask nobody again.
const wantsMore = (requirement: Assent, { assent }: PolicyVerdict): boolean =>
  assent !== null && canonicalJson(assent) !== canonicalJson(requirement);

function changed(code: string, sentence: string, lines: readonly string[]): Reason {
  const detail = [sentence, ...lines].join("\n");
  return {
    code,
    detail: detail.length > REASON_CHARS_MAX ? `${detail.slice(0, REASON_CHARS_MAX)}…` : detail,
  };
}
