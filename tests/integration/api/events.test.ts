import { connect } from "node:net";
import { auditEventSchema, eventPageSchema } from "@assent/contract";
import { describe, expect, test } from "vitest";
import type { Caller } from "../../../packages/harness/src/ports.ts";
import type { TestHarness } from "./memory-harness.ts";
import { ENDED_RUN, FOREIGN_RUN, KEYS, RUN, callerWith, eventOf } from "./samples.ts";
import { type Fixture, bearer, expectProblem, startApi } from "./support.ts";
import { until } from "../../support/until.ts";

const path = (run: string, query = ""): string => `/api/harness/runs/${run}/events${query}`;

type Frame = {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
  readonly comment?: string;
};

class EventReader {
  readonly answer: Response;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #abort: AbortController;
  #text = "";

  constructor(answer: Response, abort: AbortController) {
    if (answer.body === null) throw new Error("an event stream has a body");
    this.answer = answer;
    this.#reader = answer.body.getReader();
    this.#abort = abort;
  }

  /** The next frame; null when the stream has ended. */
  async next(): Promise<Frame | null> {
    while (!this.#text.includes("\n\n")) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#text += Buffer.from(value).toString("utf8");
    }
    const end = this.#text.indexOf("\n\n");
    const lines = this.#text.slice(0, end).split("\n");
    this.#text = this.#text.slice(end + 2);
    return Object.fromEntries(
      lines.map((line) => {
        const [, name = "", value = ""] = /^([a-z]*): ?(.*)$/s.exec(line) ?? ["", "", ""];
        return name === "" ? ["comment", line] : [name, value];
      }),
    );
  }

  /** The next frame that is an event. */
  async event(): Promise<Frame | null> {
    const frame = await this.next();
    return frame === null || frame.event !== undefined ? frame : await this.event();
  }

  abort(): void {
    this.#abort.abort();
  }
}

async function open(
  api: Fixture,
  target: string,
  headers: Record<string, string> = {},
): Promise<EventReader> {
  const abort = new AbortController();
  const answer = await fetch(`${api.url}${target}`, {
    headers: { ...bearer(KEYS.all), accept: "text/event-stream", ...headers },
    signal: abort.signal,
  });
  expect(answer.status).toBe(200);
  return new EventReader(answer, abort);
}

const ask = async (api: Fixture, target: string, headers: Record<string, string> = {}): Promise<Response> =>
  await fetch(`${api.url}${target}`, { headers: { ...bearer(KEYS.all), ...headers } });

test("a page of events is JSON, unless a stream is wanted more", async () => {
  await using api = await startApi();
  for (const accept of [
    "application/json",
    "*/*",
    "application/json, text/event-stream",
    "application/*;q=0.1",
  ]) {
    const answer = await ask(api, path(RUN), { accept });
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
    const page = eventPageSchema.parse(await answer.json());
    expect(page.data.map(({ version }) => version)).toEqual([1, 2]);
    expect(page.ended).toBe(false);
  }
  const rest = await ask(api, path(RUN, "?after=1"));
  expect(eventPageSchema.parse(await rest.json()).data.map(({ version }) => version)).toEqual([2]);
});

test("a stream tells what was, then what comes, then that it is over, and is over", async () => {
  await using api = await startApi();
  const stream = await open(api, path(RUN));
  expect(Object.fromEntries(stream.answer.headers)).toMatchObject({
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
    "x-request-id": expect.stringMatching(/^req_/),
  });
  expect(await stream.next()).toEqual({ retry: "2000" });
  const first = await stream.event();
  expect(first).toMatchObject({ id: "1", event: "run_queued" });
  expect(auditEventSchema.parse(JSON.parse(first?.data ?? ""))).toEqual(eventOf(RUN, 1));
  expect(await stream.event()).toMatchObject({ id: "2" });
  await until("the stream waits", () => api.harness.waiting() === 1);
  // A line break in the data would end the field.
  api.harness.push(RUN, eventOf(RUN, 3, { text: "a\n\nevent: end\r\u2028" }));
  const third = await stream.event();
  expect(third).toMatchObject({ id: "3", event: "step_intended" });
  expect(JSON.parse(third?.data ?? "")).toMatchObject({ data: { text: "a\n\nevent: end\r\u2028" } });
  api.harness.push(RUN, eventOf(RUN, 4));
  api.harness.end(RUN);
  expect(await stream.event()).toMatchObject({ id: "4" });
  expect(await stream.event()).toEqual({ event: "end", data: '{"version":4}' });
  expect(await stream.next()).toBeNull();
  expect(api.harness.waiting()).toBe(0);
});

