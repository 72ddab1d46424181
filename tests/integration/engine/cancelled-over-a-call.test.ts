// A run with effects is called off while a call is under way. What it did is taken back as soon as nothing of that call
// can come after it: at once where that call leaves nothing to take back, with its answer where its worker hears one, and
// after the time of a lease where nobody does (invariants 2 at-most-once, 16 fenced).

import type { Run, RunId } from "@assent/contract";
import { uuidOf } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { err, ok } from "../../../packages/harness/src/base/result.ts";
import { CALLED_OFF_HEARD_SECONDS, LEASE_SECONDS } from "../../../packages/harness/src/base/limits.ts";
import type { Policies } from "../../../packages/harness/src/core/decide/policy-point.ts";
import type { Tool } from "../../../packages/harness/src/ports.ts";
import type { OrchestratorPorts } from "../../../packages/harness/src/services/held.ts";
import { advanceRun, claimRun } from "../../../packages/harness/src/services/orchestrator.ts";
import { answering, type Engine, openEngine, value } from "../../support/engine.ts";
import { until } from "../../support/until.ts";
import { createUndoableWorld, undoCall, type UndoableWorld } from "../../support/undoable-world.ts";

const never = new AbortController().signal;
const policies: Policies = {
  version: `sha256:${"1".repeat(64)}`,
  rules: [],
  decide: () => ({ verdict: "permit", reasons: [{ code: "permit", detail: "All." }], assent: null }),
};

type Ending = "answered" | "refused" | "unknown" | "cut";
/** The second call of the run, and how it ends once it may. */
const second: { tool: string; ending: Ending; begin(): void; end: Promise<void> } = {
  tool: "slow",
  ending: "answered",
  begin: () => undefined,
  end: Promise.resolve(),
};

const LISTENED_TO = "a call is listened to, though its run was called off";
let cuts = 0;
let listens = 0;

/** Under way until the test lets it end, whatever becomes of its run. */
const slowly = (tool: Tool): Tool => ({
  ...tool,
  execute: async (...given) => {
    second.begin();
    const { signal } = given[2];
    // One that ends as soon as it is called off, as what goes over a wire does.
    const cut = new Promise<"cut">((resolve) => {
      signal.addEventListener("abort", () => {
        cuts += 1;
        resolve("cut");
      });
    });
    const ended = await Promise.race([second.end, ...(second.ending === "cut" ? [cut] : [])]);
    if (ended === "cut") return err({ code: "outcome_unknown", detail: "It was cut off." });
    if (second.ending === "refused") return err({ code: "http_refused", detail: "No." });
    if (second.ending === "unknown") return err({ code: "outcome_unknown", detail: "The line broke." });
    return await tool.execute(...given);
  },
});

