// Processes whose slots are all held by one tenant's long runs begin another tenant's within a few seconds; and where a bound is
// configured no tenant goes past it, also when a worker is killed. Each call is made once all the same.

import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { runSchema, runSummarySchema } from "@assent/contract";
import { expect, test } from "vitest";
import { z } from "zod";
import { connectPool } from "../../packages/harness/src/adapters/postgres/connect.ts";
import { openEmbedded } from "../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { readEvidence } from "../support/target/fleet-evidence.ts";
import { endMember } from "../support/target/fleet-member.ts";
import type { Installation } from "../support/target/installation.ts";
import { createForeignKey } from "../support/target/people.ts";
import { openFleetWith, type SmallFleet } from "../support/target/small-fleet.ts";
import { until } from "../support/until.ts";
import { listening } from "../support/listening.ts";

const CALLS = 4;

type Watched = {
  readonly url: string;
  /** Calls of an agent's that wait for an answer. */
  waiting(agent: string): number;
  /** Of the crowd's, that waited at the same time. */
  most(): number;
  /** Answers all that wait. */
  letGo(): void;
  /** Keys of all calls, as often as each came. */
  keys(): readonly string[];
};

/** Holds each call until it is let go. */
async function startWatched(stack: AsyncDisposableStack): Promise<Watched> {
  const keys: string[] = [];
  let most = 0;
  let held: { readonly agent: string; readonly response: ServerResponse }[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const agent = (await text(request)).includes("by the crowd") ? "crowd" : "few";
      keys.push(String(request.headers["idempotency-key"]));
      const one = { agent, response };
      held.push(one);
      most = Math.max(most, held.filter((each) => each.agent === "crowd").length);
      response.once("close", () => (held = held.filter((each) => each !== one)));
    })();
  });
  const url = await listening(server, stack);
  return {
    url: `${url}/watch`,
    waiting: (agent) => held.filter((each) => each.agent === agent).length,
    most: () => most,
    letGo: () => {
      for (const { response } of held) response.end("{}");
    },
    keys: () => keys,
  };
}

function addWatchers({ folder, configFile }: Installation, url: string, limits: object): void {
  const put = (path: string, value: unknown): void => {
    writeFileSync(join(folder, path), JSON.stringify(value));
  };
  for (const [name, calls] of [
    ["crowd", CALLS],
    ["few", 1],
  ] as const) {
    put(`agents/${name}.json`, {
      name,
      description: "Watches.",
      system: "You watch.",
      models: [`scripted/${name}`],
      tools: ["watch"],
      workspace: "none",
    });
    const turns = Array.from({ length: calls }, (_, at) => ({
      text: "I watch.",
      tool_calls: [{ id: `call_${at}`, tool: "watch", arguments: { text: `${at} by the ${name}` } }],
    }));
    put(`transcripts/${name}.transcript.json`, {
      version: 1,
      description: "Watches, then says so.",
      turns: [...turns, { text: "Nothing happened." }],
    });
  }
  const config = z
    .looseObject({ tools: z.array(z.unknown()) })
    .parse(JSON.parse(readFileSync(configFile, "utf8")));
  const manifest = {
    name: "watch",
    version: "1",
    description: "Watches for a while.",
    input_schema: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
    effect: "none",
    harm: [],
    control_arguments: [],
  };
  put("assent.config.json", {
    ...config,
    limits: { tenant: "off", principal: "off", address: "off", ...limits },
    tools: [...config.tools, { kind: "http", url, manifest }],
  });
}

type Scene = { readonly fleet: SmallFleet; readonly watched: Watched; readonly foreign: string };

