// What the rules have decided, as the store finds it.

import type { Action, Actor, Decision, RunId } from "@assent/contract";
import type { Sha256 } from "../base/digest.ts";
import type { Judgement } from "../core/decide/judgement.ts";

export type DecisionPlace = { readonly at: Date; readonly run: RunId; readonly seq: number };

export type DecidedCall = DecisionPlace & {
  readonly requester: Actor;
  readonly agent: { readonly name: string; readonly version: Sha256 };
  readonly action: Action;
  readonly judgement: Judgement;
  readonly decision: Decision;
};

export type DecidedCalls = {
  readonly calls: readonly DecidedCall[];
  /** Where the next look begins, also where what is no decision has filled this one; null: there is no more. */
  readonly last: DecisionPlace | null;
};
