// A copy is only ever continued: whatever else a server shows, under whatever key, the copy stays as it was. And a copy
// that could not be brought forward to its end still verifies as what it was.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditLog } from "@assent/contract";
import { leafHash, signerKey, type SignerKey } from "@assent/tlog";
import { expect, inject, onTestFinished, test } from "vitest";
import {
  type Entry,
  entry,
  entries,
  LOG,
  noteOf,
  NOW,
  ORIGIN,
  rewritten,
  seed,
} from "../../core/audit/testing/made-export.ts";
import { verifyLog } from "../../core/audit/verify-log.ts";
import { type CopyDepth, copyLog } from "./copy-log.ts";
import { type CopyOperations, DISK } from "./incoming.ts";
import { openLogFolder, writeLogFile } from "./log-folder.ts";

const NEW_KEY = signerKey(ORIGIN, 0x01, seed(6));
const LATER = `${ORIGIN}/e2`;
const LATER_KEY = signerKey(LATER, 0x01, seed(6));
const HONEST = entries(300);

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), "assent-copy-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  return join(folder, "copy");
}

const logOf = (key: SignerKey): AuditLog => ({
  epoch: 1,
  origin: key.name,
  vkey: key.vkey,
  keys: [key.vkey],
  size: 0,
  signed_size: 0,
  cosigned_size: null,
  uncosigned_since: null,
  minimum_index: 0,
});

type Shown = {
  readonly list: readonly Entry[];
  readonly key?: SignerKey;
  readonly erased?: readonly number[];
  /** Pages that are answered. */
  readonly pages?: number;
  readonly isWitnessed?: boolean;
  /** Entries below this place are shown as hashes alone. */
  readonly pruned?: number;
  /** Before each page is answered. */
  readonly onPage?: () => Promise<void>;
};

/** What a server shows. */
async function copy(
  folder: string,
  { list, key = LOG, erased = [], pages = 99, isWitnessed = false, pruned = 0, onPage }: Shown,
  depth: CopyDepth = "payloads",
  disk: CopyOperations = DISK,
): Promise<string> {
  let left = pages;
  const aborted = { ok: false, error: { kind: "aborted" } } as const;
  const copied = await copyLog(
    {
      getAuditCheckpoint: async (epoch) =>
        await Promise.resolve({
          ok: true,
          value: {
            epoch,
            size: list.length,
            note: noteOf(list, key, key.name),
            witnessed: isWitnessed ? { note: "", leaf: "", salt: "", payload: "", proof: "" } : null,
          },
        }),
      listAuditEntries: async (_, from, limit) => {
        left -= 1;
        await onPage?.();
        if (left < 0) return aborted;
        const some = list.slice(from, from + limit);
        const hashes = some.map(({ leaf }) => Buffer.from(leafHash(leaf)).toString("base64"));
        if (from < pruned)
          return { ok: true, value: { data: [], size: list.length, minimum_index: pruned, hashes } };
        const data = list.slice(from, from + limit).map(({ leaf, salt, payload }, i) => ({
          index: from + i,
          leaf: Buffer.from(leaf).toString("latin1"),
          ...(erased.includes(from + i)
            ? { salt: null, payload: null, opened: null }
            : {
                salt: Buffer.from(salt).toString("base64"),
                payload,
                opened:
                  (from + i) % 100 === 20 ? { key: "a key", fields: { name: `Ann ${from + i}` } } : null,
              }),
        }));
        return await Promise.resolve({
          ok: true,
          value: { data, size: list.length, minimum_index: 0, hashes: [] },
        });
      },
    },
    logOf(key),
    folder,
    depth,
    null,
    disk,
  );
  return copied.ok ? `copied ${copied.value.size}` : copied.error.code;
}

const filesOf = (folder: string): Map<string, string> =>
  new Map(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => statSync(join(folder, path)).isFile())
      .map((path) => [path, readFileSync(join(folder, path)).toString("latin1")]),
  );