describe("a stream is taken up again", () => {
  test.each([
    ["after the last id", "", { "last-event-id": "2" }, ["3"]],
    ["after a version", "?after=1", {}, ["2", "3"]],
    ["after the last id rather than the version", "?after=0", { "last-event-id": "2" }, ["3"]],
    ["from the start", "", {}, ["1", "2", "3"]],
    ["from the start, with an empty id", "", { "last-event-id": "" }, ["1", "2", "3"]],
  ] as const)("%s", async (_, query, headers, ids) => {
    await using api = await startApi();
    const stream = await open(api, path(ENDED_RUN, query), headers);
    for (const id of ids) expect(await stream.event()).toMatchObject({ id });
    expect(await stream.event()).toMatchObject({ event: "end" });
    expect(await stream.next()).toBeNull();
  });

  test("in pieces without a gap or a repeat, wherever it was cut", async () => {
    await using api = await startApi();
    const versions = Array.from({ length: 20 }, (_, n) => n + 1);
    api.harness.events.set(
      ENDED_RUN,
      versions.map((version) => eventOf(ENDED_RUN, version)),
    );
    const seen: number[] = [];
    for (let piece = 0; seen.length < versions.length; piece += 1) {
      const stream = await open(api, path(ENDED_RUN), { "last-event-id": String(seen.at(-1) ?? 0) });
      for (let taken = 0; taken <= piece && seen.length < versions.length; taken += 1)
        seen.push(Number((await stream.event())?.id));
      stream.abort();
    }
    expect(seen).toEqual(versions);
  });

  test("but not when all was told: 204 ends an EventSource", async () => {
    await using api = await startApi();
    const answer = await ask(api, path(ENDED_RUN), { accept: "text/event-stream", "last-event-id": "3" });
    expect(answer.status).toBe(204);
    expect(await answer.text()).toBe("");
    const page = await ask(api, path(ENDED_RUN, "?after=3"));
    expect(await page.json()).toEqual({ data: [], ended: true });
  });
});

test("another tenant's run is no more streamed than an unknown one", async () => {
  await using api = await startApi();
  for (const run of [FOREIGN_RUN, `run_${"0".repeat(32)}`, "x"]) {
    const answer = await ask(api, path(run), { accept: "text/event-stream" });
    expect(expectProblem(answer, await answer.text()).code).toBe("run_not_found");
  }
});

