// What the toy does when asked, without HTTP.

import { setImmediate as nextTurn } from "node:timers/promises";
import { type Actor, type ApproveRequest, idFromUuid, type ProblemCode } from "@assent/contract";
import { canonicalJson } from "../canonical-json.ts";
import { sha256Hex } from "../digest.ts";
import { createToyDatabase, isToyReady, type ToyDatabase, writeAll } from "./toy-database.ts";
import { AGENTS, runAgent, type ToyAnswer, type ToyWorld } from "./toy-agent.ts";
import {
  createToySignals,
  originOf,
  tellAnswer,
  tellDecision,
  tellHold,
  type ToySignals,
} from "./toy-signals.ts";
import { createToyEnding, passes, type ToyEnding } from "./toy-ending.ts";
import { freeTurn } from "./toy-asker.ts";
import { takesAgain } from "./toy-again.ts";
import { createDrivenRun } from "./toy-plans.ts";
import { createRuledRun } from "./toy-rules.ts";
import { createToySignatures, type ToySignatures } from "./toy-signatures.ts";
import { isBuffered, isKeptUnwritten, type KeyRecord, writesOf } from "./toy-taking.ts";
import { isShown, keyName, summaryOf } from "./toy-keys.ts";
import type { SendEffect } from "./toy-tools.ts";
import {
  addEvent,
  type Breaks,
  createRun,
  createToyStore,
  finish,
  intendEffect,
  moveTo,
  now,
  openGate,
  shownText,
  type ToyRequest,
  type ToyRun,
  type ToyStore,
} from "./toy-run.ts";

export type ToyCaller = { readonly tenant: string; readonly actor: Actor; readonly key: string };

export type ToyRefusal = { readonly refused: ProblemCode };

/** State that outlives a restart; several toys can share one. */
export type ToyState = {
  readonly runs: Map<string, ToyRun>;
  readonly keys: Map<string, KeyRecord>;
  /** What nobody can ask for. */
  readonly log: string[];
  readonly store: ToyStore;
  readonly signals: ToySignals;
  readonly signatures: ToySignatures;
  /** Runs whose attempts have all been made. */
  readonly exhausted: Set<string>;
  /** The new run of each dead letter. */
  readonly redriven: Map<string, ToyRun>;
  readonly database: ToyDatabase;
  /** Runs that are to be carried out, by id. */
  readonly queue: Set<string>;
  /** Keys that no request may use any more. */
  readonly burnt: Set<string>;
  readonly ending: ToyEnding;
  /** What is in the memory of processes only. */
  readonly unwritten: Set<ToyRun>;
};

export const createToyState = (): ToyState => ({
  runs: new Map(),
  keys: new Map(),
  log: [],
  store: createToyStore(),
  signals: createToySignals(),
  signatures: createToySignatures(),
  exhausted: new Set(),
  redriven: new Map(),
  database: createToyDatabase(),
  queue: new Set(),
  burnt: new Set(),
  ending: createToyEnding(),
  unwritten: new Set(),
});

export function toyCaller(tenant: string, name: string, key: string): ToyCaller {
  const uuid = sha256Hex(name).slice(0, 32);
  return { tenant, key, actor: { id: idFromUuid("prn", uuid), kind: "human", name } };
}

/** The toy that approves by itself does so when it is looked at this often: a scenario has seen the gate open by then. */
const LOOKS_BEFORE_AUTO_APPROVAL = 4;

/** Times a call is made whose answer gets lost, under one key. */
const DELIVERIES_MAX = 3;
/** Runs under way with which toys break under load. */
const FLOOD_RUNS = 8;

type Submitted = { readonly toy: ToyRun; readonly body: string; readonly replayed: boolean };
type Decided = { readonly toy: ToyRun };

export type ToyHarness = {
  submit(caller: ToyCaller, request: ToyRequest, key: string | null): Promise<ToyRefusal | Submitted>;
  find(caller: ToyCaller, id: string): ToyRun | ToyRefusal;
  tenantOf(id: string): string | undefined;
  /** @param all whoever's they are */
  list(caller: ToyCaller, all: boolean): ToyRun[];
  decide(caller: ToyCaller, request: ApproveRequest): Promise<ToyRefusal | Decided>;
  cancel(caller: ToyCaller, id: string): ToyRefusal | Decided;
  /** Of signatures, in the caller's tenant. */
  refusals(caller: ToyCaller): number;
  redrive(caller: ToyCaller, id: string): ToyRefusal | Decided;
  isReady(): boolean;
  /** Ends a run whose process died at it. */
  takeOver(toy: ToyRun): Promise<void>;
  /** The answer to the submission under that key. */
  stored(caller: ToyCaller, key: string | null): string | undefined;
  /** A run that is driven from outside. */
  drive(caller: ToyCaller, request: Readonly<Record<string, unknown>>): ToyRun;
  /** What the tenant's people gave for good. */
  answers(caller: ToyCaller): readonly ToyAnswer[];
};

