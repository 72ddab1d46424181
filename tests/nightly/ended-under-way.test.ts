// A server that is told to end (SIGTERM) in the middle of a request, or of a stream. Its client gets the right answer, or
// a broken connection and the right answer from whoever is asked again under the same key; nothing is lost, nothing
// happens twice, and the server ends in bounded time whatever its clients do (invariants 1 journal-first, 2 at-most-once,
// 6 one key, one run).

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { approvalSchema, runSchema, runSummarySchema } from "@assent/contract";
import { expect, test } from "vitest";
import { eventParser } from "../../packages/suite/src/event-stream.ts";
import type { EndPoint } from "../support/target/end-at.ts";
import { temporaryFolder } from "../integration/files/repository.ts";
import { ask, type Fleet } from "../support/target/fleet-client.ts";
import { readEvidence } from "../support/target/fleet-evidence.ts";
import { endMember, hasEnded, type Member } from "../support/target/fleet-member.ts";
import { openSmallFleet } from "../support/target/small-fleet.ts";
import { until } from "../support/until.ts";

const PRELOAD = fileURLToPath(new URL("../support/target/end-at.ts", import.meta.url));

/** What ends in bounded time has ended by then, on a slow machine too. */
const END_MS_MAX = 60_000;

type Asked = { readonly path: string; readonly key: string; readonly body: unknown };

