// Carries out trials one after the other: a scenario that races must not be disturbed by another one.

import { randomUUID } from "node:crypto";
import { type BegunRuns, watchBegunRuns } from "./begun-runs.ts";
import { type Capability, CAPABILITIES } from "./capability.ts";
import { nameFrom } from "./chance.ts";
import { type ClientOptions, createClient, type HarnessClient, race } from "./client.ts";
import {
  type Check,
  type Exchange,
  type Part,
  type Reading,
  redactor,
  redactValue,
  type Trial,
} from "./evidence.ts";
import { NoAnswer } from "./http.ts";
import type { Patience } from "./patience.ts";
import type { ProviderBoard } from "./provider-board.ts";
import { IdIsNumber } from "./run-reading.ts";
import { type MadeThings, watchMadeThings } from "./made-things.ts";
import {
  CheckFailed,
  type Limits,
  type Pace,
  PACE,
  PreconditionMissing,
  type Scenario,
  type ScenarioContext,
} from "./scenario.ts";
import { observeTrial } from "./signals/observe-trial.ts";
import { markSignals } from "./signals/trial-signals.ts";
import { capabilitiesOf, type Role, ROLES, type Target } from "./target.ts";
import type { Verdict } from "./verdict.ts";

/** One request; a harness that says nothing for so long has failed to answer. */
const REQUEST_TIMEOUT_MS = 30_000;

/** For all that is done after the verdict about what the trial began and made. */
const TIDY_MS_MAX = 30_000;

export type TrialOptions = {
  readonly seed: number;
  readonly pace?: Pace;
  /** Tells this trial's names from those of any other with the same seed against the same state. */
  readonly salt?: string;
};

type Notes = {
  /** Seconds that the harness's limits were waited for. */
  restedSeconds: number;
  readonly checks: Check[];
  readonly readings: Reading[];
  readonly parts: Part[];
  readonly exchanges: Exchange[];
  readonly begun: BegunRuns;
  readonly made: MadeThings;
};

const secretsOf = (target: Target): string[] => [
  ...ROLES.flatMap((role) => target.key(role) ?? []),
  ...[target.signing?.bearer ?? [], target.signing?.auditor ?? []].flat(),
];

function createContext(
  target: Target,
  notes: Notes,
  options: Required<TrialOptions>,
  signal: AbortSignal,
): ScenarioContext {
  const capabilities = capabilitiesOf(target);
  const redact = redactor(secretsOf(target));
  let names = 0;
  const record = (exchange: Exchange): void => {
    notes.exchanges.push(exchange);
  };
  const seen: ClientOptions["seen"] = (...exchange) => {
    notes.begun.note(...exchange);
    notes.made.note(...exchange);
  };
  const patience: Patience = {
    secondsMax: options.pace.waitMsMax / 1_000,
    waited: (seconds) => {
      notes.restedSeconds += seconds;
    },
  };
  const describe = (role: Role, endpoint: number, limits: Limits): ClientOptions => {
    const urls = target.endpoints();
    const baseUrl = urls[endpoint % urls.length];
    const key = target.key(role);
    if (baseUrl === undefined) throw new PreconditionMissing("the target has no endpoint");
    if (key === null) throw new PreconditionMissing(`the target has no key for the role ${role}`);
    const told = { role, baseUrl, key, timeoutMs: REQUEST_TIMEOUT_MS, signal, record, redact, seen };
    return limits === "shown" ? told : { ...told, patience };
  };
  return {
    target,
    capabilities,
    pace: options.pace,
    seed: options.seed,
    signal,
    unique: (prefix) => `${prefix}-${nameFrom(options.seed, `${options.salt}/${(names += 1)}`)}`,
    client: (role, endpoint = 0, limits = "waited_out") => createClient(describe(role, endpoint, limits)),
    race: async (entries, limits = "waited_out") =>
      await race(
        entries.map(({ role, endpoint, ...rest }) => ({ client: describe(role, endpoint, limits), ...rest })),
      ),
    check: (claim, holds, found) => {
      notes.checks.push({
        claim,
        holds,
        ...(found === undefined ? {} : { found: redactValue(found, redact) }),
      });
      if (!holds) throw new CheckFailed(claim);
    },
    precondition: (claim, holds) => {
      if (!holds) throw new PreconditionMissing(claim);
    },
    part: async (name, needs, moves) => {
      const lacks = needs.filter((need) => !capabilities.has(need));
      notes.parts.push({ name, lacks });
      if (lacks.length > 0) return;
      const before = notes.checks.length;
      await moves();
      // The report says that it was looked at: moves that found nothing to look at must not say so.
      if (notes.checks.length === before) throw new PreconditionMissing(`nothing was checked: ${name}`);
    },
    missing: (name, what) => {
      if (!notes.parts.some((part) => part.name === name)) notes.parts.push({ name, lacks: [what] });
    },
    read: (oracle, value) => {
      notes.readings.push({ oracle, value: redactValue(value, redact) });
    },
  };
}

