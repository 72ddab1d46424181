// The toy as a target: two servers on one state, restartable, with a state machine that can be looked into.

import { generateKeyPairSync } from "node:crypto";
import { request } from "node:http";
import { RUN_STATES, type RunState } from "@assent/contract";
import { LEGAL_RUN_MOVES } from "../run-moves.ts";
import { type ObservationBench, SPOKEN, type StateMachineInspection, type Target } from "../target.ts";
import { startToolSink, type ToolSink } from "../tool-sink.ts";
import { startMcpServer } from "../faults/mcp-server.ts";
import { startWebHost } from "../faults/web-host.ts";
import type { ToyWorld } from "./toy-agent.ts";
import { toyCommands, toyDeputy, toyEgress, toyMcp, toySettings } from "./toy-benches.ts";
import { letGo, toyDatabaseBench } from "./toy-database.ts";
import { createToyHarness, createToyState, toyCaller, type ToyCaller, type ToyState } from "./toy-harness.ts";
import { createOutage, outageBench } from "./toy-asker.ts";
import { createOutside } from "./toy-box.ts";
import { dieThere, toyEndingBench } from "./toy-ending.ts";
import { createLibrary, readerBench } from "./toy-library.ts";
import { READERS, type ToyEvidence } from "./toy-log.ts";
import { createFiles, toyPaths } from "./toy-files.ts";
import { toyProvider } from "./toy-prompt.ts";
import type { Breaks, Planted, ToyRun } from "./toy-run.ts";
import { startToyServer, type ToyServer } from "./toy-server.ts";
import { toyMetrics } from "./toy-signals.ts";
import { contradictionsOf } from "./toy-keys.ts";
import type { ToySigner } from "./toy-signatures.ts";
import { forgetUnwritten } from "./toy-taking.ts";
import type { SendEffect } from "./toy-tools.ts";
import { createDeeds, undoingBench } from "./toy-undoing.ts";

const ROBOT_KEY = "toy-key-of-the-robot";
const AUDITOR_KEY = "toy-key-of-the-auditor";

const CALLERS: readonly ToyCaller[] = [
  toyCaller("a", "requester", "toy-key-of-the-requester"),
  toyCaller("a", "approver", "toy-key-of-the-approver"),
  toyCaller("a", "second_approver", "toy-key-of-a-second-approver"),
  toyCaller("a", "self_approver", "toy-key-of-who-asks-and-decides"),
  toyCaller("a", "other_principal", "toy-key-of-somebody-else"),
  toyCaller("a", "robot", ROBOT_KEY),
  toyCaller("a", "keeper", AUDITOR_KEY),
  toyCaller("b", "other_tenant", "toy-key-of-another-tenant"),
  toyCaller("a", "auditor", "toy-key-of-who-reads-the-log"),
  toyCaller("b", "other_auditor", "toy-key-of-who-reads-another-log"),
];

function sendEffectTo(sink: ToolSink): SendEffect {
  return async (effectId, body) =>
    await new Promise<boolean>((resolve) => {
      const headers = effectId === null ? {} : { "idempotency-key": effectId };
      const outgoing = request(sink.url, { method: "POST", headers });
      outgoing.on("response", (message) => {
        message.resume().once("end", () => {
          resolve(message.statusCode === 200);
        });
      });
      outgoing.on("error", () => {
        resolve(false);
      });
      outgoing.end(body);
    });
}

const legal = (from: RunState, to: RunState): boolean => LEGAL_RUN_MOVES[from].includes(to);

function inspectToy(breaks: Breaks): StateMachineInspection {
  return {
    events: RUN_STATES.map((state) => `to_${state}`),
    attemptTransition: async (from, event) => {
      const to = RUN_STATES.find((state) => event === `to_${state}`);
      const loose = breaks.has("code.loose") && from === "failed" && to === "running";
      const strict = breaks.has("code.strict") && from === "running" && to === "queued";
      return to !== undefined && ((legal(from, to) && !strict) || loose)
        ? { accepted: true, to, detail: "" }
        : { accepted: false, to: null, detail: "no_such_transition" };
    },
    attemptStoredTransition: async (from, to) =>
      legal(from, to) || breaks.has("db.loose")
        ? { accepted: true, to, detail: "" }
        : { accepted: false, to: null, detail: "refused by the toy's table" },
  };
}

const observeToy = (state: ToyState, breaks: Breaks): ObservationBench => ({
  spans: async () => await Promise.resolve(state.signals.spans),
  metrics: async () =>
    await Promise.resolve([{ process: "toy", text: toyMetrics(state.signals, breaks, state.runs.values()) }]),
  log: async () => await Promise.resolve(state.log),
});

const storeFaults = ({ store }: ToyState): NonNullable<Target["faults"]> => ({
  arm: async (fault, times) => {
    await Promise.resolve();
    if (fault === "artifact_store_refuses") store.refusals += times;
    else if (fault === "artifact_store_truncates") store.truncations += times;
    else throw new Error(`the toy has no fault ${fault}`);
  },
  fired: async (fault) => await Promise.resolve(store.fired.get(fault) ?? 0),
});

async function createWorld(shows: Shown, sinkUrl: string): Promise<ToyWorld> {
  return {
    mcp: await startMcpServer(),
    host: await startWebHost("0.0.0.0"),
    reply: () => ({ text: "Done." }),
    requests: [],
    outside: createOutside(),
    files: createFiles(),
    deeds: createDeeds(),
    library: createLibrary(),
    sinkUrl,
    memory: new Map(),
    rules: shows === "rules",
    outage: shows === "outage" ? await createOutage() : null,
    stop: Promise.withResolvers(),
  };
}

