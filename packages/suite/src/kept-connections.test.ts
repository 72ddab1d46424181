// A server that closes a connection which it had kept, while a request is on its way over it: once before the request is all
// there, and once as it is. Whatever arrives whole is counted.

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type HttpRequest, NoAnswer, send, sendTogether } from "./http.ts";
import { PreconditionMissing } from "./precondition.ts";

const RACERS = 4;
const DOORS = [
  "closes each before it is whole",
  "closes the first before they are whole",
  "closes when it is whole",
  "breaks off its answer",
] as const;
/** What it makes of the second request on a connection. */
type Door = (typeof DOORS)[number];
const options = { timeoutMs: 10_000, signal: new AbortController().signal };
let server: Server | undefined;

afterEach(async () => {
  if (server?.listening !== true) return;
  const closed = once(server, "close");
  server.close();
  await closed;
});

const ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx";

/** Complete requests in the order of their arrival, by their first lines. @param staysDown it lets nobody in after it has closed once */
async function openServer(
  door: Door,
  staysDown = false,
): Promise<{ readonly url: string; readonly whole: string[] }> {
  const whole: string[] = [];
  const sockets = new Set<Socket>();
  const close = (socket: Socket): void => {
    socket.resetAndDestroy();
    if (staysDown) server?.close();
    if (staysDown) for (const each of sockets) each.destroy();
  };
  server = createServer((socket) => {
    sockets.add(socket);
    const isHasty = door === DOORS[0] || (door === DOORS[1] && sockets.size <= RACERS);
    let text = "";
    let answered = 0;
    socket.on("error", () => undefined);
    socket.on("data", (piece) => {
      text += piece.toString("latin1");
      if (answered > 0 && isHasty) return close(socket);
      const end = text.indexOf("\r\n\r\n") + 4;
      const length = Number(/content-length: (\d+)/iu.exec(text)?.[1] ?? "0");
      if (end === 3 || text.length < end + length) return;
      const [line = ""] = text.split("\r\n");
      if (!line.includes("/healthz")) whole.push(line);
      text = "";
      answered += 1;
      if (answered === 1) socket.write(ANSWER);
      else if (door === "closes when it is whole") close(socket);
      else if (door === "breaks off its answer") socket.end(ANSWER.slice(0, -9));
      else socket.write(ANSWER);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return { url: typeof address === "object" ? `http://127.0.0.1:${address?.port ?? 0}` : "", whole };
}

const POST: HttpRequest = { method: "POST", path: "/act", headers: {}, body: "hello" };
const keyed: HttpRequest = { ...POST, headers: { "Idempotency-Key": "one" } };
const race = async (url: string, request: HttpRequest): ReturnType<typeof sendTogether> =>
  await sendTogether(
    Array.from({ length: RACERS }, () => ({ baseUrl: url, request })),
    options,
  );

test.each([
  ["with a key", keyed],
  ["without one", POST],
])("what was not all there goes over another connection, %s, and arrives once", async (_, request) => {
  const { url, whole } = await openServer("closes the first before they are whole");
  const answers = await race(url, request);
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: RACERS }, () => 200));
  expect(whole).toHaveLength(RACERS);
});

test("a server that lets nobody finish is not passed, and is asked for nothing twice", async () => {
  const { url, whole } = await openServer("closes each before it is whole");
  await expect(race(url, POST)).rejects.toThrow(PreconditionMissing);
  expect(whole).toEqual([]);
});

test.each([
  ["with a key", keyed],
  ["that only reads", { ...POST, method: "GET", body: null }],
])(
  "a request %s is sent once more where its kept connection was closed, and it is said",
  async (_, request) => {
    const { url, whole } = await openServer("closes when it is whole");
    const answers = await race(url, request);
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: RACERS }, () => 200));
    expect(answers.every(({ sentAgain = "" }) => sentAgain.includes("/act"))).toBe(true);
    expect(whole).toHaveLength(2 * RACERS);
  },
);

test.each([
  ["without a key", POST],
  ["with a signature", { ...keyed, headers: { ...keyed.headers, Signature: "sig=:AA==:" } }],
])("a request %s is not doubled, and nobody is blamed", async (_, request) => {
  const { url, whole } = await openServer("closes when it is whole");
  await expect(race(url, request)).rejects.toThrow(PreconditionMissing);
  expect(whole).toHaveLength(RACERS);
});

test("a server that is gone altogether has not closed an idle connection", async () => {
  const { url } = await openServer("closes when it is whole", true);
  await expect(race(url, POST)).rejects.toThrow(NoAnswer);
});

test("an answer that was begun is none, and is not asked for again", async () => {
  const { url, whole } = await openServer("breaks off its answer");
  await expect(race(url, keyed)).rejects.toThrow(NoAnswer);
  expect(whole).toHaveLength(RACERS);
});

test("a connection of its own that breaks is no answer, with a key too", async () => {
  const { url, whole } = await openServer("closes when it is whole");
  const cut = createServer((socket) => {
    socket.once("data", () => socket.resetAndDestroy());
  });
  cut.listen(0, "127.0.0.1");
  await once(cut, "listening");
  const address = cut.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  await expect(send(`http://127.0.0.1:${port}`, keyed, options)).rejects.toThrow(NoAnswer);
  const closed = once(cut, "close");
  cut.close();
  await closed;
  expect([url === "", whole]).toEqual([false, []]);
});
