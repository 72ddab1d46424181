// Each fault of the wire against a real connection that sends back what it gets.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startTcpProxy, type TcpProxy, type WireFault } from "./tcp-proxy.ts";

let echo: Server;
let proxy: TcpProxy;
beforeEach(async () => {
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const address = echo.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  proxy = await startTcpProxy({ host: "127.0.0.1", port: address.port }, 42);
});
afterEach(async () => {
  await proxy.stop();
  echo.close();
});

type Got = { readonly bytes: Buffer; readonly pieces: number; readonly end: "ended" | "reset" };

/** Sends, ends, and says what came back and how. */
async function send(bytes: Buffer): Promise<Got> {
  const socket: Socket = connect(proxy.port, proxy.host);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  let end: Got["end"] = "ended";
  socket.on("error", () => {
    end = "reset";
  });
  socket.end(bytes);
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
  return { bytes: Buffer.concat(chunks), pieces: chunks.length, end };
}

const BYTES = Buffer.from(Array.from({ length: 4_000 }, (_, at) => at % 251));

test("a sound wire changes nothing", async () => {
  expect(await send(BYTES)).toMatchObject({ bytes: BYTES, end: "ended" });
  expect([...proxy.fired()]).toEqual([]);
});

test.each<[string, WireFault]>([
  ["late", { kind: "latency", ms: 5, jitterMs: 5 }],
  ["narrow", { kind: "rate", bytesPerSecond: 400_000 }],
  ["sliced", { kind: "slice", sizeBytes: 97 }],
])("a wire that is %s passes everything on in the end", async (_name, fault) => {
  proxy.set(fault);
  expect((await send(BYTES)).bytes.equals(BYTES)).toBe(true);
  expect(proxy.fired().get(fault.kind)).toBeGreaterThan(0);
});

test("a wire that is cut passes exactly so many bytes, and ends in order", async () => {
  proxy.set({ kind: "cut", direction: "down", afterBytes: 1_000 });
  const got = await send(BYTES);
  expect([got.bytes.equals(BYTES.subarray(0, 1_000)), got.end]).toEqual([true, "ended"]);
  expect([...proxy.fired()]).toEqual([["cut", 1]]);
});

test("a reset is seen as one, and refused connections too", async () => {
  proxy.set({ kind: "reset", direction: "up", afterBytes: 10 });
  expect((await send(BYTES)).end).toBe("reset");
  proxy.set({ kind: "refuse" });
  expect(await send(BYTES)).toMatchObject({ end: "reset", pieces: 0 });
  expect([...proxy.fired()]).toEqual([
    ["reset", 1],
    ["refuse", 1],
  ]);
});

test("one bit in each so many bytes is changed, the same ones for the same seed", async () => {
  proxy.set({ kind: "corrupt", direction: "up", everyBytes: 1_000 });
  const { bytes } = await send(BYTES);
  const wrong = [...bytes.keys()].filter((at) => bytes[at] !== BYTES[at]);
  expect(wrong).toEqual([999, 1_999, 2_999, 3_999]);
  for (const at of wrong) expect(Math.log2((bytes[at] ?? 0) ^ (BYTES[at] ?? 0)) % 1).toBe(0);
  expect(proxy.fired().get("corrupt")).toBe(4);
});

test("a black hole takes everything and gives nothing, until the connections are reset", async () => {
  proxy.set({ kind: "black_hole" });
  const sending = send(BYTES);
  await vi.waitUntil(() => (proxy.fired().get("black_hole") ?? 0) > 0, { timeout: 240_000 });
  expect(proxy.open()).toBe(1);
  proxy.resetAll();
  expect(await sending).toMatchObject({ end: "reset", pieces: 0 });
});

test("what is set holds for connections that are open already", async () => {
  const socket = connect(proxy.port, proxy.host);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write("a");
  expect(String((await once(socket, "data"))[0])).toBe("a");
  proxy.set({ kind: "cut", direction: "up", afterBytes: 1 });
  socket.write("b");
  await once(socket, "end");
  socket.destroy();
});
