// gates.json holds the numbers that gates decide by, and whoever decides reads them there: none of them stands a second
// time in what decides, and loosening one needs its owner's word.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AMPLIFICATION_MAX,
  HANDLES_MORE_MAX,
  RETRY_AFTER_SECONDS_MAX,
} from "../../packages/suite/src/objectives.ts";
import { LEAK_BYTES } from "@assent/suite";
import { afterAll, expect, test } from "vitest";
import { RATE_MAX } from "../../scripts/flake-rate.ts";
import { agreed, type Gate, gate, GATES_FILE, loosened, parseGates, readGates } from "../../scripts/gates.ts";
import { AIMS } from "../../scripts/judge-criteria.ts";
import { listFiles, read } from "./tree.ts";

const GATES = readGates();

test("each number is read by name, and by something that is no test of it", () => {
  const readers = listFiles("scripts/*.{ts,mjs}", "tests/nightly/*.ts", "*.config.{ts,mjs}")
    .filter((file) => file !== "scripts/gates.ts")
    .map(read);
  const workflows = listFiles(".github/workflows/*.yml").map(read).join("\n");
  expect(GATES.size).toBeGreaterThan(20);
  for (const [name] of GATES) {
    const [group = "", short = ""] = name.split(".");
    // What is generated for the suite is named by its short name in scripts/gen.ts.
    const isRead = readers.some(
      (text) => text.includes(`"${name}"`) || (group === "stress" && text.includes(`"${short}"`)),
    );
    // A workflow cannot read a file before it has begun: it says the number, and below that is held.
    const isSaid = WORKFLOW_LIMITS.some(([, , limit]) => limit === name);
    expect([name, isRead || isSaid]).toEqual([name, true]);
  }
  expect(workflows).toContain("timeout-minutes");
});

test("what decides has the numbers of the file", () => {
  expect([AMPLIFICATION_MAX, RETRY_AFTER_SECONDS_MAX, HANDLES_MORE_MAX, LEAK_BYTES]).toEqual(
    ["amplificationMax", "retryAfterSecondsMax", "handlesMoreMax", "leakBytesPerRun"].map((name) =>
      gate(`stress.${name}`),
    ),
  );
  expect(RATE_MAX).toBe(gate("flakes.rateMax"));
  expect(Object.keys(AIMS).map((name) => `performance.${name}`)).toEqual(
    [...GATES.keys()].filter((name) => name.startsWith("performance.")),
  );
  for (const [name, value] of Object.entries(AIMS)) expect(value).toBe(gate(`performance.${name}`));
});

/** Jobs of the workflows and what stops each. */
const WORKFLOW_LIMITS: readonly (readonly [workflow: string, job: string, limit: string])[] = [
  ["ci", "unit", "tiers.commitMinutesMax"],
  ["ci", "gate", "tiers.pullRequestMinutesMax"],
  ["ci", "security", "tiers.pullRequestMinutesMax"],
  ["nightly", "nightly", "tiers.nightMinutesMax"],
  ["nightly", "mutation", "tiers.nightMinutesMax"],
  ["nightly", "flakes", "tiers.nightMinutesMax"],
  ["nightly", "shuffled", "tiers.nightMinutesMax"],
  ["nightly", "performance", "tiers.nightMinutesMax"],
  ["release", "release", "tiers.drillMinutesMax"],
];

test("CI stops each job where the file says", () => {
  for (const [workflow, job, limit] of WORKFLOW_LIMITS) {
    const jobs = read(`.github/workflows/${workflow}.yml`).split(/^ {2}(?=\w+:$)/mu);
    const text = jobs.find((one) => one.startsWith(`${job}:`)) ?? "";
    expect([workflow, job, Number(/timeout-minutes: (\d+)/u.exec(text)?.[1])]).toEqual([
      workflow,
      job,
      gate(limit),
    ]);
  }
});

const entry = (value: number, more: Partial<Gate> = {}): Gate => ({
  value,
  unit: "s",
  bound: "most",
  owner: "tests",
  why: "because",
  ...more,
});
const file = (gates: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ owners: { tests: "who", safety: "who" }, gates });