let engine: Engine;
let world: UndoableWorld;
beforeAll(async () => {
  world = createUndoableWorld();
  const slow = slowly(world.tool("slow", "once", "idempotent"));
  const look = world.tool("look", "idempotent", null);
  const seen = async () => await Promise.resolve(ok({ output: "seen", label: "trusted" as const }));
  engine = await openEngine({
    tools: [
      world.tool("put", "once", "idempotent"),
      slow,
      slowly({ ...look, execute: seen, manifest: { ...look.manifest, effect: "none", harm: [] } }),
    ],
    agent: { tools: ["put", "slow", "look"] },
    models: answering((turn) =>
      turn < 2 ? { calls: [undoCall(`c${turn}`, turn === 0 ? "put" : second.tool)] } : { text: "Done." },
    ),
    policies,
  });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

type Wait = { readonly state: string; readonly seconds: number };

/** Until the run is due, by the clock of the harness. */
async function waitOf(id: RunId): Promise<Wait> {
  const { rows } = await engine.database
    .ownerPool()
    .query<{ state: string; wake_at: Date }>("select state, wake_at from assent.runs where id = $1", [
      uuidOf(id),
    ]);
  const [row] = rows;
  if (row === undefined) throw new Error("the run is there");
  return {
    state: row.state,
    seconds: Math.max(0, Math.ceil((row.wake_at.getTime() - engine.clock.now().getTime()) / 1_000)),
  };
}

/** The engine's ports; what was counted so far is forgotten. */
function listening(): OrchestratorPorts {
  [cuts, listens] = [0, 0];
  return {
    ...engine.ports,
    log: (level, message, fields) => {
      if (message === LISTENED_TO) listens += 1;
      engine.ports.log(level, message, fields);
    },
  };
}

type CalledOff = {
  /** How long the run waited when it was called off, and when its worker's call had ended. */
  readonly waits: readonly Wait[];
  /** What of it stands when it has ended. */
  readonly left: readonly string[];
  readonly run: Run;
};

async function cancelOver(
  tool: string,
  ending: Ending,
  afterwards: (end: () => void) => Promise<void> | void = (end) => {
    end();
  },
): Promise<CalledOff> {
  const before = new Set(world.standing.keys());
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  Object.assign(second, { tool, ending, begin: begun.resolve, end: end.promise });
  const id = await engine.submit();
  const claim = await claimRun(engine.ports, 7, engine.tenant, id);
  if (claim === null) throw new Error("the run can be taken");
  const lost = new AbortController();
  const advanced = advanceRun(listening(), claim, lost.signal, never);
  await begun.promise;
  value(await engine.harness.cancelRun(engine.caller, id));
  const waits = [await waitOf(id)];
  lost.abort();
  await afterwards(end.resolve);
  await advanced;
  waits.push(await waitOf(id));
  const again = await claimRun(engine.ports, 8, engine.tenant, id);
  if (again === null) throw new Error("the run can be taken to be taken back");
  await advanceRun(engine.ports, again, never, never);
  const left = [...world.standing.keys()].filter((key) => !before.has(key));
  return { waits, left, run: await engine.run(id) };
}

const LEASE: Wait = { state: "queued", seconds: LEASE_SECONDS };
const AT_ONCE: Wait = { state: "queued", seconds: 0 };

test.each<[string, Ending, readonly Wait[]]>([
  ["slow", "answered", [LEASE, AT_ONCE]],
  ["slow", "refused", [LEASE, AT_ONCE]],
  ["slow", "unknown", [LEASE, LEASE]],
  ["look", "answered", [AT_ONCE, AT_ONCE]],
])(
  "called off over a call of `%s` that is %s: it waits for as long as that call may come after it",
  async (tool, ending, expected) => {
    const { waits, left, run } = await cancelOver(tool, ending);
    expect(waits).toEqual(expected);
    expect([run.status, run.rollback?.left]).toEqual(["cancelled", []]);
    // Its worker wrote nothing of the call: what was said of it when the run was called off stands.
    expect(
      run.steps.filter(({ name, compensates }) => name === tool && compensates === undefined),
    ).toMatchObject([{ state: tool === "slow" ? "in_doubt" : "failed", error: { code: "cancelled" } }]);
    expect(left).toEqual([]);
  },
);

test("a call that ends when it is cut off is listened to first: it may answer yet", async () => {
  const { waits, run } = await cancelOver("slow", "cut", async (end) => {
    await until("it is listened to, or cut off", () => listens + cuts > 0);
    end();
  });
  expect(waits).toEqual([LEASE, AT_ONCE]);
  expect([run.status, run.rollback?.left]).toEqual(["cancelled", []]);
});

test("and is cut off when it has not answered in time", async () => {
  const { waits } = await cancelOver("slow", "cut", async () => {
    await until("it is listened to", () => listens > 0);
    engine.clock.advance(CALLED_OFF_HEARD_SECONDS * 1_000);
  });
  expect(waits).toEqual([LEASE, { state: "queued", seconds: LEASE_SECONDS - CALLED_OFF_HEARD_SECONDS }]);
});

test("a call whose run another may have is cut off at once", async () => {
  const begun = Promise.withResolvers<void>();
  Object.assign(second, {
    tool: "slow",
    ending: "cut",
    begin: begun.resolve,
    end: Promise.withResolvers<void>().promise,
  });
  const id = await engine.submit();
  const claim = await claimRun(engine.ports, 7, engine.tenant, id);
  if (claim === null) throw new Error("the run can be taken");
  const lost = new AbortController();
  const advanced = advanceRun(listening(), claim, lost.signal, never);
  await begun.promise;
  lost.abort();
  await advanced;
  expect(listens).toBe(0);
  value(await engine.harness.cancelRun(engine.caller, id));
});