type Inside = {
  readonly state: ToyState;
  readonly breaks: Breaks;
  readonly sendEffect: SendEffect;
  readonly looks: Map<string, number>;
  /** Runs whose call is made though it must not be, once nobody looks any more. */
  readonly later: ToyRun[];
  readonly world: ToyWorld;
};

export function createToyHarness(
  state: ToyState,
  breaks: Breaks,
  sendEffect: SendEffect,
  world: ToyWorld,
): ToyHarness {
  const inside: Inside = { state, breaks, sendEffect, looks: new Map(), later: [], world };
  return {
    submit: async (caller, request, key) => await submit(inside, caller, request, key),
    find: (caller, id) => find(inside, caller, id),
    tenantOf: (id) => state.runs.get(id)?.tenant,
    list: (caller, all) =>
      [...state.runs.values()]
        .filter(({ tenant }) => all || tenant === caller.tenant || breaks.has("tenant.lists"))
        .toReversed(),
    decide: async (caller, request) => await decide(inside, caller, request),
    cancel: (caller, id) => cancel(inside, caller, id),
    refusals: (caller) => state.signatures.refusals.filter((tenant) => tenant === caller.tenant).length,
    redrive: (caller, id) => redrive(inside, caller, id),
    takeOver: async (toy) => {
      if (breaks.has("end.lost")) return;
      if (breaks.has("end.again"))
        await sendEffect(`${toy.run.id}/again`, JSON.stringify({ run: toy.run.id }));
      end(inside, toy);
    },
    stored: (caller, key) => state.keys.get(keyName(caller.actor.id, key, breaks))?.body,
    isReady: () => isToyReady(state.database, breaks),
    drive: (caller, request) => {
      const { tenant, actor } = caller;
      const tell = (verdict: string): void => tellDecision(state.signals, verdict);
      const toy = world.rules
        ? createRuledRun(tenant, actor, request, breaks, tell)
        : createDrivenRun(tenant, actor, request, breaks);
      state.runs.set(toy.run.id, toy);
      state.queue.add(toy.run.id);
      return toy;
    },
    answers: ({ tenant }) => [...world.memory.values()].filter((answer) => answer.tenant === tenant),
  };
}

async function carryOut({ breaks, sendEffect }: Inside, toy: ToyRun): Promise<void> {
  const effectId = intendEffect(toy, breaks);
  for (let delivery = 1; delivery <= DELIVERIES_MAX; delivery += 1) {
    const fresh = breaks.has("retry.fresh") && delivery > 1 ? `${effectId}/${delivery}` : effectId;
    const key = breaks.has("retry.bare") ? null : fresh;
    if (await sendEffect(key, JSON.stringify({ run: toy.run.id }))) break;
  }
  if (breaks.has("effect.twice")) await sendEffect(`${effectId}/2`, JSON.stringify({ run: toy.run.id }));
}

async function goOn(
  inside: Inside,
  toy: ToyRun,
  actor: Actor | null,
  said: string | null = null,
): Promise<void> {
  const { breaks } = inside;
  const approval = toy.run.approvals[0];
  if (approval === undefined) throw new Error("the toy's run has no approval");
  const decided_by = actor === null ? null : { id: actor.id, name: actor.name };
  const comment = said === null || breaks.has("leak.comment") ? said : shownText(said);
  const word = { status: "approved" as const, decided_at: now(), decided_by, comment };
  toy.run = { ...toy.run, approvals: [{ ...approval, ...word }] };
  const named = breaks.has("audit.somebody") ? toy.run.requested_by : actor;
  addEvent(toy, breaks, "approval_approved", breaks.has("audit.actor") ? null : named);
  tellAnswer(inside.state.signals, breaks);
  moveTo(toy, breaks, "queued", "run_resumed", null);
  if (breaks.has("state.stuck")) return;
  if (inside.state.exhausted.delete(toy.run.id)) {
    const reason = { code: "attempts_exhausted", detail: "All attempts have been made." };
    if (!breaks.has("dead.mute")) toy.run = { ...toy.run, reason };
    moveTo(toy, breaks, "dead_lettered", "run_dead_lettered", null);
    return;
  }
  moveTo(toy, breaks, "running", "run_leased", null);
  const isDone = toy.run.steps.length > 0;
  const calls = isDone && !breaks.has("atom.effect") ? 0 : 1;
  if (!isDone) await carryOut(inside, toy);
  if (toy.run.status === "cancelled" && !breaks.has("cancel.overrun")) return;
  end(inside, toy);
  tellHold(inside.state.signals, breaks, toy, calls);
}

