// A verifier in another language, which shares no code with the one that is shipped, reads the same exports and finds the
// same things (packages/tlog/verify.py). Where there is no python3 it says so, and nothing was looked at.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  formatProof,
  leafHash,
  proveInclusion,
  type SignerKey,
  treeHash,
  type VerifierKey,
} from "@assent/tlog";
import { expect, test } from "vitest";
import {
  at,
  entries,
  entry,
  exportOf,
  type Files,
  flip,
  hashesOf,
  LOG,
  noteOf,
  pruned,
  rewritten,
  SECOND,
  signedBy,
  SIZE,
  STRANGER,
  without,
  withLineOf,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { RFC8032, readRfc9881 } from "../../../packages/tlog/src/testing/published.ts";
import {
  type Ended,
  isPythonHere,
  SECOND_VERIFIER,
  secondVerifier,
  secondVerifierAccepts,
} from "../../support/second-verifier.ts";
import { folderOf } from "../../support/folder-of.ts";

const HONEST = entries(SIZE);

async function verify(
  files: Files,
  remembered: string | null = null,
  keys: readonly VerifierKey[] = [LOG],
): Promise<Ended> {
  const folder = folderOf(files);
  const memory = folderOf(new Map([["kept", remembered ?? ""]]));
  const kept = remembered === null ? [] : ["--remembered", join(memory, "kept")];
  return await secondVerifier("export", folder, ...keys.flatMap(({ vkey }) => ["--key", vkey]), ...kept);
}

const changed = (path: string, change: (bytes: Buffer) => Buffer | string): Files => {
  const files = exportOf(HONEST);
  return files.set(path, Buffer.from(change(at(files, path))));
};

const ALLOWED: readonly (readonly [string, () => Files, string | null])[] = [
  ["as it was exported, with what was kept", () => exportOf(HONEST), noteOf(HONEST.slice(0, 300))],
  ["of one entry", () => exportOf(entries(1)), null],
];

const ATTACKS: readonly (readonly [string, () => Files, string, string?])[] = [
  ["an entry's byte", () => changed("tile/entries/001", (bytes) => flip(bytes, 150)), "entry 256: "],
  ["a tile's hash", () => changed("tile/0/001", (bytes) => flip(bytes, 32 * 9)), "entry 265: "],
  ["an entry taken out, signed anew", () => exportOf(HONEST.toSpliced(40, 1)), "entry 42: number"],
  ["an entry put in, signed anew", () => exportOf(HONEST.toSpliced(50, 0, entry(47))), "entry 50: number"],
  [
    "all of it written anew",
    () => exportOf(rewritten(10), noteOf(HONEST)),
    "entries 0 to 599: they do not give",
  ],
  [
    "a stranger's signature",
    () => exportOf(HONEST, noteOf(HONEST, STRANGER)),
    "checkpoint: the key has not signed",
  ],
  [
    "another root under the signature",
    () => exportOf(HONEST, noteOf(HONEST).replace("\n600\n", "\n601\n")),
    "checkpoint: the signature is not the key's",
  ],
  ["the tail cut off", () => exportOf(HONEST.slice(0, 200)), "entry 200: the log ends here", noteOf(HONEST)],
  ["a fork", () => exportOf(rewritten(10)), "entries 0 to 299: they are not", noteOf(HONEST.slice(0, 300))],
  [
    "a payload",
    () =>
      changed("payloads/000", (bytes) =>
        bytes.toString().replace(String.raw`{\"i\":7,`, String.raw`{\"i\":8,`),
      ),
    "entry 7: salt and payload",
  ],
  [
    "a payload taken away",
    () => changed("payloads/001", (bytes) => bytes.toString().split("\n").toSpliced(4, 1).join("\n")),
    "entry 260: its payload is gone",
  ],
  [
    "a checkpoint with other ends of lines",
    () => changed("checkpoint", (bytes) => bytes.toString().replaceAll("\n", "\r\n")),
    "checkpoint: the key has not signed",
  ],
  [
    "the payloads of a bundle taken away",
    () => new Map([...exportOf(HONEST)].filter(([path]) => path !== "payloads/001")),
    "entries 256 to 511: their payloads' file is missing",
  ],
  [
    "a payload that is said twice in its line",
    () => changed("payloads/001", (bytes) => bytes.toString().replace('"p":', '"p":"{}","p":')),
    "payloads from entry 256: a line that opens none",
  ],
  [
    "a payload of another bundle",
    () => changed("payloads/001", (bytes) => Buffer.concat([bytes, at(exportOf(HONEST), "payloads/000")])),
    "payloads from entry 256: a line that opens none",
  ],
  [
    "a partial tile filled up",
    () => changed("tile/0/002.p/88", (bytes) => Buffer.concat([bytes, Buffer.alloc(168 * 32)])),
    "entry 600: there is more than was signed",
  ],
  [
    "a hash of an upper tile",
    () => changed("tile/1/000.p/2", (bytes) => flip(bytes, 33)),
    "tile/1/000: it is not what the tiles below give",
  ],
];

const ifHere = <T>(cases: readonly T[]): readonly T[] => (isPythonHere ? cases : []);

test("the second verifier is part of the package, and needs nothing beside Python", () => {
  const imports = readFileSync(SECOND_VERIFIER, "utf8").match(/^(?:import|from) .*$/gm);
  expect(imports).toEqual(["import argparse, base64, datetime, hashlib, json, pathlib, re, sys"]);
});

test.each(ifHere([["RFC 8032 and RFC 9881"]]))("its arithmetic is that of %s", () => {
  const hex = (text: string): Uint8Array => Buffer.from(text, "hex");
  const other = (bytes: Uint8Array, place: number): Buffer => flip(Buffer.from(bytes), place);
  const { key, message, signature } = readRfc9881();
  const good = [
    ...RFC8032.map(([, , of, said, by]) => [0x01, hex(of), hex(said), hex(by)] as const),
    [0x06, key, message, signature] as const,
  ];
  const bad = good.flatMap(([type, of, said, by]) => [
    [type, of, Buffer.concat([said, Buffer.of(0)]), by] as const,
    [type, of, said, other(by, 0)] as const,
    [type, of, said, other(by, by.byteLength - 1)] as const,
    [type, other(of, 1), said, by] as const,
  ]);
  expect(secondVerifierAccepts([...good, ...bad])).toEqual([
    ...good.map(() => true),
    ...bad.map(() => false),
  ]);
});

test.for(ifHere(ALLOWED))("accepts a log %s", async ([, files, remembered]) => {
  expect(await verify(files(), remembered)).toEqual({
    code: 0,
    said: expect.stringMatching(/^verified: /),
  });
});

test.for(ifHere(ATTACKS))("finds: %s", async ([, files, finding, remembered]) => {
  const { code, said } = await verify(files(), remembered ?? null);
  expect([code, said]).toEqual([1, expect.stringContaining(finding)]);
});

const RECORDED = [...HONEST, entry(SIZE, { subject: "pruned:1:512", version: 1, kind: "log.pruned" })];

test.for(
  ifHere([
    [
      "takes a log for whole that says what was pruned",
      RECORDED,
      [0, 1],
      /^verified: 601 .*pruned up to 512/,
    ],
    ["finds a bundle that is gone without a record", HONEST, [0], /entries 0 to 255: they are missing/],
    [
      "finds a bundle that is gone past the record",
      [...HONEST, entry(SIZE, { subject: "pruned:1:256", version: 1, kind: "log.pruned" })],
      [0, 1],
      /^entries 256 to 511: they are missing/,
    ],
    [
      "finds a record that goes past itself",
      [...HONEST, entry(SIZE, { subject: "pruned:1:768", version: 1, kind: "log.pruned" })],
      [0],
      /entry 600: it records log.pruned of pruned:1:768/,
    ],
  ] as const),
)("the second verifier %s", async ([, list, bundles, said]) => {
  const ended = await verify(pruned(exportOf(list), ...bundles));
  expect([ended.code, ended.said]).toEqual([
    String(said).includes("verified") ? 0 : 1,
    expect.stringMatching(said),
  ]);
});

const SMALL = entries(3);
const TWO_LINES = signedBy(SMALL, [LOG, SECOND]);

test.for(
  ifHere([
    ["accepts both lines", TWO_LINES, [LOG, SECOND], /^verified/],
    ["accepts the first line for whom the second is not known", TWO_LINES, [LOG], /^verified/],
    ["accepts the second line alone where its key alone is pinned", TWO_LINES, [SECOND], /^verified/],
    [
      "finds the second line taken away",
      without(TWO_LINES, SECOND),
      [LOG, SECOND],
      /line of a type .* is missing/,
    ],
    [
      "finds the first line taken away",
      without(TWO_LINES, LOG),
      [LOG, SECOND],
      /line of a type .* is missing/,
    ],
    [
      "finds the second line of another tree",
      withLineOf(TWO_LINES, signedBy(entries(2), [LOG, SECOND]), SECOND),
      [LOG, SECOND],
      /the signature is not the key's/,
    ],
    [
      "finds a second line of another time",
      withTime(TWO_LINES, SECOND),
      [LOG, SECOND],
      /the signature is not the key's/,
    ],
  ] as const),
)("the second verifier %s", async ([, note, keys, said]) => {
  const ended = await verify(exportOf(SMALL, note), null, keys);
  expect([ended.code, ended.said]).toEqual([
    String(said).includes("verified") ? 0 : 1,
    expect.stringMatching(said),
  ]);
});

test.for(ifHere([null]))("the second verifier takes a memory of before the second line", async () => {
  const ended = await verify(exportOf(SMALL, TWO_LINES), noteOf(entries(2)), [LOG, SECOND]);
  expect(ended.said).toMatch(/^verified/);
});

function withTime(note: string, key: SignerKey): string {
  const lines = note.trimEnd().split("\n");
  const line = lines.pop() ?? "";
  const bytes = Buffer.from(line.split(" ").at(-1) ?? "", "base64");
  expect(bytes.readUInt32BE(0)).toBe(key.id);
  bytes[11] = 1;
  return `${[...lines, `\u2014 ${key.name} ${bytes.toString("base64")}`].join("\n")}\n`;
}

test.each(ifHere([77]))(
  "a receipt out of %s entries is verified for its entry, place and log, and for nothing else",
  async (size) => {
    const list = entries(size);
    const hashes = hashesOf(list);
    const index = 50;
    const read = (level: number, place: number): Uint8Array =>
      treeHash(hashes.slice(place * 2 ** level, (place + 1) * 2 ** level));
    const path = proveInclusion(read, index, list.length);
    const proof = formatProof({ index, hashes: path, checkpoint: noteOf(list), extra: null });
    const { leaf } = list[index] ?? entry(index);
    const ask = async (text: string, of: Uint8Array, key = LOG.vkey): Promise<Ended> => {
      const folder = folderOf(
        new Map<string, Uint8Array | string>([
          ["proof", text],
          ["entry", of],
        ]),
      );
      return await secondVerifier(
        "proof",
        join(folder, "proof"),
        "--entry",
        join(folder, "entry"),
        "--key",
        key,
      );
    };
    expect(await ask(proof, leaf)).toEqual({ code: 0, said: "verified: entry 50 of 77\n" });
    expect(treeHash([leafHash(leaf)])).toEqual(hashes[index]);
    const others = await Promise.all([
      ask(proof, (list[51] ?? entry(51)).leaf),
      ask(proof.replace("index 50", "index 51"), leaf),
      ask(proof, leaf, STRANGER.vkey),
      ask(proof.replace("index 50", "index 050"), leaf),
    ]);
    expect(others.map(({ code }) => code)).toEqual([1, 1, 1, 1]);
    // A receipt with a hash less leads nowhere.
    const short = formatProof({ index, hashes: path.slice(1), checkpoint: noteOf(list), extra: null });
    expect((await ask(short, leaf)).code).toBe(1);
  },
);

test.for(ifHere([["a time"]]))(
  "the second verifier takes %s that is named, and says so, and what passes by it alone",
  async () => {
    const folder = folderOf(exportOf([...HONEST, entry(SIZE, { time: new Date("2100-01-01T00:00:00Z") })]));
    const ask = async (...now: string[]): Promise<Ended> =>
      await secondVerifier("export", folder, "--key", LOG.vkey, ...now);
    expect(await ask()).toEqual({
      code: 1,
      said: expect.stringMatching(/^entry 600: .*still to come.*--now/u),
    });
    const said =
      /^verified: .*2100-01-01T00:00:01.500.*given \(--now\).*by which 1 times in the log are still to come/u;
    for (const now of ["2100-01-01T02:00:01.5+02:00", "2100-01-01T00:00:01.500Z"])
      expect(await ask("--now", now)).toEqual({ code: 0, said: expect.stringMatching(said) });
    // The machine's clock says more than was given: what was is past by both.
    expect(await ask("--now", "2020-01-01T00:00:00Z")).toEqual({
      code: 1,
      said: expect.stringMatching(/^entry 0: .*still to come[^]*times were held against 2020-01-01/u),
    });
    for (const none of ["2100-01-01T00:00:01", "2100-02-30T00:00:00Z", "tomorrow"])
      expect((await ask("--now", none)).code).toBe(2);
  },
);