const verified = (folder: string, keys: readonly SignerKey[] = [LOG, NEW_KEY]): unknown => {
  const source = openLogFolder(folder);
  const report = verifyLog({
    // What this server shows as opened was never sealed.
    source: {
      ...source,
      read: (path, room) => (path.startsWith("opened/") ? null : source.read(path, room)),
      list: (path) => source.list(path).filter(({ name }) => !["opened", "witnessed"].includes(name)),
    },
    origin: ORIGIN,
    keys,
    remembered: null,
    policy: null,
    now: NOW,
    cosignedSince: null,
  });
  return report.findings.length === 0 ? report.size : report.findings;
};

test.each<[string, Shown]>([
  ["another history under another key", { list: rewritten(5).slice(0, 400), key: NEW_KEY }],
  ["another history under the same key", { list: rewritten(5).slice(0, 400) }],
  ["a shorter history under another key", { list: HONEST.slice(0, 299), key: NEW_KEY }],
  ["the log that follows", { list: [entry(0, { log: LATER })], key: LATER_KEY }],
  [
    "another log of the same length",
    { list: entries(300).map((_, i) => entry(i, { log: LATER })), key: LATER_KEY },
  ],
])("a copy is left as it is where the server shows %s", async (_, shown) => {
  for (const depth of ["bare", "payloads", "opened"] as const) {
    const folder = folderOf();
    expect(await copy(folder, { list: HONEST }, depth)).toBe("copied 300");
    const before = filesOf(folder);
    expect(await copy(folder, shown, depth)).toBe("copy_diverges");
    expect(filesOf(folder)).toEqual(before);
    expect(verified(folder)).toBe(300);
  }
});

test("a copy goes on through a rotated key", async () => {
  const folder = folderOf();
  await copy(folder, { list: HONEST }, "bare");
  expect(await copy(folder, { list: entries(600), key: NEW_KEY }, "bare")).toBe("copied 600");
  expect(verified(folder)).toBe(600);
});

test.each([
  ["a tile that was changed", "tile/0/001.p/44"],
  ["a checkpoint that is none", "checkpoint"],
])("a copy with %s is not built upon, and stays for those who want to know", async (_, path) => {
  const folder = folderOf();
  await copy(folder, { list: HONEST }, "bare");
  const changed = readFileSync(join(folder, path));
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  writeLogFile(folder, path, changed);
  const before = filesOf(folder);
  expect(await copy(folder, { list: entries(400) }, "bare")).toBe("copy_diverges");
  expect(filesOf(folder)).toEqual(before);
});

test("an export that was not brought forward to its end verifies as it was, erasures of meanwhile or not", async () => {
  const folder = folderOf();
  await copy(folder, { list: HONEST });
  const later = [...entries(600), entry(600, { subject: "entry:1:20", version: 1, kind: "payload.erased" })];
  for (const pages of [0, 1, 2]) {
    expect(await copy(folder, { list: later, erased: [20], pages })).not.toBe("copied 601");
    expect(verified(folder)).toBe(300);
  }
  expect(await copy(folder, { list: later, erased: [20] })).toBe("copied 601");
  expect(verified(folder)).toBe(601);
  expect([...filesOf(folder).keys()].filter((path) => path.endsWith(".tmp"))).toEqual([]);
});