function judge(error: unknown, timedOut: boolean): { readonly verdict: Verdict; readonly reason: string } {
  if (error instanceof CheckFailed || error instanceof IdIsNumber)
    return { verdict: "FAIL", reason: error.message };
  if (error instanceof PreconditionMissing) return { verdict: "INCONCLUSIVE", reason: error.message };
  if (timedOut) return { verdict: "INCONCLUSIVE", reason: "the scenario's time limit was reached" };
  if (error instanceof NoAnswer) return { verdict: "FAIL", reason: `no answer: ${error.message}` };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { verdict: "ERROR", reason: text };
}

/** The target must have been started. Rejects never: whatever goes wrong is a verdict. */
export async function runTrial(scenario: Scenario, target: Target, options: TrialOptions): Promise<Trial> {
  const filled: Required<TrialOptions> = { pace: PACE, salt: randomUUID(), ...options };
  const [begun, made] = [watchBegunRuns(), watchMadeThings()];
  const notes: Notes = { restedSeconds: 0, checks: [], readings: [], parts: [], exchanges: [], begun, made };
  const { checks, readings, parts, exchanges } = notes;
  const startedAt = performance.now();
  const capabilities = capabilitiesOf(target);
  const lacks = scenario.needs.filter((need) => !capabilities.has(need));
  const end = (verdict: Verdict, reason: string): Trial => ({
    scenario: scenario.id,
    title: scenario.title,
    tier: scenario.tier,
    target: target.name,
    seed: options.seed,
    verdict,
    reason: redactor(secretsOf(target))(reason),
    durationMs: Math.round(performance.now() - startedAt),
    checks,
    readings:
      notes.restedSeconds === 0
        ? readings
        : [...readings, { oracle: "seconds waited for limits of the harness", value: notes.restedSeconds }],
    parts,
    exchanges,
  });
  if (lacks.length > 0) return end("SKIP", `needs ${lacks.map(describeCapability).join("; ")}`);

  const signal = AbortSignal.timeout(scenario.timeLimitMs);
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("time limit")), { once: true });
  });
  try {
    // A scenario that forgets the signal must not hold up the others.
    await Promise.race([observed(scenario, createContext(target, notes, filled, signal), notes), aborted]);
  } catch (error) {
    const { verdict, reason } = judge(error, signal.aborted);
    return end(verdict, reason);
  } finally {
    // What this trial asked of the sink must not befall another one's run.
    if (capabilities.has("tool_sink")) target.sink?.uncue();
    await endBegun(target, notes);
  }
  if (notes.checks.length === 0) return end("INCONCLUSIVE", "nothing was checked");
  // One that failed and whose error somebody caught, or did not wait for.
  const unmet = notes.checks.find(({ holds }) => !holds);
  return unmet === undefined ? end("PASS", "") : end("FAIL", unmet.claim);
}

const keepNothing = (): void => undefined;
const asItIs = (text: string): string => text;

/** The verdict stands by then: nothing of this is evidence, and nothing that goes wrong here changes it. */
async function endBegun(target: Target, { begun, made }: Notes): Promise<void> {
  const signal = AbortSignal.timeout(TIDY_MS_MAX);
  const client = (role: Role): HarnessClient => {
    const [baseUrl] = target.endpoints();
    const key = target.key(role);
    if (baseUrl === undefined || key === null) throw new PreconditionMissing("nobody is there any more");
    const seen = begun.note;
    return createClient({
      role,
      baseUrl,
      key,
      timeoutMs: TIDY_MS_MAX,
      signal,
      record: keepNothing,
      redact: asItIs,
      patience: { secondsMax: TIDY_MS_MAX / 1_000, waited: keepNothing },
      seen,
    });
  };
  try {
    await begun.end({ client, cancels: target.speaks.has("cancel"), signal });
    await made.end(client);
  } catch {
    // A harness that does not answer keeps its runs.
  }
}

/** The scenario, and after it what the target told of itself meanwhile. */
async function observed(scenario: Scenario, context: ScenarioContext, notes: Notes): Promise<void> {
  const { observation } = context.target;
  const mark = observation === undefined ? null : await markSignals(observation);
  // What the scenario before had a model say is nothing that this one may rest on, whichever it was.
  for (const board of boardsOf(context.target)) board.answerWith(() => ({ text: "Done." }));
  await scenario.run(context);
  // What was asked of the log must not stand in for what the scenario did not ask.
  if (notes.checks.length === 0) return;
  await context.part("what it tells of itself: spans, metrics, log", ["observation"], async () => {
    if (mark === null) return;
    await observeTrial(context, {
      mark,
      exchanges: notes.exchanges,
      errors: scenario.errors ?? [],
      warnings: scenario.warnings ?? [],
      implied: scenario.implies ?? {},
    });
  });
}

const boardsOf = ({ provider }: Target): readonly ProviderBoard[] =>
  provider === undefined
    ? []
    : [provider.own, provider.substitute, ...(provider.outage === undefined ? [] : [provider.outage.board])];

function describeCapability(capability: Capability): string {
  return `${capability} (${CAPABILITIES[capability]})`;
}

/** Scenarios in order against one started target. `onTrial` is told of each as it ends. */
export async function runTrials(
  scenarios: readonly Scenario[],
  target: Target,
  options: TrialOptions,
  onTrial: (trial: Trial) => void = () => undefined,
): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const scenario of scenarios) {
    const trial = await runTrial(scenario, target, options);
    trials.push(trial);
    onTrial(trial);
  }
  return trials;
}
