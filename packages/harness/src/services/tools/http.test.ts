// Invariant 2, at-most-once: what is surely undone and what may be done are told apart, against a server that breaks
// the wire at every point.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from "node:net";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import type { Sha256 } from "../../base/digest.ts";
import { TOOL_OUTPUT_CHARS_MAX } from "../../base/limits.ts";
import type { Manifest } from "../../core/tool.ts";
import type { Tool, ToolContext } from "../../ports.ts";
import { createHttpTool, type HttpToolOptions } from "./http.ts";

const manifest: Manifest = {
  name: "pay_invoice",
  version: "1",
  description: "Pays.",
  inputSchema: {
    type: "object",
    properties: { invoice: { type: "string" }, cents: { type: "integer", minimum: 1 } },
    required: ["invoice", "cents"],
  },
  effect: "once",
  harm: ["money"],
  controlArguments: ["invoice", "cents"],
  returns: "untrusted",
};
const effectId: Sha256 = `sha256:${"ab".repeat(32)}`;
const args = { invoice: "i-1", cents: 100 };
const context = (signal = new AbortController().signal): ToolContext => ({
  workspace: null,
  effectId,
  signal,
});

const servers: (Server | TcpServer)[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
  sockets.clear();
});

async function listen(server: Server | TcpServer): Promise<string> {
  servers.push(server);
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/pay`;
}

type Seen = { method: string | undefined; headers: IncomingMessage["headers"]; body: string };

async function serve(
  answer: (response: ServerResponse, seen: Seen) => void,
): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const url = await listen(
    createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8");
      request.on("data", (chunk: string) => {
        body += chunk;
      });
      request.on("end", () => {
        const one = { method: request.method, headers: request.headers, body };
        seen.push(one);
        answer(response, one);
      });
    }),
  );
  return { url, seen };
}

const toolAt = (url: string, more: Partial<HttpToolOptions> = {}): Tool =>
  createHttpTool({ manifest, url, timeoutMs: 10_000, fetch, ...more });
const codeOf = async (tool: Tool, signal?: AbortSignal): Promise<string> => {
  const done = await tool.execute(args, null, context(signal));
  return done.ok ? `ok: ${done.value.output}` : done.error.code;
};

test("posts tool and arguments with the effect's id as idempotency key", async () => {
  const { url, seen } = await serve((response) => response.end('{"paid":true}'));
  const tool = toolAt(url, { headers: { authorization: "Bearer x", "Idempotency-Key": "forged" } });
  expect(await tool.execute(args, null, context())).toEqual({
    ok: true,
    value: { output: '{"paid":true}', label: "untrusted" },
  });
  expect(seen).toHaveLength(1);
  expect(seen[0]?.method).toBe("POST");
  expect(JSON.parse(seen[0]?.body ?? "")).toEqual({ tool: "pay_invoice", arguments: args });
  expect(seen[0]?.headers).toMatchObject({
    "idempotency-key": effectId,
    "content-type": "application/json",
    authorization: "Bearer x",
  });
});

test("the lease is proven when the connection is there, before a byte is sent; refused, nothing is", async () => {
  const { url, seen } = await serve((response) => response.end("{}"));
  const atProof: number[] = [];
  let isOurs = true;
  const connected = servers.map(async (server) => await once(server, "connection"));
  const prove = async (): Promise<void> => {
    // Else this is waited for in vain.
    await Promise.all(connected);
    atProof.push(seen.length);
    if (!isOurs) throw new Error("it is another's");
  };
  expect(await toolAt(url).execute(args, null, { ...context(), prove })).toMatchObject({ ok: true });
  expect(atProof).toEqual([0]);
  expect(seen[0]?.headers).toMatchObject({ "content-length": String(seen[0]?.body.length) });
  isOurs = false;
  const refused = await toolAt(url).execute(args, null, { ...context(), prove });
  expect(refused).toMatchObject({ ok: false, error: { code: "not_sent" } });
  expect([atProof.length, seen.length]).toEqual([2, 1]);
  const harmless: Manifest = { ...manifest, effect: "none", harm: [] };
  await toolAt(url, { manifest: harmless }).execute(args, null, { ...context(), prove });
  expect([atProof.length, seen.length]).toEqual([2, 2]);
});

test("calls and looks say under which lease they are made, and nothing where there is none", async () => {
  const { url, seen } = await serve((response) => response.end("{}"));
  const tool = toolAt(url, { checkUrl: url, headers: { "Assent-Fencing-Token": "forged" } });
  await tool.execute(args, null, { ...context(), fencingToken: 7 });
  await tool.check?.(effectId, { ...context(), fencingToken: 8 });
  await toolAt(url).execute(args, null, context());
  expect(seen.map(({ method, headers }) => [method, headers["assent-fencing-token"]])).toEqual([
    ["POST", "7"],
    ["GET", "8"],
    ["POST", undefined],
  ]);
});

test.each([
  [400, "http_refused"],
  [401, "http_refused"],
  [404, "http_refused"],
  [409, "http_refused"],
  [422, "http_refused"],
  [429, "http_refused"],
  [307, "redirect_refused"],
  [308, "redirect_refused"],
  [301, "outcome_unknown"],
  [302, "outcome_unknown"],
  [303, "outcome_unknown"],
  [408, "outcome_unknown"],
  [500, "outcome_unknown"],
  [502, "outcome_unknown"],
  [503, "outcome_unknown"],
  [504, "outcome_unknown"],
])("status %i is %s, and a redirect is never followed", async (status, code) => {
  const elsewhere = await serve((response) => response.end("followed"));
  const { url } = await serve((response) =>
    response.writeHead(status, { location: elsewhere.url }).end("secret"),
  );
  expect(await codeOf(toolAt(url))).toBe(code);
  expect(elsewhere.seen).toEqual([]);
});

test("a connection that was refused sent nothing", async () => {
  const server = createTcpServer();
  const url = await listen(server);
  server.close();
  await once(server, "close");
  expect(await codeOf(toolAt(url))).toBe("not_sent");
});

// Of several addresses that are tried nobody says which was given what.
const failingWith =
  (cause: Error): typeof fetch =>
  async (_, init) => {
    await new Response(init?.body ?? null).text();
    throw new TypeError("fetch failed", { cause });
  };
const codeAfter = async (cause: Error): Promise<string> =>
  await codeOf(toolAt("http://x.invalid/", { fetch: failingWith(cause) }));

test("a host that does not exist was sent nothing", async () => {
  const cause = Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND", syscall: "getaddrinfo" });
  expect(await codeAfter(cause)).toBe("not_sent");
});

test("of several addresses one that may have been reached is enough for doubt", async () => {
  const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED", syscall: "connect" });
  const reset = Object.assign(new Error("reset"), { code: "ECONNRESET", syscall: "read" });
  expect(await codeAfter(new AggregateError([refused, refused]))).toBe("not_sent");
  expect(await codeAfter(new AggregateError([refused, reset]))).toBe("outcome_unknown");
  expect(await codeAfter(new AggregateError([]))).toBe("outcome_unknown");
});

test.each<[string, (socket: Socket) => void]>([
  ["a reset after the request", (socket) => socket.resetAndDestroy()],
  ["a silent close", (socket) => socket.end()],
  ["half of a status line", (socket) => socket.end("HTTP/1.1 2")],
  ["another protocol", (socket) => socket.end("SSH-2.0-x\r\n\r\n")],
])("%s leaves the outcome unknown, and nothing is sent again", async (_, breakWire) => {
  let requests = 0;
  const url = await listen(
    createTcpServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.once("data", () => {
        requests += 1;
        breakWire(socket);
      });
    }),
  );
  expect(await codeOf(toolAt(url))).toBe("outcome_unknown");
  expect(requests).toBe(1);
});

test.each<[string, (socket: Socket, giveUp: () => void) => void]>([
  ["that speaks no TLS", (socket) => socket.end("SSH-2.0-x\r\n\r\n")],
  ["that resets it", (socket) => socket.resetAndDestroy()],
  ["that ends it", (socket) => socket.end()],
  ["that says nothing until it is given up", (_, giveUp) => giveUp()],
])("a handshake with a server %s has sent nothing of the call", async (_, breakWire) => {
  const got: Buffer[] = [];
  const late = new AbortController();
  const url = await listen(
    createTcpServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.on("data", (bytes) => got.push(bytes));
      socket.once("data", () => {
        breakWire(socket, () => late.abort());
      });
    }),
  );
  const tool = toolAt(url.replace("http:", "https:"));
  let proofs = 0;
  const prove = async (): Promise<void> => {
    proofs += 1;
    await Promise.resolve();
  };
  const done = await tool.execute(args, null, { ...context(late.signal), prove });
  expect(done).toMatchObject({ ok: false, error: { code: "not_sent" } });
  // There was no connection to prove anything for: a proof before that would be old when there is one.
  expect(proofs).toBe(0);
  const wire = Buffer.concat(got);
  // A handshake, of one version of HTTP alone: of another (h2) the head would go out before the body is asked for. Looked for
  // as the whole extension (RFC 7301), since any two letters stand among a handshake's random bytes now and then.
  const onlyOne = Buffer.from("\0\x10\0\x0b\0\x09\x08http/1.1", "latin1");
  expect([wire[0], wire.includes(onlyOne)]).toEqual([0x16, true]);
  expect(wire.includes("POST")).toBe(false);
});

test("a time-out leaves the outcome unknown", async () => {
  const { url, seen } = await serve(() => undefined);
  expect(await codeOf(toolAt(url, { timeoutMs: 200 }))).toBe("outcome_unknown");
  expect(seen).toHaveLength(1);
});

test("called off before it is sent is not_sent, after it unknown", async () => {
  const controller = new AbortController();
  const { url, seen } = await serve(() => controller.abort());
  expect(await codeOf(toolAt(url), controller.signal)).toBe("outcome_unknown");
  expect(await codeOf(toolAt(url), controller.signal)).toBe("not_sent");
  expect(seen).toHaveLength(1);
});

test("a success whose answer is lost on the way is still a success", async () => {
  const { url } = await serve((response) => {
    response.writeHead(200, { "content-length": "1000" });
    response.write("half", () => response.destroy());
  });
  expect(await codeOf(toolAt(url))).toBe(
    "ok: half\n[The call succeeded, but the rest of its answer was lost.]",
  );
});

test("an endless answer is cut", async () => {
  const { url } = await serve((response) => {
    const chunk = "é".repeat(10_000);
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on("drain", more).on("error", () => response.destroy());
    more();
  });
  const output = await codeOf(toolAt(url));
  expect(output.length).toBeLessThanOrEqual(TOOL_OUTPUT_CHARS_MAX + 4);
  expect(output).toMatch(/\[The answer is cut at \d+ characters\.\]$/u);
});

test.each<[number, unknown]>([
  [200, { ok: true, value: { output: "paid", label: "untrusted" } }],
  [404, { ok: false, error: { code: "did_not_happen", detail: "pay_invoice did nothing under this key." } }],
  [204, null],
  [302, null],
  [401, null],
  [410, null],
  [500, null],
])("check: status %i", async (status, expected) => {
  const { url, seen } = await serve((response) =>
    response.writeHead(status, { location: "http://x.invalid/" }).end(status === 204 ? undefined : "paid"),
  );
  const tool = toolAt("http://never.invalid/", { checkUrl: url });
  expect(await tool.check?.(effectId, { ...context(), effectId: `sha256:${"0".repeat(64)}` })).toEqual(
    expected,
  );
  expect(seen[0]).toMatchObject({ method: "GET", body: "", headers: { "idempotency-key": effectId } });
});

test("check cannot tell when nobody answers, and is not there without a URL", async () => {
  const server = createTcpServer();
  const url = await listen(server);
  server.close();
  await once(server, "close");
  expect(await toolAt(url, { checkUrl: url }).check?.(effectId, context())).toBeNull();
  expect("check" in toolAt(url)).toBe(false);
});

test.each([
  [{}],
  [{ invoice: "x" }],
  [{ ...args, cents: 0 }],
  [{ ...args, cents: "1" }],
  [{ ...args, url: "http://evil.invalid/" }],
])("arguments %j are refused before anything is sent", async (wrong) => {
  const { url, seen } = await serve((response) => response.end());
  for (const done of [
    await toolAt(url).plan(wrong, context()),
    await toolAt(url).execute(wrong, null, context()),
  ])
    expect(done).toMatchObject({ ok: false, error: { code: "arguments_invalid" } });
  expect(seen).toEqual([]);
});

test("an approver sees every argument, also what hides", async () => {
  const tool = toolAt("https://pay.example/x?key=secret");
  const plan = await tool.plan({ invoice: "a\u202eb", cents: 1 }, context());
  expect(plan).toEqual({
    ok: true,
    value: {
      summary: "Call pay_invoice at pay.example",
      preview: '{\n  "invoice": "a\\u202eb",\n  "cents": 1\n}',
      precondition: tool.destination,
    },
  });
  // The address may hold what is nobody's to read.
  expect(tool.destination).toMatch(/^destination:sha256:[0-9a-f]{64}$/u);
});

test.each([
  ["file:///etc/passwd", manifest],
  ["not a url", manifest],
  ["http://user:pass@x.example/", manifest],
  ["http://x.example/", { ...manifest, inputSchema: {} }],
  [
    "http://x.example/",
    { ...manifest, inputSchema: { type: "object", properties: { a: { $ref: "http://y/z" } } } },
  ],
])("a configuration with %s is refused at start", (url, wrong) => {
  expect(() => toolAt(url, { manifest: wrong })).toThrow(/./u);
});

test("a compensation is told which call it takes back, under a key of its own; an unsure answer stays unsure", async () => {
  const answers = [200, 409, 500];
  const { url, seen } = await serve((response) => response.writeHead(answers.shift() ?? 200).end("undone"));
  const tool = createHttpTool({
    manifest: { ...manifest, compensation: { effect: "once", description: "Paid back." } },
    url,
    compensationUrl: url.replace("/pay", "/refund"),
    timeoutMs: 5_000,
    fetch,
  });
  const done = { arguments: args, effectId: `sha256:${"cd".repeat(32)}`, output: "paid" } as const;
  const first = await tool.compensate?.(done, context());
  expect(first).toEqual({ ok: true, value: { output: "undone", label: "untrusted" } });
  expect(seen[0]).toMatchObject({ method: "POST", headers: { "idempotency-key": effectId } });
  expect(JSON.parse(seen[0]?.body ?? "")).toEqual({
    tool: "pay_invoice",
    arguments: args,
    compensates: done.effectId,
    output: "paid",
  });
  expect(await tool.compensate?.(done, context())).toMatchObject({ error: { code: "http_refused" } });
  expect(await tool.compensate?.(done, context())).toMatchObject({ error: { code: "outcome_unknown" } });
  const plan = await tool.plan(args, context());
  expect(plan.ok && plan.value.summary).toContain("Taken back if the run fails: Paid back.");
});

test("a compensation without a place to ask for it, or the reverse, is refused at the start", () => {
  const base = { url: "http://127.0.0.1:1/pay", timeoutMs: 1, fetch };
  const compensation = { effect: "once", description: "Paid back." } as const;
  expect(() => createHttpTool({ ...base, manifest: { ...manifest, compensation } })).toThrow(/or neither/);
  expect(() => createHttpTool({ ...base, manifest, compensationUrl: base.url })).toThrow(/or neither/);
});

test("a connection that breaks behind the status leaves the status what it was", async () => {
  const broken = (status: number): Tool =>
    toolAt("https://pay.example/x", {
      checkUrl: "https://pay.example/done",
      fetch: async () => {
        const body = new ReadableStream({ start: (control) => control.error(new Error("reset")) });
        return await Promise.resolve(new Response(body, { status }));
      },
    });
  expect(await broken(409).execute(args, null, context())).toMatchObject({
    error: { code: "http_refused" },
  });
  expect(await broken(404).check?.(context().effectId, context())).toMatchObject({
    error: { code: "did_not_happen" },
  });
  expect(await broken(500).check?.(context().effectId, context())).toBeNull();
});
