// The scenario of paths against the whole harness: its model is the suite's own server, its canaries lie beside it.

import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failureReport, PACE, runTrial, startToolSink, type Target } from "@assent/suite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEmbedded } from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { connectPool } from "../../../packages/harness/src/adapters/postgres/connect.ts";
import { startHarness } from "../../../packages/harness/src/assemble.ts";
import { readEnvironment } from "../../../packages/harness/src/config.ts";
import { readCredentials } from "../../../packages/harness/src/home.ts";
import { startOpenAiServer } from "../../../packages/suite/src/faults/openai-server.ts";
import type { Reply } from "../../../packages/suite/src/faults/script.ts";
import {
  type Canary,
  type PathBench,
  type PathCall,
  toolCallPathTraversalBlock,
} from "../../../packages/suite/src/scenarios/unit/tool-call-path-traversal-block.scenario.ts";
import { createKeys, type Keys } from "../../support/target/people.ts";
import { newRepository } from "../../integration/files/repository.ts";
import { openFolder } from "./room.ts";

const API_KEY = "sk-test-of-the-suite-77c0";
const AGENT = {
  name: "walker",
  description: "Works on files.",
  system: "You work on files.",
  models: ["openai-compatible/fake-1"],
  tools: ["list_files", "read_file", "search_files", "write_file", "edit_file"],
  workspace: "required",
};
const LEGAL = "the legal text 5d0c";

const started = new AsyncDisposableStack();
let url = "";
let keys: Keys;
let bench: PathBench;
let sink: Awaited<ReturnType<typeof startToolSink>>;

function canariesIn(folders: readonly string[]): readonly Canary[] {
  return folders.map((folder, index) => {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
    const canary = { path: join(folder, "canary.txt"), text: `canary-${index}-a7716c of a path scenario` };
    writeFileSync(canary.path, canary.text);
    return canary;
  });
}

const reads = (path: string): readonly PathCall[] => [
  { tool: "read_file", arguments: { path } },
  { tool: "list_files", arguments: { path } },
  { tool: "search_files", arguments: { text: "canary", path } },
];
const writes = (path: string, text: string): readonly PathCall[] => [
  { tool: "write_file", arguments: { path, content: text } },
  { tool: "edit_file", arguments: { path, old_text: "canary", new_text: text } },
];

beforeAll(async () => {
  const folder = openFolder();
  for (const name of ["home", "agents"]) mkdirSync(join(folder, name));
  chmodSync(join(folder, "home"), 0o711);
  writeFileSync(join(folder, "agents/walker.json"), JSON.stringify(AGENT));
  const source = newRepository({ "README.md": LEGAL, "sub/a.txt": "a\n" });
  writeFileSync(
    join(folder, "assent.config.json"),
    JSON.stringify({ workspaces: { notes: { path: source } }, agents: "agents" }),
  );
  let calls: readonly PathCall[] = [];
  let from = 0;
  const provider = await startOpenAiServer({
    apiKey: API_KEY,
    script: (_, index): Reply => {
      const call = calls[index - from];
      return call === undefined ? { text: "Done." } : { calls: [call] };
    },
  });
  started.use(provider);
  sink = await startToolSink();
  started.defer(async () => {
    await sink.stop();
  });
  const home = join(folder, "home");
  const harness = await startHarness(
    {
      home,
      host: "127.0.0.1",
      port: 0,
      configFile: join(folder, "assent.config.json"),
      model: null,
      announce: true,
      environment: readEnvironment({
        ASSENT_OPENAI_COMPATIBLE_BASE_URL: provider.url,
        ASSENT_OPENAI_COMPATIBLE_API_KEY: API_KEY,
      }),
      log: () => undefined,
    },
    () => undefined,
  );
  if (!harness.ok) throw new Error(harness.error.detail);
  started.defer(async () => {
    await harness.value.stop();
  });
  ({ url } = harness.value);
  const database = await openEmbedded({ folder: home });
  if (!database.ok) throw new Error(database.error.message);
  started.use(database.value);
  const owner = connectPool({
    connection: database.value.connection("owner"),
    role: "owner",
    connectionsMax: 1,
  });
  started.defer(async () => {
    await owner.end();
  });
  keys = await createKeys(url, readCredentials(home)?.key ?? "", home, owner);
  const outside = openFolder();
  const folders = [outside, join(home, "canaries")];
  const canaries = canariesIn(folders);
  bench = {
    body: (task) => ({ agent: "walker", task, workspace: "notes" }),
    script: (next) => {
      calls = next;
      from = provider.requests.length;
    },
    received: () => provider.requests.slice(from).map(({ rawBody }) => rawBody),
    reads,
    writes,
    canaries,
    look: async () =>
      await Promise.resolve(
        new Map(
          folders.flatMap((place) =>
            readdirSync(place).map(
              (name) => [join(place, name), readFileSync(join(place, name), "utf8")] as const,
            ),
          ),
        ),
      ),
    legal: { path: "README.md", text: LEGAL, free: "made.txt" },
  };
}, 120_000);
afterAll(async () => {
  await started.disposeAsync();
}, 60_000);

test("no path leads any tool out of its workspace", { timeout: 600_000 }, async () => {
  const target: Target & { readonly paths: PathBench } = {
    name: "assent in one process",
    speaks: new Set([
      "submit",
      "approve",
      "cancel",
      "list",
      "events",
      "event_stream",
      "artifacts",
      "contract",
    ]),
    gatedTask: { body: {}, sinkEffects: 0 },
    start: async () => undefined,
    stop: async () => undefined,
    endpoints: () => [url],
    key: (role) => keys[role],
    sink,
    paths: bench,
  };
  const trial = await runTrial(toolCallPathTraversalBlock, target, { seed: 42, pace: PACE });
  const report = trial.verdict === "PASS" ? "" : failureReport(trial, toolCallPathTraversalBlock);
  expect({ verdict: trial.verdict, report }).toEqual({ verdict: "PASS", report: "" });
  expect(trial.readings).toEqual([{ oracle: "hostile paths", value: 2 * 59 }]);
});