// What was erased while a log was copied: the server has `size` entries signed, the record of an erasure follows them at
// once, or when it was asked `signedAfter` times more.
async function copyRacing(
  folder: string,
  {
    erasedAtPage,
    signedAfter = 0,
    depth = "payloads",
  }: {
    readonly erasedAtPage: (page: number) => number | undefined;
    readonly signedAfter?: number;
    readonly depth?: CopyDepth;
  },
): Promise<{ readonly ended: unknown; readonly naps: number }> {
  const erased = new Map<number, number>();
  const records: Entry[] = [];
  const list = (): Entry[] => [...entries(600), ...records];
  let [page, asked, naps] = [0, 0, 0];
  const copied = await copyLog(
    {
      getAuditCheckpoint: async (epoch) => {
        if (records.length > 0) asked += 1;
        const signed = asked > signedAfter ? list() : entries(600);
        const note = noteOf(signed, LOG, LOG.name);
        return await Promise.resolve({
          ok: true,
          value: { epoch, size: signed.length, note, witnessed: null },
        });
      },
      listAuditEntries: async (_, from, limit) => {
        const target = erasedAtPage(page);
        page += 1;
        if (target !== undefined) {
          erased.set(target, 600 + records.length);
          records.push(
            entry(600 + records.length, {
              subject: `entry:1:${target}`,
              version: 1,
              kind: "payload.erased",
            }),
          );
        }
        const data = list()
          .slice(from, from + limit)
          .map(({ leaf, salt, payload }, i) => ({
            index: from + i,
            leaf: Buffer.from(leaf).toString("latin1"),
            salt: erased.has(from + i) ? null : Buffer.from(salt).toString("base64"),
            payload: erased.has(from + i) ? null : payload,
            opened: null,
          }));
        return await Promise.resolve({
          ok: true,
          value: { data, size: list().length, minimum_index: 0, hashes: [] },
        });
      },
    },
    logOf(LOG),
    folder,
    depth,
    async () => {
      naps += 1;
      await Promise.resolve();
    },
  );
  return { ended: copied.ok ? copied.value.size : copied.error.code, naps };
}

test.each<[string, (page: number) => number | undefined]>([
  ["of a payload that is still to be read", (page) => (page === 1 ? 590 : undefined)],
  ["of one that was read", (page) => (page === 1 ? 7 : undefined)],
  ["of one that was read, after one that was not", (page) => [undefined, 590, 7][page]],
  ["of one in each page, also while the copy goes on", (page) => [3, 20, 300, 599, 40, 301, 8, 260][page]],
])("an erasure that comes while a log is copied is in the copy whole: %s", async (_, erasedAtPage) => {
  for (const signedAfter of [0, 3]) {
    const folder = folderOf();
    const { ended } = await copyRacing(folder, { erasedAtPage, signedAfter });
    expect(ended).toBeGreaterThanOrEqual(600);
    expect(verified(folder)).toBe(ended);
    expect([...filesOf(folder).keys()].filter((path) => path.endsWith(".tmp"))).toEqual([]);
    // And over a copy that is there.
    const second = folderOf();
    await copy(second, { list: HONEST });
    const later = await copyRacing(second, { erasedAtPage, signedAfter });
    expect(verified(second)).toBe(later.ended);
  }
});

test.each([0, 1, 2])("a log that is pruned when page %i of it is copied is copied whole", async (at) => {
  const folder = folderOf();
  const record = entry(600, { subject: "pruned:1:512", version: 1, kind: "log.pruned" });
  let [page, isPruned] = [0, false];
  const list = (): Entry[] => [...entries(600), ...(isPruned ? [record] : [])];
  const copied = await copyLog(
    {
      getAuditCheckpoint: async (epoch) => {
        const note = noteOf(list(), LOG, LOG.name);
        return await Promise.resolve({
          ok: true,
          value: { epoch, size: list().length, note, witnessed: null },
        });
      },
      listAuditEntries: async (_, from, limit) => {
        isPruned ||= page === at;
        page += 1;
        const some = list().slice(from, from + limit);
        const isGone = isPruned && from < 512;
        const data = some.map(({ leaf, salt, payload }, i) => ({
          index: from + i,
          leaf: Buffer.from(leaf).toString("latin1"),
          salt: Buffer.from(salt).toString("base64"),
          payload,
          opened: null,
        }));
        const hashes = some.map(({ leaf }) => Buffer.from(leafHash(leaf)).toString("base64"));
        const minimum = isPruned ? 512 : 0;
        return await Promise.resolve({
          ok: true,
          value: {
            data: isGone ? [] : data,
            hashes: isGone ? hashes : [],
            size: list().length,
            minimum_index: minimum,
          },
        });
      },
    },
    logOf(LOG),
    folder,
    "payloads",
    async () => await Promise.resolve(),
  );
  // Where all that was pruned had been read, nobody needs the record.
  expect(copied).toEqual({ ok: true, value: { size: at === 2 ? 600 : 601 } });
  expect(verified(folder)).toBe(at === 2 ? 600 : 601);
});