/** Whoever agreed is not kept waiting for it where it is held up. */
function end({ state, breaks }: Inside, toy: ToyRun): void {
  const { ending, store } = state;
  if (ending.at === null) return finish(toy, breaks, store);
  if (breaks.has("end.early")) toy.run = { ...toy.run, status: "succeeded" };
  if (breaks.has("end.told")) addEvent(toy, breaks, "run_succeeded", null);
  const goOnFrom = async (): Promise<void> => {
    for (const point of ["stored", "recorded"] as const) if (!(await passes(ending, toy, point))) return;
    finish(toy, breaks, store);
  };
  void goOnFrom();
}

async function start(inside: Inside, toy: ToyRun): Promise<void> {
  await freeTurn(inside.world.outage, inside.breaks);
  openGate(toy, inside.breaks);
  tellHold(inside.state.signals, inside.breaks, toy, 0);
  if (inside.breaks.has("gate.late")) await carryOut(inside, toy);
  if (inside.breaks.has("gate.none")) await goOn(inside, toy, null);
}

async function startAgent({ state, breaks, sendEffect, world }: Inside, toy: ToyRun): Promise<void> {
  await nextTurn();
  await runAgent({ breaks, sendEffect, world, signals: state.signals, log: state.log }, toy);
}

const fail = (inside: Inside, toy: ToyRun) => (): void =>
  moveTo(toy, inside.breaks, "failed", "run_failed", null);

function find(inside: Inside, caller: ToyCaller, id: string): ToyRun | ToyRefusal {
  const toy = inside.state.runs.get(id);
  if (toy === undefined)
    return { refused: inside.breaks.has("run.any") ? "internal_error" : "run_not_found" };
  if (toy.tenant !== caller.tenant && !inside.breaks.has("tenant.open"))
    return { refused: inside.breaks.has("tenant.tell") ? "scope_missing" : "run_not_found" };
  const looks = (inside.looks.get(id) ?? 0) + 1;
  inside.looks.set(id, looks);
  toy.shown = (toy.shown ?? 0) + 1;
  if (inside.breaks.has("gate.auto") && looks === LOOKS_BEFORE_AUTO_APPROVAL)
    goOn(inside, toy, toy.run.requested_by).catch(fail(inside, toy));
  return toy;
}

async function submit(
  inside: Inside,
  caller: ToyCaller,
  request: ToyRequest,
  key: string | null,
): Promise<ToyRefusal | Submitted> {
  const { state, breaks } = inside;
  if ((key === null || key === "") && !breaks.has("idem.optional"))
    return { refused: "idempotency_key_missing" };
  const name = keyName(caller.actor.id, key, breaks);
  const fingerprint = sha256Hex(canonicalJson(breaks.has("idem.task") ? request.task : request));
  if (state.burnt.has(name)) return { refused: "idempotency_key_busy" };
  const repeat = (known: KeyRecord): ToyRefusal | Submitted =>
    known.fingerprint !== fingerprint && !breaks.has("idem.body")
      ? { refused: "idempotency_key_reused" }
      : {
          toy: known.toy,
          body: breaks.has("idem.now") ? summaryOf(known.toy) : known.body,
          replayed: !breaks.has("idem.silent"),
        };
  const known = state.keys.get(name);
  if (known !== undefined) return repeat(known);
  if (breaks.has("idem.race")) await nextTurn();
  for (const toy of inside.later.splice(0)) await carryOut(inside, toy);
  const waiting = [...state.runs.values()].filter(({ run }) => run.finished_at === null).length;
  const flooded = waiting >= FLOOD_RUNS;
  if (flooded && breaks.has("flood.mute")) return { refused: "overloaded" };
  const [oldest] = state.runs.values();
  const asker = breaks.has("run.owner") ? (oldest?.run.requested_by ?? caller.actor) : caller.actor;
  const toy = createRun(caller.tenant, asker, request, breaks);
  const body = summaryOf(toy);
  if (breaks.has("atom.orphan")) state.queue.add(toy.run.id);
  const record = { fingerprint, toy, body };
  const writes = writesOf(state, name, record, breaks);
  if (isBuffered(state.database, breaks)) for (const write of writes) write();
  const written = isBuffered(state.database, breaks)
    ? "written"
    : await writeAll(state.database, writes, breaks);
  if (written !== "written" && !isKeptUnwritten(state, name, record, breaks)) {
    if (breaks.has("atom.burnt")) state.burnt.add(name);
    return breaks.has("atom.early") ? { toy, body, replayed: false } : { refused: written };
  }
  const first = state.keys.get(name);
  if (first !== undefined && first.toy !== toy) return repeat(first);
  originOf(state.signals, toy.run.id);
  const quiet = breaks.has("log.warns") ? "warn" : "info";
  const level = breaks.has("log.error") ? "error" : quiet;
  const about = breaks.has("log.raw") ? request : toy.run.id;
  const line = JSON.stringify({ level, message: "submitted", about });
  state.log.push(...(breaks.has("log.lines") ? [line.slice(0, 9), line.slice(9)] : [line]));
  if (breaks.has("idem.twin") || (flooded && breaks.has("flood.twin"))) {
    const twin = createRun(caller.tenant, caller.actor, request, breaks);
    state.runs.set(twin.run.id, twin);
  }
  const begin = AGENTS.includes(toy.run.agent) ? startAgent : start;
  if (!(flooded && breaks.has("flood.lost"))) begin(inside, toy).catch(fail(inside, toy));
  return { toy, body, replayed: false };
}

