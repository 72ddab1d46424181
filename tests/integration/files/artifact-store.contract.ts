// What every store of artifacts promises, whatever lies below it (ports.ts, ArtifactFiles): a digest that was returned
// names bytes that are there, and nothing else is ever served under it (invariant 12, complete or nothing).

import { randomBytes } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { sha256Hex } from "../../../packages/harness/src/base/digest.ts";
import { ARTIFACT_BYTES_MAX } from "../../../packages/harness/src/base/limits.ts";
import type { ArtifactFiles } from "../../../packages/harness/src/ports.ts";

export type StoreUnderTest = {
  /** Another opener of the same, empty store. */
  open(): ArtifactFiles;
  /** Changes what lies under a digest, behind the store's back. */
  damage(sha256: string, change: (bytes: Buffer) => Buffer): void;
  /** Makes content look as if it was written then. */
  age(sha256: string, storedAt: Date): void;
};

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export async function listAll(files: ArtifactFiles): Promise<string[]> {
  const found: string[] = [];
  let after: string | null = null;
  do {
    const page = await files.list(after);
    found.push(...page.files.map(({ sha256 }) => sha256));
    after = page.next;
  } while (after !== null);
  return found.toSorted();
}

export function artifactStoreContract(fresh: () => Promise<StoreUnderTest>): void {
  let store: StoreUnderTest;
  beforeEach(async () => {
    store = await fresh();
  });

  test("what is put is got, held and listed, under the digest of its bytes", async () => {
    const contents = [text(""), text("a"), randomBytes(300_000), text("ü€😀\0\r\n")];
    for (const bytes of contents) {
      const put = await store.open().put(bytes);
      expect(put).toEqual({ sha256: sha256Hex(bytes), sizeBytes: bytes.byteLength });
      const files = store.open();
      expect(Buffer.compare((await files.get(put.sha256)) ?? text("missing"), bytes)).toBe(0);
      expect(await files.holds(put.sha256, put.sizeBytes)).toBe(true);
      expect(await files.holds(put.sha256, put.sizeBytes + 1)).toBe(false);
    }
    expect(await listAll(store.open())).toEqual(contents.map((bytes) => sha256Hex(bytes)).toSorted());
  });

  test("what is not there is null and not held, and a malformed digest is a bug", async () => {
    const files = store.open();
    expect(await files.get("0".repeat(64))).toBeNull();
    expect(await files.holds("0".repeat(64), 0)).toBe(false);
    expect(await listAll(files)).toEqual([]);
    await files.remove("0".repeat(64));
    for (const bad of ["", "../../etc/passwd", "A".repeat(64), `${"0".repeat(64)}\n`])
      await expect(files.get(bad)).rejects.toThrow("64 hex digits");
  });

  test("more bytes than an artifact has are refused", async () => {
    await expect(store.open().put(new Uint8Array(ARTIFACT_BYTES_MAX + 1))).rejects.toThrow(/at most/);
    expect(await listAll(store.open())).toEqual([]);
  });

  test("the caller's buffer may change while it is stored", async () => {
    const files = store.open();
    const bytes = text("before");
    const putting = files.put(bytes);
    bytes.fill(0);
    const { sha256 } = await putting;
    expect(Buffer.from((await files.get(sha256)) ?? []).toString()).toBe("before");
  });

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ["cut short", (bytes) => bytes.subarray(0, 2)],
    ["emptied", () => Buffer.alloc(0)],
    ["changed in one bit", (bytes) => Buffer.from(bytes.map((byte, at) => (at === 3 ? byte ^ 1 : byte)))],
    ["longer", (bytes) => Buffer.concat([bytes, Buffer.from("x")])],
  ])("content that was %s is never served, and the next put repairs it", async (_, change) => {
    const files = store.open();
    const { sha256 } = await files.put(text("precious"));
    store.damage(sha256, change);
    await expect(store.open().get(sha256)).rejects.toThrow(/do not match/);
    await store.open().put(text("precious"));
    expect(Buffer.from((await files.get(sha256)) ?? []).toString()).toBe("precious");
  });

  test("writers of the same and of different bytes at once do not disturb each other", async () => {
    const openers = Array.from({ length: 4 }, () => store.open());
    const contents = Array.from({ length: 24 }, (_, at) => text(`content ${at % 5} `.repeat(1_000)));
    const puts = await Promise.all(contents.map(async (bytes, at) => await openers[at % 4]?.put(bytes)));
    expect(new Set(puts.map((put) => put?.sha256)).size).toBe(5);
    for (const [at, put] of puts.entries())
      expect(sha256Hex((await store.open().get(put?.sha256 ?? "")) ?? "")).toBe(
        sha256Hex(contents[at] ?? ""),
      );
  });

  test("what is removed is gone, can be put again, and shows when it was last written", async () => {
    const files = store.open();
    const { sha256 } = await files.put(text("for now"));
    const old = new Date("2020-01-01T00:00:00.000Z");
    store.age(sha256, old);
    let after: string | null = null;
    const seen: Date[] = [];
    do {
      const page = await files.list(after);
      seen.push(...page.files.map(({ storedAt }) => storedAt));
      after = page.next;
    } while (after !== null);
    expect(seen).toEqual([old]);
    await files.remove(sha256);
    expect([await files.get(sha256), await listAll(files)]).toEqual([null, []]);
    await files.put(text("for now"));
    expect(await listAll(store.open())).toEqual([sha256]);
  });
}