test("a payload that is gone with no record is copied as that, after a while", async () => {
  const folder = folderOf();
  const { naps } = await copyRacing(folder, {
    erasedAtPage: (page) => (page === 0 ? 5 : undefined),
    signedAfter: 1_000,
  });
  expect(naps).toBe(49);
  expect(verified(folder)).toMatchObject([{ code: "payload_removed", at: "entry 5" }]);
  expect((await copyRacing(folderOf(), { erasedAtPage: () => 5, depth: "bare" })).naps).toBe(0);
});

test("the proof that witnesses have seen a log is never ahead of the checkpoint", async () => {
  const folder = folderOf();
  await copy(folder, { list: HONEST });
  // Nothing can be put there.
  mkdirSync(join(folder, "witnessed", "x"), { recursive: true });
  await expect(copy(folder, { list: entries(600), isWitnessed: true })).rejects.toThrow(/witnessed/);
  expect(verified(folder)).toBe(600);
});

test("what is sealed is written for who asks for it alone, and goes from a copy that is brought forward once it is erased", async () => {
  const folder = folderOf();
  const openedOf = (): (string | undefined)[] => {
    const files = filesOf(folder);
    return ["opened/000", "opened/001"].map((path) => files.get(path)?.replaceAll(/[^0-9\n]/g, ""));
  };
  await copy(folder, { list: HONEST });
  expect(openedOf()).toEqual([undefined, undefined]);
  await copy(folder, { list: HONEST }, "opened");
  expect(openedOf()).toEqual(["2020\n120120\n220220\n", undefined]);
  const later = entries(400);
  expect(await copy(folder, { list: later, erased: [20, 120, 220] }, "opened")).toBe("copied 400");
  expect(openedOf()).toEqual(["", "320320\n"]);
  expect([...filesOf(folder).values()].some((content) => content.includes("Ann 20"))).toBe(false);
});

test("what was opened before goes from a copy that is continued without it, once it is erased", async () => {
  const folder = folderOf();
  await copy(folder, { list: HONEST }, "opened");
  const before = filesOf(folder).get("opened/000");
  await copy(folder, { list: entries(400) });
  expect(filesOf(folder).get("opened/000")).toBe(before);
  expect(await copy(folder, { list: entries(500), erased: [120] })).toBe("copied 500");
  expect(
    filesOf(folder)
      .get("opened/000")
      ?.replaceAll(/[^0-9\n]/g, ""),
  ).toBe("2020\n220220\n");
});

test.each(["bare", "payloads", "opened"] as const)(
  "a copy (%s) that was brought forward many times is whole, with the smaller tiles that it had",
  async (depth) => {
    const folder = folderOf();
    for (const size of [1, 5, 88, 255, 256, 257, 300, 512, 600])
      expect(await copy(folder, { list: entries(size) }, depth)).toBe(`copied ${size}`);
    expect(verified(folder)).toBe(600);
    expect([...filesOf(folder).keys()].filter((path) => path.startsWith("tile/0/000.p/"))).toHaveLength(4);
    expect([...filesOf(folder).keys()].filter((path) => path.startsWith("."))).toEqual([]);
    writeLogFile(folder, "tile/0/000.p/5", Buffer.alloc(160, 1));
    expect(verified(folder)).toMatchObject([{ code: "tile_ambiguous", at: "entries 0 to 255" }]);
  },
);