/** As a client would see it; null for a connection that broke. */
async function askOf(member: Member, fleet: Fleet, { path, key, body }: Asked): Promise<Answered | null> {
  try {
    const response = await fetch(`${member.url}${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${fleet.key}`,
        "content-type": "application/json",
        "idempotency-key": key,
      },
      body: JSON.stringify(body),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

type Answered = { readonly status: number; readonly text: string };

const SUBMISSION = { path: "/api/harness/run", body: { agent: "notary", task: "Put it on record." } };

async function openApproval(fleet: Fleet, run: string): Promise<Asked> {
  const open = await until("somebody is asked", async () => {
    const read = runSchema.parse(await (await ask(fleet, `/api/harness/runs/${run}`)).json());
    return read.approvals.find(({ status }) => status === "open");
  });
  const body = { approval_id: open.id, decision: "approve", action_digest: open.action_digest };
  return { path: "/api/harness/approve", key: "decided", body };
}

async function untilEnded(fleet: Fleet, run: string): Promise<ReturnType<typeof runSchema.parse>> {
  return await until(`run ${run} ends`, async () => {
    const read = runSchema.parse(await (await ask(fleet, `/api/harness/runs/${run}`)).json());
    return read.status === "succeeded" || read.status === "failed" ? read : undefined;
  });
}

test.for(
  (["submitting", "submitted", "deciding", "decided"] as const).flatMap((at) =>
    [false, true].map((isHeld): [EndPoint, boolean] => [at, isHeld]),
  ),
)(
  "a server told to end while a request is %s, held beyond its patience (%s): the answer is right, or a repeat gets it",
  async ([at, isHeld]) => {
    await using stack = new AsyncDisposableStack();
    const goesOn = join(temporaryFolder(), "go-on");
    const held = isHeld ? { END_HELD_UNTIL: goesOn } : {};
    const attack = { END_AT: at, ...held, NODE_OPTIONS: `--import ${PRELOAD}` };
    const fleet = await openSmallFleet(stack, ["server", attack], ["server"], ["worker"]);
    const [doomed, other] = fleet.members;
    if (doomed === undefined || other === undefined) throw new Error("three were started");
    const isSubmission = at === "submitting" || at === "submitted";
    let submitted: string | null = null;
    let asked: Asked = { ...SUBMISSION, key: "submitted" };
    if (!isSubmission) {
      const first = await askOf(other, fleet, asked);
      submitted = runSummarySchema.parse(JSON.parse(first?.text ?? "")).id;
      // Whoever reads on asks any server, and the doomed one is there still.
      asked = await openApproval(fleet, submitted);
    }
    const answered = await askOf(doomed, fleet, asked);
    // What takes longer than a server waits is cut off, and nothing else is.
    expect(answered === null).toBe(isHeld);
    writeFileSync(goesOn, "");
    const began = performance.now();
    await until("it has ended", () => hasEnded(doomed), END_MS_MAX);
    expect([doomed.child.exitCode, performance.now() - began < END_MS_MAX]).toEqual([0, true]);
    const repeated = await askOf(other, fleet, asked);
    const status = isSubmission ? 202 : 200;
    expect(repeated?.status).toBe(status);
    if (answered !== null) expect(answered).toEqual(repeated);
    const schema = isSubmission ? runSummarySchema : approvalSchema;
    schema.parse(JSON.parse(repeated?.text ?? ""));
    const id = submitted ?? runSummarySchema.parse(JSON.parse(repeated?.text ?? "")).id;
    if (isSubmission) {
      const gate = await openApproval(fleet, id);
      expect((await askOf(other, fleet, gate))?.status).toBe(200);
    }
    const run = await untilEnded(fleet, id);
    expect([run.status, run.approvals.map(({ subject, status: state }) => `${subject} ${state}`)]).toEqual([
      "succeeded",
      ["action spent"],
    ]);
    await fleet.endAll();
    expect([...fleet.sink.effects().values()]).toEqual([1]);
    expect(await readEvidence(fleet.installation)).toMatchObject({
      stored: { succeeded: 1 },
      contradictions: [],
      auditFindings: [],
    });
  },
);

/** Follows one server's stream until it ends. @returns the numbers of the events, and whether the run is over */
async function follow(
  url: string,
  { key }: Fleet,
  run: string,
  after: number,
  saw: (version: number) => void,
): Promise<boolean> {
  const response = await fetch(`${url}/api/harness/runs/${run}/events`, {
    headers: {
      authorization: `Bearer ${key}`,
      accept: "text/event-stream",
      ...(after === 0 ? {} : { "last-event-id": String(after) }),
    },
  });
  if (response.status === 204) return true;
  if (response.status !== 200 || response.body === null) throw new Error(`answered ${response.status}`);
  const parse = eventParser();
  let isOver = false;
  try {
    for await (const text of response.body.pipeThrough(new TextDecoderStream()))
      for (const { id, event } of parse(text))
        if (event === "end") isOver = true;
        else saw(Number(id));
  } catch (error) {
    // Cut, not ended: what was complete has been seen.
    if (!(error instanceof TypeError)) throw error;
  }
  return isOver;
}

test("a stream that is followed over servers told to end one after the other has no hole and nothing twice", async () => {
  await using stack = new AsyncDisposableStack();
  const fleet = await openSmallFleet(stack, ["server"], ["worker"]);
  const submitted = await ask(fleet, SUBMISSION.path, {
    method: "POST",
    key: "followed",
    body: SUBMISSION.body,
  });
  const { id } = runSummarySchema.parse(await submitted.json());
  const seen: number[] = [];
  let streams = 0;
  const following = (async (): Promise<void> => {
    for (let isOver = false; !isOver;) {
      const server = fleet.members.findLast(({ role, isStopping }) => role === "server" && !isStopping);
      streams += 1;
      isOver = await follow(server?.url ?? "", fleet, id, seen.at(-1) ?? 0, (version) =>
        seen.push(version),
      ).catch(() => false);
    }
  })();
  const replace = async (): Promise<void> => {
    const old = fleet.members.find(({ role }) => role === "server");
    if (old === undefined) throw new Error("there is a server");
    await fleet.start("server");
    await fleet.end(old);
  };
  await replace();
  const gate = await openApproval(fleet, id);
  await replace();
  // The old one is told in the very moment in which the run goes on.
  const old = fleet.members.find(({ role }) => role === "server");
  await fleet.start("server");
  const decided = ask(fleet, gate.path, { method: "POST", key: gate.key, body: gate.body });
  if (old !== undefined) await fleet.end(old);
  expect((await decided).status).toBe(200);
  await replace();
  await following;
  expect(seen).toEqual(seen.map((_, at) => at + 1));
  const run = await untilEnded(fleet, id);
  expect([run.status, seen.length > 8, streams > 3]).toEqual(["succeeded", true, true]);
});

test("a server whose clients read nothing, send nothing more, or say nothing at all, ends when it is told to", async () => {
  await using stack = new AsyncDisposableStack();
  const fleet = await openSmallFleet(stack, ["server"], ["worker"]);
  const [server] = fleet.members;
  if (server === undefined) throw new Error("it was started");
  const submitted = await ask(fleet, SUBMISSION.path, { method: "POST", key: "slow", body: SUBMISSION.body });
  const { id } = runSummarySchema.parse(await submitted.json());
  await openApproval(fleet, id);
  const { hostname, port } = new URL(server.url);
  const head = `Host: ${hostname}\r\nAuthorization: Bearer ${fleet.key}\r\n`;
  const sockets: Socket[] = [];
  const open = async (text: string): Promise<void> => {
    const socket = connect({ host: hostname, port: Number(port) });
    // Cut in the end, which is what it is about.
    socket.on("error", () => undefined);
    socket.pause();
    sockets.push(socket);
    stack.defer(() => {
      socket.destroy();
    });
    await once(socket, "connect");
    if (text !== "") socket.write(text);
  };
  const stream = `GET /api/harness/runs/${id}/events HTTP/1.1\r\n${head}Accept: text/event-stream\r\n\r\n`;
  const listing = `GET /openapi.json HTTP/1.1\r\n${head}\r\n`;
  for (let each = 0; each < 4; each += 1) {
    await open(stream);
    // Far more than the kernel keeps for one who does not read.
    await open(listing.repeat(200));
    await open(
      `POST /api/harness/run HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: 90\r\n\r\n{`,
    );
    await open("GET /api/ha");
    await open("");
  }
  await until("it answers beside them", async () => (await fetch(`${server.url}/readyz`)).status === 200);
  const began = performance.now();
  await endMember(server, "SIGTERM");
  expect([server.child.exitCode, performance.now() - began < END_MS_MAX / 3]).toEqual([0, true]);
  expect(sockets).toHaveLength(20);
});