function createSigner(): ToySigner {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  return { bearer: ROBOT_KEY, key: { id: "sgk_of_the_robot", privateKey: pem } };
}

// Looked up each time: before the start there are none.
const benches = (now: () => ToyWorld, breaks: Breaks, shows: Shown): Partial<Target> => ({
  get deputy() {
    return toyDeputy(now());
  },
  get provider() {
    if (shows === "documents") return { ...toyProvider(now()), reader: readerBench };
    if (shows === "prompts") return toyProvider(now());
    const { outage } = now();
    return outage === null ? undefined : { ...toyProvider(now()), outage: outageBench(outage) };
  },
  get mcp() {
    return toyMcp(now());
  },
  get egress() {
    return toyEgress(now());
  },
  get paths() {
    return toyPaths(now());
  },
  get commands() {
    return toyCommands(now());
  },
  settings: toySettings(breaks),
  ...(shows === "undoing" ? { rollback: undoingBench } : {}),
});

const stopperOf =
  (world: ToyWorld | undefined): (() => Promise<void>) =>
  async () => {
    world?.outage?.stopping.abort();
    await world?.outage?.provider.close();
    await world?.mcp.stop();
    await world?.host.stop();
  };

const looks = (state: ToyState, signer: ToySigner, breaks: Breaks): Partial<Target> => ({
  observation: observeToy(state, breaks),
  signing: { ...signer, auditor: AUDITOR_KEY },
  database: toyDatabaseBench(state.database, breaks, () => contradictionsOf(state)),
  ending: toyEndingBench(state.ending),
  deadLetters: {
    exhaust: async (id) => {
      await Promise.resolve();
      state.exhausted.add(id);
    },
  },
  inspect: {
    stateMachine: inspectToy(breaks),
    readSinks: async () => ({ log: state.log.join("\n") }),
  },
  faults: storeFaults(state),
});

const unspoken = (shows: Shown): readonly string[] => [
  ...(shows === "documents" ? [] : ["documents"]),
  "escalations",
  "webhooks",
  "open_api",
  ...(shows === "rules" ? [] : ["external_runs"]),
];

/**
 * What it is beside the rest, for scenarios that look at nothing else: a provider of the suite's, which it is for its prompts only;
 * ruled on, where runs are driven from outside, in the place of planned; before a provider that fails; taking back what it
 * did; keeping a log of what happened; keeping documents.
 */
export type Shown = "prompts" | "rules" | "outage" | "undoing" | "log" | "documents" | null;

function forgetOverStop(state: ToyState, evidence: ToyEvidence | null, breaks: Breaks): void {
  if (breaks.has("log.anew")) evidence?.clear();
  if (breaks.has("idem.memory")) state.keys.clear();
  if (breaks.has("audit.memory")) for (const { events } of state.runs.values()) events.splice(0);
  if (breaks.has("sig.memory")) state.signatures.nonces.clear();
}

/** Whoever reads the log has a key where there is one. */
const keyOf = (role: string, shows: Shown): string | null =>
  shows !== "log" && READERS.includes(role)
    ? null
    : (CALLERS.find(({ actor: { name } }) => name === role)?.key ?? null);

export function createToyTarget(bugs: readonly Planted[], shows: Shown = null): Target {
  const breaks: Breaks = new Set(bugs);
  const state = createToyState();
  const signer = createSigner();
  const evidence: ToyEvidence | null = shows === "log" ? new Map() : null;
  let servers: readonly ToyServer[] = [];
  let sink: ToolSink | undefined;
  let world: ToyWorld | undefined;
  const now = (): ToyWorld => {
    if (world === undefined) throw new Error("the toy has not been started");
    return world;
  };

  /** @param left runs that somebody else died at */
  const serve = async (to: ToolSink, left: readonly ToyRun[] = []): Promise<void> => {
    const harness = createToyHarness(state, breaks, sendEffectTo(to), now());
    const { signatures, signals } = state;
    const library = shows === "documents" ? now().library : null;
    const door = { harness, callers: CALLERS, signer, signatures, signals, breaks, evidence, library };
    servers = [await startToyServer({ ...door, place: 0 }), await startToyServer({ ...door, place: 1 })];
    for (const toy of left) await harness.takeOver(toy);
  };
  const stopServers = async (): Promise<void> => {
    for (const server of servers) await server.stop();
    servers = [];
  };

  const target: Target = {
    name: `toy${bugs.map((bug) => ` --break=${bug}`).join("")}`,
    speaks: new Set(SPOKEN.filter((capability) => !unspoken(shows).includes(capability))),
    gatedTask: { body: { agent: "toy", task: "Write a note." }, sinkEffects: 1 },
    start: async () => {
      sink = await startToolSink();
      world = await createWorld(shows, sink.url);
      await serve(sink);
    },
    stop: async () => {
      await stopServers();
      await sink?.stop();
      await stopperOf(world)();
    },
    endpoints: () => servers.map(({ url }) => url),
    key: (role) => keyOf(role, shows),
    get sink() {
      if (sink === undefined) throw new Error("the toy has not been started");
      return sink;
    },
    ...looks(state, signer, breaks),
    kill: async () => {
      letGo(state.database, "gone");
      const left = dieThere(state.ending);
      forgetUnwritten(state);
      await stopServers();
      if (breaks.has("artifact.volatile")) for (const toy of state.runs.values()) toy.bytes.clear();
      if (sink !== undefined) await serve(sink, left);
    },
    restart: async () => {
      await stopServers();
      now().stop.resolve();
      now().stop = Promise.withResolvers();
      forgetOverStop(state, evidence, breaks);
      if (sink !== undefined) await serve(sink);
    },
  };
  const shown = benches(now, breaks, shows);
  return Object.defineProperties(target, Object.getOwnPropertyDescriptors(shown));
}