async function open(stack: AsyncDisposableStack, limits: object): Promise<Scene> {
  const watched = await startWatched(stack);
  const fleet = await openFleetWith(
    stack,
    async (sink) => await Promise.resolve({ url: sink.url, checkUrl: sink.url }),
    [],
  );
  addWatchers(fleet.installation, watched.url, limits);
  for (const role of ["server", "worker", "worker"] as const) await fleet.start(role);
  const { home } = fleet.installation;
  const opened = await openEmbedded({ folder: home });
  if (!opened.ok) throw new Error(opened.error.message);
  await using server = opened.value;
  const owner = connectPool({ connection: server.connection("owner"), role: "owner", connectionsMax: 1 });
  const foreign = await createForeignKey(home, owner);
  await owner.end();
  return { fleet, watched, foreign };
}

async function submit({ fleet }: Scene, key: string, agent: string, count: number): Promise<string[]> {
  const url = fleet.members[0]?.url ?? "";
  return await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const response = await fetch(`${url}/api/harness/run`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${key}`,
          "content-type": "application/json",
          "idempotency-key": `${agent}-${at}-${performance.now()}`,
        },
        body: JSON.stringify({ agent, task: "Watch." }),
      });
      return runSummarySchema.parse(await response.json()).id;
    }),
  );
}

async function statusesOf({ fleet }: Scene, key: string, ids: readonly string[]): Promise<readonly string[]> {
  const url = fleet.members[0]?.url ?? "";
  return await Promise.all(
    ids.map(async (id) => {
      const headers = { authorization: `Bearer ${key}` };
      return runSchema.parse(await (await fetch(`${url}/api/harness/runs/${id}`, { headers })).json()).status;
    }),
  );
}

const succeed = async (
  scene: Scene,
  key: string,
  ids: readonly string[],
  meanwhile: () => void,
): Promise<void> => {
  await until(
    "all have succeeded",
    async () => {
      meanwhile();
      return (await statusesOf(scene, key, ids)).every((status) => status === "succeeded");
    },
    120_000,
    100,
  );
};

test("32 slots that one tenant's runs hold: another's is begun within 10 s though no step ends, and more as steps end", async () => {
  await using stack = new AsyncDisposableStack();
  const scene = await open(stack, {});
  const { fleet, watched, foreign } = scene;
  const crowd = await submit(scene, fleet.key, "crowd", 40);
  await until("all slots are held", () => watched.waiting("crowd") === 32);
  const submittedAt = performance.now();
  const few = await submit(scene, foreign, "few", 12);
  await until("one of theirs is begun", () => watched.waiting("few") > 0);
  expect(performance.now() - submittedAt).toBeLessThan(10_000);
  // A quarter more than the slots of each worker, and no more than that.
  await until("as many as can be lent are lent", () => watched.waiting("few") === 8);
  expect(watched.waiting("crowd")).toBe(32);
  await succeed(scene, foreign, few, () => watched.letGo());
  await succeed(scene, fleet.key, crowd, () => watched.letGo());
  expect(watched.keys()).toHaveLength(40 * CALLS + 12);
  expect(new Set(watched.keys()).size).toBe(40 * CALLS + 12);
  await fleet.endAll();
  expect(await readEvidence(fleet.installation)).toMatchObject({ contradictions: [], auditFindings: [] });
});

test("of a tenant no more than 5 runs are held by two workers together, when one is killed and another comes as well", async () => {
  await using stack = new AsyncDisposableStack();
  const scene = await open(stack, { tenant_slots: 5 });
  const { fleet, watched, foreign } = scene;
  const crowd = await submit(scene, fleet.key, "crowd", 12);
  await until("five are under way", () => watched.waiting("crowd") === 5);
  await submit(scene, foreign, "few", 3);
  await until("the others' are begun", () => watched.waiting("few") === 3);
  const victim = fleet.members[2] ?? expect.unreachable();
  fleet.members.splice(2, 1);
  await endMember(victim, "SIGKILL");
  await fleet.start("worker");
  await succeed(scene, fleet.key, crowd, () => watched.letGo());
  expect(watched.most()).toBe(5);
  await fleet.endAll();
  expect(await readEvidence(fleet.installation)).toMatchObject({
    stored: { succeeded: 15 },
    contradictions: [],
    auditFindings: [],
  });
});
