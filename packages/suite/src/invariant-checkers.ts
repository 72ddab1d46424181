// One pure function an invariant: what was seen of a run goes in, contradictions come out.

import type { EventKind, RunState, Step } from "@assent/contract";
import { canonicalJson } from "./canonical-json.ts";
import { digestOfEvent, sha256Hex } from "./digest.ts";
import type { Observation } from "./observation.ts";
import { LEGAL_RUN_MOVES } from "./run-moves.ts";
import { TERMINAL_STATES } from "./run-reading.ts";

const toolSteps = (observation: Observation): Step[] =>
  observation.run.steps.filter(({ kind }) => kind === "tool");

/** Steps whose effect may have reached the world. */
const dispatched = (observation: Observation): Step[] =>
  toolSteps(observation).filter(({ state }) => state !== "refused");

export function journalFirst(observation: Observation): string[] {
  const found: string[] = [];
  observation.run.steps.forEach((step, index) => {
    if (step.seq !== index + 1) found.push(`the journal has step ${step.seq} at place ${index + 1}`);
  });
  const intents = observation.events.filter(({ kind }) => kind === "step_intended").length;
  const carriedOut = dispatched(observation).filter(({ effect }) => effect !== "none").length;
  if (intents < carriedOut) found.push(`${carriedOut} effects but ${intents} journaled intents`);
  return found;
}

export function atMostOnce(observation: Observation): string[] {
  const found: string[] = [];
  const { sinkEffects } = observation;
  const seen = new Set<string>();
  for (const step of dispatched(observation)) {
    if (step.effect_id === null) {
      if (step.effect !== "none") found.push(`step ${step.seq} has an effect and no key for it`);
      continue;
    }
    if (seen.has(step.effect_id)) found.push(`step ${step.seq} repeats the key of another step`);
    seen.add(step.effect_id);
    const times = sinkEffects?.get(step.effect_id) ?? 0;
    if (step.effect === "once" && times > 1)
      found.push(`the effect of step ${step.seq} came to the tool sink ${times} times`);
  }
  return found;
}

const STATE_AFTER: { readonly [K in EventKind]?: RunState } = {
  run_queued: "queued",
  run_leased: "running",
  run_released: "queued",
  run_parked: "awaiting_approval",
  run_resumed: "queued",
  run_succeeded: "succeeded",
  run_failed: "failed",
  run_cancelled: "cancelled",
  run_dead_lettered: "dead_lettered",
};

export function legalTransitions(observation: Observation): string[] {
  const found: string[] = [];
  let state: RunState | null = null;
  for (const { kind, version } of observation.events) {
    const next = STATE_AFTER[kind];
    if (next === undefined) continue;
    const legal = state === null ? next === "queued" : LEGAL_RUN_MOVES[state].includes(next);
    if (!legal) found.push(`event ${version} (${kind}) moves the run from ${state ?? "nothing"} to ${next}`);
    state = next;
  }
  if (state !== observation.run.status)
    found.push(`the events end in ${state ?? "nothing"}, the run says ${observation.run.status}`);
  return [...found, ...approvalsDecidedOnce(observation)];
}

function approvalsDecidedOnce({ run, events }: Observation): string[] {
  const decisions = events.filter(({ kind }) =>
    ["approval_approved", "approval_denied", "approval_confirmed", "approval_expired"].includes(kind),
  ).length;
  const decided = run.approvals.filter(
    ({ decided_at, status }) => decided_at !== null || status === "expired",
  ).length;
  return decisions > decided ? [`${decisions} decisions for ${decided} decided approvals`] : [];
}

export function denyWins(observation: Observation): string[] {
  return toolSteps(observation).flatMap((step) => {
    if (step.state === "refused") {
      const times = step.effect_id === null ? 0 : (observation.sinkEffects?.get(step.effect_id) ?? 0);
      return times > 0 ? [`the refused step ${step.seq} reached the tool sink`] : [];
    }
    if (step.decision === null) return [`step ${step.seq} was carried out without a decision`];
    return step.decision.verdict === "deny" ? [`step ${step.seq} was denied and carried out`] : [];
  });
}

