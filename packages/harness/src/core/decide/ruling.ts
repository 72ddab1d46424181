import type { Decision } from "@assent/contract";
import type { Sha256 } from "../../base/digest.ts";
import type { ActionRequest } from "./action-request.ts";

/** What a person's word must be like, where a rule wants one. */
export type AssentRequirement = {
  /** Names of principals or roles who may say it; null for anybody who may decide at all. */
  readonly approvers: readonly string[] | null;
  /** So many different people, at least one. */
  readonly quorum: number;
  /** Whoever asked for the run may not be among them (four-eyes). */
  readonly separateDuties: boolean;
  /** From the ask on; then it counts as denied. Null: the harness's own time. */
  readonly timeoutMs: number | null;
};

export type Ruling = {
  readonly decision: Decision;
  /** Set exactly where the verdict is `needs_approval`. */
  readonly assent: AssentRequirement | null;
  readonly policyVersion: Sha256;
};

/** The rules in force. Never throws: what cannot be evaluated is denied, with the reason. */
export type Policies = {
  readonly version: Sha256;
  decide(request: ActionRequest): Ruling;
};
