// Names that tenants choose: asked of DNS without the threads that everything else of a process shares.

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { expect, test } from "vitest";
import { dnsResolver } from "../../../packages/harness/src/adapters/egress/dns.ts";
import { postTo, startReceiver } from "../../support/webhook-receiver.ts";

const A = 1;
const AAAA = 28;
const NXDOMAIN = 3;

type Zone = Readonly<
  Record<string, "mute" | "unknown" | readonly (readonly [type: number, rdata: Buffer])[]>
>;

/** One message of the name service (RFC 1035, 4.1): the question as it came, and what the zone says of it. */
function answerTo(query: Buffer, zone: Zone): Buffer | null {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  const said = zone[labels.join(".").toLowerCase()] ?? "unknown";
  if (said === "mute") return null;
  const records = said === "unknown" ? [] : said.filter(([of]) => of === type);
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8580 | (said === "unknown" ? NXDOMAIN : 0), 2);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt32BE(0, 8);
  const answers = records.map(([of, rdata]) => {
    // The name of the question, by its place; class IN, one second.
    const record = Buffer.from([0xc0, 12, 0, of, 0, 1, 0, 0, 0, 1, 0, rdata.length]);
    return Buffer.concat([record, rdata]);
  });
  return Buffer.concat([header, query.subarray(12, at + 5), ...answers]);
}

async function startNames(zone: Zone): Promise<AsyncDisposable & { readonly server: string }> {
  const socket: Socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const answer = answerTo(query, zone);
    if (answer !== null) socket.send(answer, from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    server: `127.0.0.1:${socket.address().port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

const FOUR = Buffer.from([203, 0, 113, 9]);
const SIX = Buffer.concat([Buffer.from([0x20, 0x01, 0x0d, 0xb8]), Buffer.alloc(11), Buffer.from([7])]);
const BODY = JSON.stringify({ type: "webhook.ping" });
const LOOPBACK = Buffer.from([127, 0, 0, 1]);

test("a name's addresses of either kind are told, or why there are none", async () => {
  await using names = await startNames({
    "both.example": [
      [A, FOUR],
      [AAAA, SIX],
    ],
    "six.example": [[AAAA, SIX]],
    "empty.example": [],
    "mute.example": "mute",
  });
  const resolve = dnsResolver({ servers: [names.server], answerMsMax: 50 });
  expect(await resolve("both.example")).toEqual(["203.0.113.9", "2001:db8::7"]);
  expect(await resolve("six.example")).toEqual(["2001:db8::7"]);
  expect(await resolve("empty.example")).toEqual([]);
  await expect(resolve("nobody.example")).rejects.toMatchObject({ code: "ENOTFOUND" });
  await expect(resolve("mute.example")).rejects.toMatchObject({ code: "ETIMEOUT" });
});

test("a message goes by that, and is not sent to what it finds on this machine; an own host goes by the machine's names", async () => {
  await using names = await startNames({
    "inside.example": [[A, LOOPBACK]],
    "empty.example": [],
    "mute.example": "mute",
  });
  await using receiver = await startReceiver();
  const resolve = dnsResolver({ servers: [names.server], answerMsMax: 50 });
  const post = postTo([], { resolve });
  const send = async (url: string): Promise<unknown> =>
    await post.send(url, {}, BODY, new AbortController().signal);
  // Alike, so that nobody learns by it what names there are within.
  for (const host of ["inside", "empty", "nobody"])
    expect(await send(`https://${host}.example/`)).toEqual({ ok: false, error: "no_public_address" });
  expect(await send("https://mute.example/")).toEqual({ ok: false, error: "not_reached: ETIMEOUT" });
  // `localhost` stands in the machine's hosts file, and in no zone of these.
  const url = new URL(receiver.url);
  url.hostname = "localhost";
  const own = postTo([{ ...receiver, url: url.href }], { resolve });
  expect(await own.send(url.href, {}, BODY, new AbortController().signal)).toMatchObject({
    ok: true,
    value: { status: 204 },
  });
});