test.each<[string, string]>([
  ["no JSON", "{"],
  ["no gates", '{"owners": {}}'],
  ["none at all", file({})],
  ["no object", file({ "a.b": 1 })],
  ["another name", file({ a: entry(1) })],
  ["a number as text", file({ "a.b": { ...entry(1), value: "1" } })],
  ["no number", file({ "a.b": { ...entry(1), value: undefined } })],
  ["zero", file({ "a.b": entry(0) })],
  ["no unit", file({ "a.b": entry(1, { unit: " " }) })],
  ["no reason", file({ "a.b": entry(1, { why: "" }) })],
  ["another bound", file({ "a.b": { ...entry(1), bound: "about" } })],
  ["nobody's", file({ "a.b": entry(1, { owner: "nobody" }) })],
  ["of every object", file({ "a.b": entry(1, { owner: "constructor" }) })],
  ["a misspelt member", file({ "a.b": { ...entry(1), vale: 1 } })],
])("a file with %s is refused", (_, text) => {
  expect(() => parseGates(text)).toThrow(/gates\.json: |JSON/u);
});

test("a gate that there is not is no number", () => {
  expect(() => gate("flakes.rateMaximum")).toThrow("there is no flakes.rateMaximum");
});

const gates = (of: Readonly<Record<string, Gate>>): ReturnType<typeof parseGates> => parseGates(file(of));

test.each<[string, Gate, Gate | null, boolean]>([
  ["a higher most", entry(1), entry(2), true],
  ["a lower most", entry(2), entry(1), false],
  ["a lower least", entry(2, { bound: "least" }), entry(1, { bound: "least" }), true],
  ["a higher least", entry(1, { bound: "least" }), entry(2, { bound: "least" }), false],
  ["another exactly", entry(2, { bound: "exactly" }), entry(1, { bound: "exactly" }), true],
  ["the same", entry(1), entry(1), false],
  ["another reason", entry(1), entry(1, { why: "else" }), false],
  ["another bound", entry(1), entry(1, { bound: "least" }), true],
  ["another unit", entry(1), entry(1, { unit: "ms" }), true],
  ["another owner", entry(1), entry(1, { owner: "safety" }), true],
  ["one that is gone", entry(1), null, true],
])("%s is looser: %#", (_, before, now, isLooser) => {
  const other = { "z.z": entry(1) };
  const found = loosened(
    gates({ ...other, "a.b": before }),
    gates({ ...other, ...(now === null ? {} : { "a.b": now }) }),
  );
  expect(found.map(({ name, owner }) => [name, owner])).toEqual(isLooser ? [["a.b", "tests"]] : []);
});

test("owners agree in lines of their own", () => {
  const messages = "One\n\nGates-Loosened-By: tests\n\nTwo: Gates-Loosened-By: safety\n";
  expect([...agreed(messages)]).toEqual(["tests"]);
});

const folder = mkdtempSync(join(tmpdir(), "gates-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("a commit that loosens is red until one says who agreed, and what others did since counts for nothing", () => {
  mkdirSync(join(folder, "scripts"));
  writeFileSync(join(folder, "scripts", "gates.ts"), read("scripts/gates.ts"));
  const git = (...args: readonly string[]): void => {
    const { status, stderr } = spawnSync(
      "git",
      ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.org", ...args],
      {
        encoding: "utf8",
        env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" },
      },
    );
    if (status !== 0) throw new Error(stderr);
  };
  const commit = (value: number, message: string): void => {
    writeFileSync(join(folder, GATES_FILE), file({ "a.b": entry(value) }));
    git("add", "-A");
    git("commit", "--allow-empty", "-m", message);
  };
  const since = (ref: string): readonly [number | null, string] => {
    const { status, stdout } = spawnSync(process.execPath, ["scripts/gates.ts", "--since", ref], {
      cwd: folder,
      encoding: "utf8",
    });
    return [status, stdout];
  };
  git("init", "-b", "main");
  commit(2, "begin");
  git("checkout", "-b", "work");
  commit(1, "tighten");
  expect(since("main")[0]).toBe(0);
  commit(3, "loosen");
  expect(since("main")).toEqual([1, expect.stringContaining("LOOSENED a.b: 2 became 3 (owner: tests;")]);
  // Tightened elsewhere meanwhile: this branch did not loosen that.
  git("checkout", "main");
  commit(1, "tighten here");
  git("checkout", "work");
  commit(2, "take it back");
  expect(since("main")[0]).toBe(0);
  commit(3, "loosen again\n\nGates-Loosened-By: safety");
  expect(since("main")[0]).toBe(1);
  commit(3, "with a word\n\nGates-Loosened-By: tests");
  expect(since("main")).toEqual([0, expect.stringContaining("agreed a.b")]);
  expect(since("no-such-commit")[0]).toBe(2);
});
