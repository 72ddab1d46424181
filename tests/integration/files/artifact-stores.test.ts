// One contract, both stores; and what only one of them can go through.

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ObjectFault, type ObjectServer, startObjectServer } from "@assent/suite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openArtifactFiles } from "../../../packages/harness/src/adapters/files/artifact-files.ts";
import { openArtifactObjects } from "../../../packages/harness/src/adapters/objects/artifact-objects.ts";
import { sha256Hex } from "../../../packages/harness/src/base/digest.ts";
import type { ArtifactFiles } from "../../../packages/harness/src/ports.ts";
import { artifactStoreContract } from "./artifact-store.contract.ts";
import { until } from "../../support/until.ts";

const random = { bytes: (count: number): Uint8Array => randomBytes(count) };

describe("a folder", () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  artifactStoreContract(async () => {
    const folder = mkdtempSync(join(tmpdir(), "assent-store-"));
    folders.push(folder);
    const fileOf = (sha256: string): string => join(folder, "sha256", sha256.slice(0, 2), sha256);
    return await Promise.resolve({
      open: () => openArtifactFiles({ folder, random }),
      damage: (sha256: string, change: (bytes: Buffer) => Buffer) =>
        writeFileSync(fileOf(sha256), change(readFileSync(fileOf(sha256)))),
      age: (sha256: string, at: Date) => utimesSync(fileOf(sha256), at, at),
    });
  });
});

describe("a bucket", () => {
  let server: ObjectServer;
  beforeAll(async () => {
    // Small pages: a listing that is not continued shows.
    server = await startObjectServer(2);
  });
  afterAll(async () => {
    await server.stop();
  });
  const open = (keys: Partial<ObjectServer["keys"]> = {}): ArtifactFiles =>
    openArtifactObjects({ endpoint: server.endpoint, prefix: "runs/", ...server.keys, ...keys });
  const nameOf = (sha256: string): string => `runs/sha256/${sha256.slice(0, 2)}/${sha256}`;
  beforeEach(() => {
    server.objects.clear();
  });
  artifactStoreContract(async () => {
    const of = (sha256: string): { bytes: Buffer; storedAt: Date } => {
      const object = server.objects.get(nameOf(sha256));
      if (object === undefined) throw new Error("no such object");
      return object;
    };
    return await Promise.resolve({
      open: () => open(),
      damage: (sha256: string, change: (bytes: Buffer) => Buffer) => {
        of(sha256).bytes = change(of(sha256).bytes);
      },
      age: (sha256: string, at: Date) => {
        of(sha256).storedAt = at;
      },
    });
  });

  const bytes = new TextEncoder().encode("what must be complete or nothing");
  const sha256 = sha256Hex(bytes);

  test("the signature is checked: another secret, id or region stores and reads nothing", async () => {
    await open().put(bytes);
    for (const wrong of [{ secretAccessKey: "other" }, { accessKeyId: "OTHER" }, { region: "eu-west-1" }]) {
      await expect(open(wrong).put(new TextEncoder().encode("x"))).rejects.toThrow(/403/);
      await expect(open(wrong).get(sha256)).rejects.toThrow(/403/);
    }
    expect([...server.objects.keys()]).toEqual([nameOf(sha256)]);
  });

  test("content that is there is not sent over it again", async () => {
    await open().put(bytes);
    const before = server.objects.get(nameOf(sha256));
    await open().put(bytes);
    expect(server.objects.get(nameOf(sha256))).toBe(before);
    expect(server.requests().filter((line) => line.startsWith("PUT 412"))).not.toEqual([]);
  });

  test.each<[string, ObjectFault]>([
    ["refused as too busy", { do: "status", status: 503 }],
    ["forbidden", { do: "status", status: 403 }],
    ["reset before it was stored", { do: "reset", when: "before" }],
    ["reset after it was stored", { do: "reset", when: "after" }],
    ["stored in part by a store that says that all is well", { do: "truncate", toBytes: 5 }],
  ])("an upload that is %s returns no digest, and the next one works", async (_, fault) => {
    const fired = server.fired();
    server.cue("PUT", fault);
    await expect(open().put(bytes)).rejects.toThrow(/503|403|fetch failed|do not match/);
    expect(server.fired()).toBe(fired + 1);
    await open().put(bytes);
    expect(Buffer.from((await open().get(sha256)) ?? []).equals(bytes)).toBe(true);
  });

  test("an upload that is cut off on the way is refused by the server, and nothing lies there", async () => {
    const cutting: typeof fetch = async (url, init) => {
      // A proxy that loses the second half: the checksum in the signed headers is still of the whole.
      const body = init?.body;
      const half = body instanceof Uint8Array ? body.slice(0, body.byteLength >> 1) : body;
      const headers = new Headers(init?.headers);
      if (init?.method === "PUT") headers.set("content-length", String(bytes.byteLength >> 1));
      return await fetch(url, init?.method === "PUT" ? { ...init, headers, body: half ?? null } : init);
    };
    const files = openArtifactObjects({
      endpoint: server.endpoint,
      prefix: "runs/",
      ...server.keys,
      fetch: cutting,
    });
    await expect(files.put(bytes)).rejects.toThrow(/BadDigest/);
    expect(server.objects.size).toBe(0);
  });

  test("a connection that ends in the middle of an upload stores nothing", async () => {
    let sent = "";
    const recording: typeof fetch = async (url, init) => {
      const headers = Object.entries(Object.fromEntries(new Headers(init?.headers)))
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join("");
      sent = `PUT ${new URL(url instanceof Request ? url.url : url).pathname} HTTP/1.1\r\n${headers}\r\n`;
      return await Promise.reject(new Error("recorded only"));
    };
    const files = openArtifactObjects({
      endpoint: server.endpoint,
      prefix: "runs/",
      ...server.keys,
      fetch: recording,
    });
    await expect(files.put(bytes)).rejects.toThrow("recorded only");
    const before = server.requests().length;
    const socket = connect(Number(new URL(server.endpoint).port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(sent);
    socket.write(bytes.subarray(0, 10), () => socket.destroy());
    await until("the server has noticed", () => server.requests().length > before);
    expect(server.requests().at(-1)).toMatch(/^PUT 400/);
    expect(server.objects.size).toBe(0);
  });

  test("a store that does not say whether something is there is not waited for: a transaction would wait with it", async () => {
    const files = openArtifactObjects({
      endpoint: server.endpoint,
      prefix: "",
      ...server.keys,
      askMsMax: 20,
      fetch: async (_url, init) =>
        await new Promise((_, reject) => {
          init?.signal?.addEventListener("abort", () => {
            reject(new Error("given up"));
          });
        }),
    });
    await expect(files.holds(sha256, bytes.byteLength)).rejects.toThrow("given up");
  });

  test("a redirect is not followed with what a run made", async () => {
    const files = openArtifactObjects({
      endpoint: server.endpoint,
      prefix: "",
      ...server.keys,
      fetch: async (_url, init) => {
        expect(init?.redirect).toBe("error");
        return await Promise.resolve(new Response("", { status: 404 }));
      },
    });
    expect(await files.get(sha256)).toBeNull();
  });
});
