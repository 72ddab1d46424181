// A scenario is one file: moves against a target, and checks of what came of them. A trial is one scenario against
// one target; it ends in exactly one verdict.

import type { EventKind } from "@assent/contract";
import type { Capability } from "./capability.ts";
import type { Answer, HarnessClient } from "./client.ts";
import type { HttpRequest } from "./http.ts";
import type { InvariantId } from "./invariants.ts";
import type { Role, Target } from "./target.ts";

export type Phase = "unit" | "integration" | "e2e" | "stress";
/** 0 every commit, 1 every pull request, 2 every night, 3 before a release. */
export type Tier = 0 | 1 | 2 | 3;

/** What a target that is observed must tell of itself when this has been put to it. */
export type Implied = {
  /** How names of spans begin. */
  readonly spans?: readonly string[];
  /** Counters that rise, as Prometheus names them, and the labels that tell which of them. */
  readonly metrics?: readonly (readonly [name: string, labels?: Readonly<Record<string, string>>])[];
  /** Of the runs that the scenario made. */
  readonly events?: readonly EventKind[];
};

export type Scenario = {
  /** The plan's folder and its file's name without `test_`: `harness_state/run_state_machine_invalid_transition`. */
  readonly id: string;
  readonly title: string;
  readonly tier: Tier;
  readonly phase: Phase;
  /** Why a failure is critical, for whoever reads the report. */
  readonly why: string;
  /** What a correct harness does; printed with a failure and by `explain`. */
  readonly remedy: string;
  /** Without these there is no trial. Parts that need more say so with `context.part`. */
  readonly needs: readonly Capability[];
  readonly invariants: readonly InvariantId[];
  /** Messages of errors that it provokes in a target's log; any other error there fails the trial. */
  readonly errors?: readonly string[];
  /** The same for warnings. */
  readonly warnings?: readonly string[];
  readonly implies?: Implied;
  /** The heading of the plan that this scenario carries out. */
  readonly seed: string;
  /** Past it the trial is INCONCLUSIVE. */
  readonly timeLimitMs: number;
  run(context: ScenarioContext): Promise<void>;
};

export type Pace = {
  /** How long a harness may take to reach the next state. */
  readonly waitMsMax: number;
  /** How long is watched that nothing happens before a person has agreed. */
  readonly holdMs: number;
  /** How long spans and metrics may take to tell the same; where it is not said, long enough for any harness. */
  readonly settleMsMax?: number;
  /** How much a flood of submissions is; where it is not said, as much as fits a gate. */
  readonly flood?: { readonly runs: number; readonly requestsPerRun: number };
  /** Whether what takes long is done as well: waiting for what never succeeds, stops and starts. */
  readonly thorough?: boolean;
  /** Statements of a run's life that a fault strikes; where it is not said, as many as fit a gate. */
  readonly strikes?: number;
  /**
   * What is tried in every combination of its parts (ways out, encodings and carriers; hostile paths and tools) is
   * tried in every pair of two parts instead: a part that no guard minds is found, two that are only missed together are not.
   */
  readonly pairs?: boolean;
};

/** What a part lacks that only a thorough pace looks at. */
export const LEFT_TO_THE_NIGHT = "the time that it takes (looked at where the pace is thorough)";

export const PACE: Pace = { waitMsMax: 60_000, holdMs: 5_000 };

/**
 * What becomes of a 429 that says when to come again: it is waited for as long as it says and asked again, or the scenario
 * is shown it, since it is the limit that is looked at.
 */
export type Limits = "waited_out" | "shown";

export type RaceEntry = {
  readonly role: Role;
  /** Counted round the target's endpoints, so that racers spread over all its servers. */
  readonly endpoint: number;
} & (
  | { readonly submit: unknown; readonly idempotencyKey: string }
  | { readonly approve: unknown }
  | { readonly request: HttpRequest }
);

export type ScenarioContext = {
  readonly target: Target;
  readonly capabilities: ReadonlySet<Capability>;
  readonly pace: Pace;
  readonly seed: number;
  /** Aborted when the time limit is reached. */
  readonly signal: AbortSignal;
  /** A name nobody has used before, for idempotency keys and canaries. */
  unique(prefix: string): string;
  /** Missing roles end the trial as INCONCLUSIVE: name their capability in `needs` or ask within a part. */
  client(role: Role, endpoint?: number, limits?: Limits): HarnessClient;
  /** Sends requests so that all are complete at their servers in the same moment; those that met a limit later, together. */
  race(entries: readonly RaceEntry[], limits?: Limits): Promise<readonly Answer[]>;
  /** Ends the trial as FAIL where it does not hold. */
  check(claim: string, holds: boolean, found?: unknown): void;
  /** Ends the trial as INCONCLUSIVE where it does not hold: the question could not be put. */
  precondition(claim: string, holds: boolean): void;
  /** Carried out where the target has all of it, else listed as not looked at. */
  part(name: string, needs: readonly Capability[], moves: () => Promise<void>): Promise<void>;
  /** Lists a part as not looked at, since the harness turned out not to offer what it is about. */
  missing(part: string, what: string): void;
  /** Records what an oracle showed. */
  read(oracle: string, value: unknown): void;
};

export class CheckFailed extends Error {
  override readonly name = "CheckFailed";
}

export { PreconditionMissing } from "./precondition.ts";