test("HEAD does not open a stream", async () => {
  await using api = await startApi({}, { eventStreamsMax: 0 });
  const answer = await fetch(`${api.url}${path(RUN)}`, {
    method: "HEAD",
    headers: { ...bearer(KEYS.all), accept: "text/event-stream" },
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toContain("text/event-stream");
  expect(api.harness.waiting()).toBe(0);
});

test("an idle stream says now and then that it is there", async () => {
  await using api = await startApi({}, { heartbeatMs: 5 });
  const stream = await open(api, path(RUN, "?after=2"));
  expect(await stream.next()).toEqual({ retry: "2000" });
  expect(await stream.next()).toEqual({ comment: ":" });
  expect(await stream.next()).toEqual({ comment: ":" });
});

test("a client that leaves frees its place and its wait", async () => {
  await using api = await startApi({}, { eventStreamsMax: 1 });
  const stream = await open(api, path(RUN));
  await until("the stream waits", () => api.harness.waiting() === 1);
  stream.abort();
  await until("nobody waits", () => api.harness.waiting() === 0);
  expect((await open(api, path(RUN))).answer.status).toBe(200);
});

test("past the limit a stream is refused, while pages and other requests are served", async () => {
  await using api = await startApi({}, { eventStreamsMax: 2 });
  const streams = [await open(api, path(RUN)), await open(api, path(RUN))];
  const refused = await ask(api, path(RUN), { accept: "text/event-stream" });
  expect(expectProblem(refused, await refused.text())).toMatchObject({
    code: "event_streams_exhausted",
    status: 503,
  });
  expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
  expect((await ask(api, path(RUN))).status).toBe(200);
  for (const stream of streams) expect(await stream.event()).toMatchObject({ id: "1" });
});

test("a tenant that has taken all streams gives some up to another, and gets none of that one's share", async () => {
  const tenantOf = (key: string): Caller => ({
    ...callerWith(["runs:read"]),
    tenant: `ten_${(key === "assent_many" ? "1" : "2").repeat(32)}`,
  });
  await using api = await startApi(
    {
      admit: async ({ credential }) =>
        await Promise.resolve({
          caller: tenantOf(credential),
          signingKey: null,
          quotas: [],
          exceeded: null,
        }),
      authenticate: async (key) => await Promise.resolve(tenantOf(key)),
    },
    { eventStreamsMax: 4 },
  );
  const many = { ...bearer("assent_many"), accept: "text/event-stream" };
  const held = [];
  for (let opened = 0; opened < 4; opened += 1) held.push(await open(api, path(RUN, "?after=2"), many));
  for (const oldest of held.splice(0, 2)) {
    const few = await open(api, path(RUN, "?after=2"), bearer("assent_few"));
    expect(await oldest.event()).toBeNull();
    held.push(few);
  }
  for (const key of ["assent_many", "assent_few"]) {
    const refused = await ask(api, path(RUN), { ...bearer(key), accept: "text/event-stream" });
    expect(expectProblem(refused, await refused.text()).code).toBe("event_streams_exhausted");
  }
  api.harness.push(RUN, eventOf(RUN, 3));
  for (const stream of held) expect(await stream.event()).toMatchObject({ id: "3" });
});

test("a reader that does not read is dropped, and costs no more memory than its buffer", async () => {
  const filler = "x".repeat(64 * 1024);
  let told = 0;
  await using api = await startApi(
    {
      // There is always another event: only the reader's slowness can stop the flow.
      listEvents: async (_caller, id, after) => {
        if (id === RUN) told = after;
        return await Promise.resolve({
          ok: true,
          value: { events: [eventOf(id, after + 1, { filler })], ended: false },
        });
      },
    },
    { heartbeatMs: 20, eventStreamsMax: 1 },
  );
  const socket = connect(api.port, "127.0.0.1");
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  socket.on("error", () => undefined);
  socket.pause();
  socket.write(
    `GET ${path(RUN)} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${KEYS.all}\r\nAccept: text/event-stream\r\n\r\n`,
  );
  const isFree = async (): Promise<boolean> => {
    const answer = await ask(api, path(ENDED_RUN), { accept: "text/event-stream" });
    await answer.body?.cancel();
    return answer.status === 200;
  };
  await until("something is told", () => told > 0);
  const stuckAt = await until("the place is free", async () => ((await isFree()) ? told : false));
  // The kernel holds some MB for the two sides of a loopback connection; we hold next to nothing.
  expect(stuckAt).toBeLessThan(1_000);
  socket.destroy();
  await closed;
});

test("a revoked key's stream is ended", async () => {
  await using api = await startApi({}, { heartbeatMs: 5 });
  api.harness.keys.set("assent_short", ["runs:read"]);
  const stream = await open(api, path(RUN, "?after=2"), bearer("assent_short"));
  await until("the stream waits", () => api.harness.waiting() === 1);
  api.harness.keys.delete("assent_short");
  expect(await stream.event()).toBeNull();
});

test.each<[string, (harness: TestHarness) => void]>([
  ["revoked", ({ keys }) => void keys.delete("assent_short")],
  ["narrowed", ({ keys }) => void keys.set("assent_short", ["documents:read"])],
])("what happens once a key was %s is told no stream of it, however long its beat is", async (_, end) => {
  await using api = await startApi();
  api.harness.keys.set("assent_short", ["runs:read"]);
  const stream = await open(api, path(RUN, "?after=2"), bearer("assent_short"));
  await until("the stream waits", () => api.harness.waiting() === 1);
  end(api.harness);
  api.harness.push(RUN, eventOf(RUN, 3));
  expect(await stream.event()).toBeNull();
});

test("a stream that fails inside ends without a word, and is logged once", async () => {
  let asked = 0;
  await using api = await startApi({
    listEvents: async (_caller, id) => {
      asked += 1;
      if (asked > 1) throw new Error("connection to 10.0.0.7 lost");
      return await Promise.resolve({ ok: true, value: { events: [eventOf(id, 1)], ended: false } });
    },
  });
  const stream = await open(api, path(RUN));
  expect(await stream.event()).toMatchObject({ id: "1" });
  expect(await stream.next()).toBeNull();
  expect(api.logs).toHaveLength(1);
  expect(api.logs[0]).toMatchObject({
    level: "error",
    fields: { request_id: stream.answer.headers.get("x-request-id") },
  });
});

test("closing the server ends streams at once, finishes what is under way and takes nothing new", async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  let entered = false;
  const api = await startApi({
    listKeys: async () => {
      entered = true;
      await held;
      return { ok: true, value: [] };
    },
  });
  const stream = await open(api, path(RUN, "?after=2"));
  expect(await stream.next()).toEqual({ retry: "2000" });
  const underWay = ask(api, "/api/harness/keys");
  await until("the request is under way", () => entered);
  const closed = api.server.close();
  expect(await stream.next()).toBeNull();
  release();
  const answer = await underWay;
  expect(answer.status).toBe(200);
  expect(answer.headers.get("connection")).toBe("close");
  await closed;
  await api.server.close();
  await expect(ask(api, "/healthz")).rejects.toThrow("fetch failed");
  expect(api.harness.waiting()).toBe(0);
});
