import { expect, test } from "vitest";
import { readRun } from "./run-reading.ts";
import type { ProviderBoard } from "./provider-board.ts";
import { runTrial } from "./runner.ts";
import type { Scenario, ScenarioContext } from "./scenario.ts";
import { foreignTarget, type Target } from "./target.ts";

const KEY = "secret key of the requester";

const target: Target = foreignTarget({
  // Discard: nobody answers there.
  urls: ["http://127.0.0.1:9"],
  keys: { requester: KEY },
  runBody: {},
  without: [],
});

const scenario = (
  run: (context: ScenarioContext) => Promise<void>,
  change: Partial<Scenario> = {},
): Scenario => ({
  id: "test/scenario",
  title: "A scenario",
  tier: 0,
  phase: "unit",
  why: "why",
  remedy: "remedy",
  needs: ["submit"],
  invariants: [],
  seed: "none",
  timeLimitMs: 30_000,
  run,
  ...change,
});

test.each<[string, string, Scenario]>([
  ["PASS", "", scenario(async (trial) => await Promise.resolve(trial.check("it holds", true)))],
  ["FAIL", "it holds", scenario(async (trial) => await Promise.resolve(trial.check("it holds", false)))],
  ["INCONCLUSIVE", "nothing was checked", scenario(async () => await Promise.resolve())],
  [
    "INCONCLUSIVE",
    "it is so",
    scenario(async (trial) => await Promise.resolve(trial.precondition("it is so", false))),
  ],
  [
    "INCONCLUSIVE",
    "time limit",
    scenario(async () => await new Promise<void>(() => undefined), { timeLimitMs: 20 }),
  ],
  [
    "INCONCLUSIVE",
    "nothing was checked: a part",
    scenario(async (trial) => {
      trial.check("it holds", true);
      await trial.part("a part", ["submit"], async () => await Promise.resolve());
    }),
  ],
  [
    "FAIL",
    "the id of an approval is a number (3)",
    scenario(async (trial) => {
      const { id } = readRun({ id: "run_1", status: "queued", approvals: [{ id: 3 }] }) ?? {};
      await Promise.resolve(trial.check("it has an id", id !== undefined));
    }),
  ],
  [
    "FAIL",
    "what was caught",
    scenario(async (trial) => {
      try {
        trial.check("what was caught", false);
      } catch {
        await Promise.resolve();
      }
      trial.check("it holds", true);
    }),
  ],
  ["SKIP", "approve", scenario(async () => await Promise.resolve(), { needs: ["submit", "approve"] })],
  ["ERROR", "our own fault", scenario(async () => await Promise.reject(new Error("our own fault")))],
  ["FAIL", "no answer", scenario(async (trial) => void (await trial.client("requester").getRun("x")))],
])("%s: %s", async (verdict, reason, each) => {
  const ended = await runTrial(each, target, { seed: 1 });
  expect([ended.verdict, ended.reason]).toEqual([verdict, expect.stringContaining(reason)]);
});

test("what a target lacks is named with the part that needs it", async () => {
  const parts = scenario(async (trial) => {
    trial.check("it holds", true);
    await trial.part("over a restart", ["restart"], async () => {
      await Promise.resolve(trial.check("never asked", false));
    });
  });
  const ended = await runTrial(parts, target, { seed: 1 });
  expect(ended.verdict).toBe("PASS");
  expect(ended.parts).toEqual([
    { name: "over a restart", lacks: ["restart"] },
    // Nobody hears what this target tells of itself, and the report says so.
    { name: "what it tells of itself: spans, metrics, log", lacks: ["observation"] },
  ]);
});

test("no key gets into the evidence, in any form", async () => {
  const ended = await runTrial(
    scenario(async (trial) => {
      trial.read("a reading", {
        nested: [KEY, Buffer.from(KEY).toString("base64"), encodeURIComponent(KEY)],
      });
      await trial
        .client("requester")
        .getRun(KEY)
        .catch(() => undefined);
      trial.check("it does not hold", false, Buffer.from(KEY).toString("hex"));
    }),
    target,
    { seed: 1 },
  );
  const text = JSON.stringify(ended);
  expect(ended.exchanges).toHaveLength(1);
  for (const form of [
    KEY,
    encodeURIComponent(KEY),
    ...(["base64", "hex"] as const).map((as) => Buffer.from(KEY).toString(as)),
  ])
    expect(text).not.toContain(form.replace(/=+$/, ""));
});

test("the same seed and salt give the same names, in order", async () => {
  const names: string[] = [];
  const each = scenario(async (trial) => {
    names.push(trial.unique("a"), trial.unique("a"));
    await Promise.resolve(trial.check("it holds", true));
  });
  for (const seed of [1, 1, 2]) await runTrial(each, target, { seed, salt: "s" });
  expect(names[0]).toBe(names[2]);
  expect(names[1]).toBe(names[3]);
  expect(new Set(names).size).toBe(4);
});

test("no scenario rests on what another one had a model say", async () => {
  const answers = new Map<string, string>();
  const board = (model: string): ProviderBoard => ({
    model,
    requests: [],
    answerWith: (reply) => {
      const closed = Promise.resolve("finished" as const);
      const said = reply({ index: 0, path: "/", headers: {}, rawBody: "", body: null, closed });
      answers.set(model, JSON.stringify(said));
    },
  });
  const boards = [board("a/own"), board("b/substitute"), board("c/outage")] as const;
  const [own, substitute, outage] = boards;
  const body = (): Record<string, unknown> => ({});
  const withProvider: Target = {
    ...target,
    provider: {
      own,
      substitute,
      system: "",
      tools: [],
      body,
      thriftyBody: body,
      thrift: { inputTokensMax: 1, outputTokensMax: 1 },
      largeFile: "large",
      outage: {
        board: outage,
        body,
        failures: 1,
        openMs: 1,
        openMsMax: 1,
        baseMs: 1,
        pauseMsMax: 1,
        stepCallsMax: 1,
        concurrencyMax: 1,
        silenceMsMax: 1,
        outageMsMax: 1,
      },
    },
  };
  const one = scenario(async (trial) => {
    for (const each of boards) each.answerWith(() => ({ text: "Again.", calls: [] }));
    await Promise.resolve(trial.check("it holds", true));
  });
  expect((await runTrial(one, withProvider, { seed: 1, salt: "x" })).verdict).toBe("PASS");
  expect(new Set(answers.values())).toEqual(new Set([JSON.stringify({ text: "Again.", calls: [] })]));
  const other = scenario(async (trial) => {
    trial.check(
      "each says the same as at the first",
      [...answers.values()].every((said) => said === `{"text":"Done."}`),
    );
    await Promise.resolve();
  });
  expect((await runTrial(other, withProvider, { seed: 1, salt: "x" })).verdict).toBe("PASS");
  expect(answers.size).toBe(3);
});