async function decide(
  inside: Inside,
  caller: ToyCaller,
  request: ApproveRequest,
): Promise<ToyRefusal | Decided> {
  const { state, breaks } = inside;
  const named = [...state.runs.values()].find(({ run }) =>
    run.approvals.some(({ id }) => id === request.approval_id),
  );
  const isYes = request.decision === "approve" && named?.run.approvals[0]?.status === "open";
  if (breaks.has("atom.effect") && isYes) await carryOut(inside, named);
  const written = await writeAll(state.database, [() => undefined], breaks);
  if (written !== "written")
    return breaks.has("atom.deaf") && named !== undefined ? { toy: named } : { refused: written };
  const asked = [...state.runs.values()].filter(({ run }) => run.approvals[0]?.status === "open");
  if (named?.decide !== undefined && named.tenant === caller.tenant) {
    const refused = named.decide(caller.actor, request);
    return refused === null ? { toy: named } : { refused };
  }
  const toy = breaks.has("apr.stray") && named !== undefined ? asked.at(-1) : named;
  const approval = toy?.run.approvals[0];
  const isOpen = breaks.has("tenant.decides") || (breaks.has("tenant.denies") && request.decision === "deny");
  const isTheirs = toy?.tenant !== caller.tenant && !isOpen;
  if (toy === undefined || approval === undefined || isTheirs) return { refused: "approval_not_found" };
  if (breaks.has("apr.race") && approval.status === "open") await nextTurn();
  else if (approval.status !== "open") {
    const isTaken = takesAgain(breaks, toy, request, caller.actor);
    return isTaken ? { toy } : { refused: "approval_already_decided" };
  }
  if (request.decision === "deny") {
    if (breaks.has("deny.stuck")) return { toy };
    if (breaks.has("deny.runs")) await carryOut(inside, toy);
    if (breaks.has("deny.later")) inside.later.push(toy);
    const decided_by = { id: caller.actor.id, name: caller.actor.name };
    const denied = { ...approval, status: "denied" as const, decided_at: now(), decided_by };
    toy.run = { ...toy.run, approvals: [denied] };
    addEvent(toy, breaks, "approval_denied", caller.actor);
    moveTo(toy, breaks, "failed", "run_failed", caller.actor);
    return { toy };
  }
  if (!isShown(request.action_digest, approval.action_digest, breaks))
    return { refused: "approval_digest_mismatch" };
  await goOn(inside, toy, caller.actor, request.comment ?? null);
  return { toy };
}

function cancel(inside: Inside, caller: ToyCaller, id: string): ToyRefusal | Decided {
  const { breaks } = inside;
  const toy = find(inside, caller, id);
  if ("refused" in toy) return toy;
  const loose = breaks.has("state.loose") && toy.run.status === "succeeded";
  if (toy.run.finished_at !== null && !loose) {
    if (breaks.has("state.bump")) toy.run = { ...toy.run, version: toy.run.version + 1 };
    return { refused: "run_already_finished" };
  }
  if (toy.callOff !== undefined) {
    toy.callOff();
    return { toy };
  }
  const approvals = toy.run.approvals.map((approval) => ({ ...approval, status: "cancelled" as const }));
  toy.run = { ...toy.run, approvals };
  addEvent(toy, breaks, "approval_cancelled", caller.actor);
  if (breaks.has("cancel.later")) inside.later.push(toy);
  moveTo(toy, breaks, "cancelled", "run_cancelled", caller.actor);
  return { toy };
}

function redrive(inside: Inside, caller: ToyCaller, id: string): ToyRefusal | Decided {
  const { state, breaks } = inside;
  const dead = find(inside, caller, id);
  if ("refused" in dead) return dead;
  if (dead.run.status !== "dead_lettered") return { refused: "run_not_dead_lettered" };
  const known = state.redriven.get(id);
  if (known !== undefined && !breaks.has("redrive.again")) return { toy: known };
  const toy = createRun(caller.tenant, caller.actor, dead.run, breaks);
  toy.run = { ...toy.run, redrive_of: dead.run.id };
  state.runs.set(toy.run.id, toy);
  state.queue.add(toy.run.id);
  state.redriven.set(id, toy);
  start(inside, toy).catch(fail(inside, toy));
  return { toy };
}