test("a copy of the beginning of a bundle stays whole when the bundle was pruned before the copy went on", async () => {
  const folder = folderOf();
  const record = entry(600, { subject: "pruned:1:256", version: 1, kind: "log.pruned" });
  expect(await copy(folder, { list: entries(200) })).toBe("copied 200");
  expect(await copy(folder, { list: [...entries(600), record], pruned: 256 })).toBe("copied 601");
  expect(verified(folder)).toBe(601);
});

test("what a copy that was killed left is told, kept for a week in case it goes on, and then swept", async () => {
  const folder = folderOf();
  await copy(folder, { list: HONEST });
  for (const name of ["old", "new"]) writeLogFile(folder, `.incoming-${name}/tile/0/001`, "x");
  const eightDaysAgo = new Date(Date.now() - 8 * 86_400_000);
  utimesSync(join(folder, ".incoming-old"), eightDaysAgo, eightDaysAgo);
  expect(verified(folder)).toBe(300);
  await copy(folder, { list: entries(400) });
  expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([".incoming-new"]);
});

test("of two copies into one folder at once the later one to end is refused", async () => {
  const folder = folderOf();
  await copy(folder, { list: HONEST });
  const others: Promise<string>[] = [];
  const ended = await copy(folder, {
    list: entries(500),
    onPage: async () => {
      if (others.length === 0) others.push(copy(folder, { list: entries(600) }));
      await Promise.all(others);
    },
  });
  expect([ended, ...(await Promise.all(others))]).toEqual(["copy_diverges", "copied 600"]);
  expect(verified(folder)).toBe(600);
});

/** The gate kills at one operation in so many, the night at each. */
const EVERY = inject("everyBreak") ? 1 : 3;

/** A disk whose k-th operation, and each after it, is never made: the process was killed there. */
function dyingAt(k: number): { readonly disk: CopyOperations; readonly calls: () => number } {
  let calls = 0;
  const guard =
    <A extends readonly unknown[], T>(work: (...args: A) => T) =>
    (...args: A): T => {
      calls += 1;
      if (calls >= k) throw new Error("killed");
      return work(...args);
    };
  return {
    calls: () => calls,
    disk: {
      makeFolder: guard(DISK.makeFolder),
      makeRoom: guard(DISK.makeRoom),
      write: guard(DISK.write),
      rename: guard(DISK.rename),
      sync: guard(DISK.sync),
      remove: guard(DISK.remove),
      removeEmpty: guard(DISK.removeEmpty),
    },
  };
}

test("a copy that is killed at any operation is whole, as it was or as it was to be, and goes on with the next command", async () => {
  const [before, after] = [entries(3), entries(257)];
  const whole = folderOf();
  await copy(whole, { list: before }, "opened");
  const alive = dyingAt(Number.POSITIVE_INFINITY);
  await copy(whole, { list: after }, "opened", alive.disk);
  const states: unknown[] = [];
  for (let k = 1; k <= alive.calls(); k += EVERY) {
    const folder = folderOf();
    await copy(folder, { list: before }, "opened");
    await expect(copy(folder, { list: after }, "opened", dyingAt(k).disk)).rejects.toThrow("killed");
    const state = verified(folder);
    states.push(state);
    // Without anything new: what was begun is ended all the same.
    const list = state === 3 ? before : after;
    expect([k, await copy(folder, { list }, "opened")]).toEqual([k, `copied ${list.length}`]);
    expect([k, verified(folder), readdirSync(folder).filter((name) => name.endsWith("-whole"))]).toEqual([
      k,
      list.length,
      [],
    ]);
    if (list === after) {
      const kept = [...filesOf(folder)].filter(([path]) => !path.startsWith(".incoming-"));
      expect([k, new Map(kept)]).toEqual([k, filesOf(whole)]);
    }
  }
  // Killed before the rename that makes the copy what it is to be, and after it.
  expect(new Set(states)).toEqual(new Set([3, 257]));
  expect(states.indexOf(257) * EVERY).toBeGreaterThan(10);
  expect(states.slice(states.indexOf(257)).every((size) => size === 257)).toBe(true);
});
