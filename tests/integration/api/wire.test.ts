// What only a socket can say: requests that no HTTP client would send.

import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { KEYS, VALID_RUN_REQUEST } from "./samples.ts";
import { type Fixture, expectProblem, parseRaw, sendRaw, startApi } from "./support.ts";
import { until } from "../../support/until.ts";

let api: Fixture;
beforeAll(async () => {
  api = await startApi();
});
afterAll(async () => await api.server.close());
beforeEach(() => {
  api.harness.calls.length = 0;
});

const AUTH = `Authorization: Bearer ${KEYS.all}`;
const HOST = "Host: 127.0.0.1";
const BODY = JSON.stringify(VALID_RUN_REQUEST);
const SUBMIT = `POST /api/harness/run HTTP/1.1\r\n${HOST}\r\n${AUTH}\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\n`;
const GET = `GET /api/harness/runs HTTP/1.1\r\n${HOST}\r\n${AUTH}\r\n`;
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const SMUGGLED = `DELETE /api/harness/keys/key_${"d".repeat(32)} HTTP/1.1\r\n${HOST}\r\n${AUTH}\r\n\r\n`;

const WIRE: readonly (readonly [string, string, number])[] = [
  ["no HTTP", "hello\r\n\r\n", 400],
  ["a fragment", `GET /healthz# HTTP/1.1\r\n${HOST}\r\n\r\n`, 400],
  ["a fragment before a query", `GET /api/harness/runs#?limit=1 HTTP/1.1\r\n${HOST}\r\n${AUTH}\r\n\r\n`, 400],
  ["a TLS greeting", "\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003\r\n\r\n", 400],
  ["HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["an unknown method", `FROB / HTTP/1.1\r\n${HOST}\r\n\r\n`, 400],
  ["a lower-case method", `get /healthz HTTP/1.1\r\n${HOST}\r\n\r\n`, 400],
  ["an unknown version", `GET /healthz HTTP/9.9\r\n${HOST}\r\n\r\n`, 400],
  ["HTTP/0.9", "GET /healthz\r\n\r\n", 400],
  ["no Host", "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
  ["an empty Host", "GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", 400],
  ["two Hosts", `GET /healthz HTTP/1.1\r\n${HOST}\r\nHost: evil.example\r\n\r\n`, 400],
  ["another Host", "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421],
  ["an absolute target", `GET http://evil.example/healthz HTTP/1.1\r\n${HOST}\r\n\r\n`, 400],
  ["an authority as target", `GET evil.example:80 HTTP/1.1\r\n${HOST}\r\n\r\n`, 400],
  ["a header without a colon", `${GET}nonsense\r\n\r\n`, 400],
  ["a blank before the colon", `${GET}X-A : b\r\n\r\n`, 400],
  ["a header without a name", `${GET}: b\r\n\r\n`, 400],
  ["a control character in a header", `${GET}X-A: a\u0001b\r\n\r\n`, 400],
  ["a NUL in a header", `${GET}X-A: a\0b\r\n\r\n`, 400],
  ["a folded header", `${GET}X-A: a\r\n b\r\nConnection: close\r\n\r\n`, 400],
  ["a bare line feed", `${GET}X-A: a\nX-B: b\r\n\r\n`, 400],
  ["a bare carriage return", `${GET}X-A: a\rX-B: b\r\n\r\n`, 400],
  ["headers of 20 KiB", `${GET}X-A: ${"a".repeat(20 * 1024)}\r\n\r\n`, 431],
  ["a target of 20 KiB", `GET /${"a".repeat(20 * 1024)} HTTP/1.1\r\n${HOST}\r\n\r\n`, 431],
  ["3,000 headers", `${GET}${Array.from({ length: 3_000 }, (_, n) => `X-${n}: a\r\n`).join("")}\r\n`, 431],
  ["two keys", `${GET}${AUTH}\r\n\r\n`, 400],
  [
    "length and chunks",
    `${SUBMIT}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    400,
  ],
  [
    "chunks and length",
    `${SUBMIT}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    400,
  ],
  ["two lengths", `${SUBMIT}Content-Length: ${BODY.length}\r\nContent-Length: 0\r\n\r\n${BODY}`, 400],
  [
    "the same length twice",
    `${SUBMIT}Content-Length: ${BODY.length}\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
    400,
  ],
  ["a list of lengths", `${SUBMIT}Content-Length: ${BODY.length}, ${BODY.length}\r\n\r\n${BODY}`, 400],
  ["a negative length", `${SUBMIT}Content-Length: -1\r\n\r\n${BODY}`, 400],
  ["a length with a sign", `${SUBMIT}Content-Length: +${BODY.length}\r\n\r\n${BODY}`, 400],
  ["a length in hex", `${SUBMIT}Content-Length: 0x10\r\n\r\n${BODY}`, 400],
  ["a length beyond 64 bits", `${SUBMIT}Content-Length: 99999999999999999999\r\n\r\n${BODY}`, 400],
  ["a length beyond the limit", `${SUBMIT}Content-Length: 99999999\r\n\r\n`, 413],
  ["an unknown coding", `${SUBMIT}Transfer-Encoding: xchunked\r\n\r\n${chunk(BODY)}0\r\n\r\n`, 400],
  ["chunks inside gzip", `${SUBMIT}Transfer-Encoding: gzip, chunked\r\n\r\n${chunk(BODY)}0\r\n\r\n`, 400],
  [
    "chunked, then identity",
    `${SUBMIT}Transfer-Encoding: chunked, identity\r\n\r\n${chunk(BODY)}0\r\n\r\n`,
    400,
  ],
  [
    "two codings",
    `${SUBMIT}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    400,
  ],
  ["a vertical tab before chunked", `${SUBMIT}Transfer-Encoding: \u000bchunked\r\n\r\n0\r\n\r\n`, 400],
  ["a chunk size that is none", `${SUBMIT}Transfer-Encoding: chunked\r\n\r\nzz\r\n${BODY}\r\n0\r\n\r\n`, 400],
  ["a chunk size with 0x", `${SUBMIT}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n`, 400],
  [
    "a chunk size that overflows",
    `${SUBMIT}Transfer-Encoding: chunked\r\n\r\n${"f".repeat(20)}\r\nx\r\n0\r\n\r\n`,
    400,
  ],
  [
    "a chunk longer than its size",
    `${SUBMIT}Transfer-Encoding: chunked\r\n\r\n2\r\n${BODY}\r\n0\r\n\r\n`,
    400,
  ],
  ["a chunk ended by a line feed", `${SUBMIT}Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n`, 400],
  [
    "a chunk extension without end",
    `${SUBMIT}Transfer-Encoding: chunked\r\n\r\n2;${"a".repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
    400,
  ],
  [
    "chunks in HTTP/1.0",
    `${SUBMIT.replace("1.1", "1.0")}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    400,
  ],
  [
    "an expectation we do not know",
    `${SUBMIT}Expect: the-impossible\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
    417,
  ],
];

describe("is answered once, as a problem, and the connection ends", () => {
  test.each(WIRE)("%s", async (_, bytes, status) => {
    const answer = parseRaw(await sendRaw(api.port, Buffer.from(bytes, "latin1")));
    expect(answer.status).toBe(status);
    expectProblem(answer, answer.body);
    expect(answer.headers.get("connection")).toBe("close");
    expect(api.harness.calls).toEqual([]);
    expect(api.logs).toEqual([]);
  });
});

test("what follows a request that is refused for its framing is never read as a request", async () => {
  const text = await sendRaw(
    api.port,
    `${SUBMIT}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  );
  expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(api.harness.calls).toEqual([]);
});

test("a body that a refused request brought along is never read as a request", async () => {
  for (const target of ["/nowhere", "/healthz", "/api/harness/run"]) {
    const head = `POST ${target} HTTP/1.1\r\n${HOST}\r\nConnection: close\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`;
    const answer = parseRaw(await sendRaw(api.port, head + SMUGGLED));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(api.harness.calls).toEqual([]);
  }
});

test("an expectation we do not know is answered in its turn, and a HEAD without a body", async () => {
  const text = await sendRaw(api.port, `${GET}\r\n${GET}Expect: the-impossible\r\n\r\n`);
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 417"]);
  const head = await sendRaw(api.port, `${GET.replace("GET", "HEAD")}Expect: the-impossible\r\n\r\n`);
  expect(head.slice(0, 12)).toBe("HTTP/1.1 417");
  expect(head.slice(head.indexOf("\r\n\r\n") + 4)).toBe("");
});

test("garbage after a good request does not spoil the good one's answer with its own", async () => {
  const text = await sendRaw(api.port, `${GET}\r\n\u0001\u0002garbage\r\n\r\n`);
  expect(text).not.toContain("malformed_request");
});

test("good chunks are read", async () => {
  const bytes = `${SUBMIT}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk(BODY.slice(0, 9))}${chunk(BODY.slice(9))}0\r\n\r\n`;
  expect((await sendRaw(api.port, bytes)).slice(0, 12)).toBe("HTTP/1.1 202");
  expect(api.harness.calls).toHaveLength(1);
});

test("100-continue is answered", async () => {
  const text = await sendRaw(
    api.port,
    `${SUBMIT}Expect: 100-continue\r\nConnection: close\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  );
  expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 202/);
});

test("a client that goes away in the middle of its body leaves no trace", async () => {
  await new Promise<void>((resolve) => {
    const socket = connect(api.port, "127.0.0.1", () => {
      socket.write(`${SUBMIT}Content-Length: ${BODY.length}\r\n\r\n${BODY.slice(0, 5)}`, () =>
        socket.resetAndDestroy(),
      );
    });
    socket.on("close", () => resolve());
  });
  // The server has seen it when it has answered someone who came later.
  expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
  expect(api.harness.calls).toEqual([]);
  expect(api.logs).toEqual([]);
});

test("whoever never finishes its headers or its body is told so and let go", async () => {
  await using slow = await startApi({}, { headersTimeoutMs: 50, requestTimeoutMs: 100 });
  for (const part of ["GET /healthz HTTP/1.1\r\n", `${SUBMIT}Content-Length: 100\r\n\r\n{`]) {
    const answer = parseRaw(await sendRaw(slow.port, part));
    expect(answer.status).toBe(408);
    expect(expectProblem(answer, answer.body).code).toBe("request_timeout");
  }
  expect(slow.harness.calls).toEqual([]);
});

test("a name that was configured is answered to, beside loopback's own", async () => {
  await using named = await startApi({}, { hosts: ["assent.example"] });
  const ask = async (host: string): Promise<number> =>
    parseRaw(await sendRaw(named.port, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`))
      .status;
  for (const host of [
    "assent.example",
    "ASSENT.example:443",
    "localhost",
    "localhost:1",
    "[::1]:80",
    "127.0.0.1",
  ])
    expect([host, await ask(host)]).toEqual([host, 200]);
  expect(await ask("other.example")).toBe(421);
});

test.each([
  ["localhost", 421],
  ["127.0.0.1", 421],
  // Whoever serves a network is called by names that we do not know.
  ["0.0.0.0", 200],
])("listening on %s, a foreign name is answered with %i", async (host, status) => {
  await using bound = await startApi({}, {}, host);
  expect(bound.url).toBe(`http://127.0.0.1:${bound.port}`);
  const ask = async (name: string): Promise<number> =>
    parseRaw(await sendRaw(bound.port, `GET /healthz HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`))
      .status;
  expect(await ask("evil.example")).toBe(status);
  expect(await ask("127.0.0.1")).toBe(200);
});

test.each<[string, { readonly total: number; readonly perAddress: number | null }]>([
  ["one address", { total: 100, perAddress: 3 }],
  ["all together", { total: 3, perAddress: null }],
])(
  "past so many connections of %s the next is closed unheard, and taken once one has gone",
  async (_, connections) => {
    await using limited = await startApi({}, { connections });
    const request = `GET /healthz HTTP/1.1\r\n${HOST}\r\n\r\n`;
    const held = Array.from({ length: 3 }, () => connect(limited.port, "127.0.0.1"));
    for (const socket of held) {
      socket.write(request);
      await once(socket, "data");
    }
    expect(await sendRaw(limited.port, request)).toBe("");
    const [first] = held;
    first?.destroy();
    const answered = async (): Promise<boolean> =>
      (await sendRaw(limited.port, request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))).startsWith(
        "HTTP/1.1 200",
      );
    await until("one is answered", answered);
    for (const socket of held) socket.destroy();
  },
);
