import fc from "fast-check";
import { expect, test } from "vitest";
import { readEventStream, type StreamItem } from "./event-stream.ts";

async function read(chunks: readonly Uint8Array[]): Promise<StreamItem[]> {
  const items: StreamItem[] = [];
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  for await (const item of readEventStream(source())) items.push(item);
  return items;
}

const event = (name: string, id: string | null, data: string): StreamItem => ({
  type: "event",
  event: { event: name, id, data },
});

const STREAM =
  ': hello\nretry: 250\n\nid: 1\r\nevent: run_queued\r\ndata: {"a":\r\ndata: "ü🙂"}\r\n\r\ndata:x\rdata: y\r\rid: 2\n\nevent: end\ndata\n\nevent: cut\ndata: lost';
const ITEMS: StreamItem[] = [
  { type: "retry", ms: 250 },
  event("run_queued", "1", '{"a":\n"ü🙂"}'),
  event("message", null, "x\ny"),
  event("end", null, ""),
];

test("reads comments, retry, several data lines and all three line ends; an unfinished event is none", async () => {
  expect(await read([Buffer.from(STREAM)])).toEqual(ITEMS);
});

test("it makes no difference where the chunks are cut", async () => {
  const bytes = Buffer.from(STREAM);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 40 }),
      async (places) => {
        const cuts = [0, ...places.toSorted((a, b) => a - b), bytes.length];
        const chunks = cuts.slice(1).map((to, index) => bytes.subarray(cuts[index], to));
        expect(await read(chunks)).toEqual(ITEMS);
      },
    ),
    { seed: 42 },
  );
  expect(await read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(ITEMS);
});

test("a line without end is refused instead of kept", async () => {
  const chunk = Buffer.alloc(1024 * 1024, "x");
  await expect(read(Array.from({ length: 9 }, () => chunk))).rejects.toThrow("a line without end");
});