export function assentIsExact(observation: Observation): string[] {
  const approvals = new Map(observation.run.approvals.map((approval) => [approval.id as string, approval]));
  const used = new Set<string>();
  return dispatched(observation).flatMap((step) => {
    if (step.decision?.verdict !== "needs_approval") return [];
    const approval = step.approval_id === null ? undefined : approvals.get(step.approval_id);
    if (approval === undefined) return [`step ${step.seq} needed an approval and names none`];
    if (used.has(approval.id)) return [`approval ${approval.id} was used for more than one step`];
    used.add(approval.id);
    if (approval.decided_at === null || approval.status === "denied" || approval.status === "expired")
      return [`step ${step.seq} was carried out on an approval that is ${approval.status}`];
    const agreed = approval.edited_arguments ?? approval.action.arguments;
    return canonicalJson(step.arguments ?? {}) === canonicalJson(agreed)
      ? []
      : [`step ${step.seq} was carried out with other arguments than were approved`];
  });
}

export function secretsStayOut(observation: Observation): string[] {
  const texts = [
    ...observation.texts,
    JSON.stringify(observation.events),
    ...(observation.artifacts ?? []).map(({ bytes }) => Buffer.from(bytes).toString("latin1")),
  ];
  return observation.secrets.flatMap((secret, index) => {
    const forms = [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString("base64").replace(/=+$/, ""),
      Buffer.from(secret).toString("hex"),
    ];
    return texts.some((text) => forms.some((form) => text.includes(form)))
      ? [`secret ${index + 1} stands in what the harness sent out`]
      : [];
  });
}

export function historyIsEvidence(observation: Observation): string[] {
  const found: string[] = [];
  observation.events.forEach((event, index) => {
    if (event.run_id !== observation.run.id) found.push(`event ${event.version} is of another run`);
    if (event.version !== index + 1) found.push(`version ${event.version} stands at place ${index + 1}`);
    if (digestOfEvent(event) !== event.digest) found.push(`event ${event.version} does not match its digest`);
  });
  const last = observation.events.at(-1)?.version ?? 0;
  if (last !== observation.run.version)
    found.push(`the run is at version ${observation.run.version}, its events end at ${last}`);
  return found;
}

export function completeOrNothing(observation: Observation): string[] {
  if (observation.run.status !== "succeeded" || observation.artifacts === null) return [];
  const bytesOf = new Map(observation.artifacts.map(({ id, bytes }) => [id, bytes]));
  const committed = observation.events.filter(({ kind }) => kind === "artifact_committed").length;
  const found = observation.run.artifacts.flatMap((artifact) => {
    const bytes = bytesOf.get(artifact.id);
    if (bytes === undefined) return [`artifact ${artifact.name} is missing`];
    return bytes.byteLength === artifact.size_bytes && sha256Hex(bytes) === artifact.sha256
      ? []
      : [`artifact ${artifact.name} does not match its size and digest`];
  });
  return committed === observation.run.artifacts.length
    ? found
    : [...found, `${observation.run.artifacts.length} artifacts but ${committed} committed`];
}

/** What a run says of its own spending; the limits that it was held to stand in no answer. */
export function budgetBeforeSpend({ run }: Observation): string[] {
  const { charged } = run.usage;
  if (charged === undefined) return [];
  const kinds = ["input_tokens", "output_tokens"] as const;
  const found = kinds
    .filter((kind) => charged[kind] < run.usage[kind])
    .map((kind) => `answers used ${run.usage[kind]} ${kind}, and ${charged[kind]} are charged`);
  const { reserved } = charged;
  const aside = reserved.input_tokens > 0 || reserved.output_tokens > 0 || reserved.cost_usd > 0;
  return aside && TERMINAL_STATES.includes(run.status)
    ? [...found, `the run is ${run.status}, and ${JSON.stringify(reserved)} is set aside for a call still`]
    : found;
}
