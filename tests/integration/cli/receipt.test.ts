// `assent audit receipt` and `assent audit verify <folder>` as they are typed: no server is asked for anything.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatProof, proveInclusion, signerKey, treeHash } from "@assent/tlog";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  entries,
  type Entry,
  entry,
  exportOf,
  hashesOf,
  LOG,
  noteOf,
  ORIGIN,
  rewritten,
  seed,
  STRANGER,
} from "../../../packages/harness/src/core/audit/testing/made-export.ts";
import { folderOf } from "../../support/folder-of.ts";
import { assent, json, member } from "./support/command.ts";
import { type FakeHarness, startFakeHarness } from "./support/fake-harness.ts";

let fake: FakeHarness;
beforeEach(async () => void (fake = await startFakeHarness()));
afterEach(async () => await fake.close());

const LIST = entries(77);

type Receipt = { epoch: number; index: number; leaf: string; proof: string };
function receiptOf(index: number, list: readonly Entry[] = LIST, note = noteOf(list)): Receipt {
  const hashes = hashesOf(list);
  const read = (level: number, place: number): Uint8Array =>
    treeHash(hashes.slice(place * 2 ** level, (place + 1) * 2 ** level));
  const proof = formatProof({
    index,
    hashes: proveInclusion(read, index, list.length),
    checkpoint: note,
    extra: null,
  });
  const { leaf } = list[index] ?? expect.unreachable();
  return { epoch: 1, index, leaf: Buffer.from(leaf).toString("latin1"), proof };
}

async function verify(receipt: unknown, vkey = LOG.vkey): Promise<readonly [number, unknown]> {
  const file = join(folderOf(new Map()), "receipt");
  writeFileSync(file, JSON.stringify(receipt));
  const done = await assent(fake, ["audit", "receipt", file, "--key", vkey, "--json"]);
  return [done.code, done.code === 2 ? null : member(json(done), "verified")];
}

const OTHER = signerKey("assent-0/audit/ten_1", 0x01, seed(1));
const foreign = [...LIST, entry(77, { log: "assent-0/audit/ten_1" })];

test("a receipt is verified with a pinned key, by itself or in the answer that held it", async () => {
  expect(await verify(receiptOf(50))).toEqual([0, true]);
  expect(await verify({ status: "approved", receipt: receiptOf(50) })).toEqual([0, true]);
  expect(fake.received).toEqual([]);
});

test.each<[string, unknown, string?]>([
  ["another place than is proved", { ...receiptOf(50), index: 51 }],
  ["another log than is proved", { ...receiptOf(50), epoch: 2 }],
  ["another entry than is proved", { ...receiptOf(50), leaf: receiptOf(51).leaf }],
  ["a stranger's key", receiptOf(50), STRANGER.vkey],
  ["another tenant's key", receiptOf(50), OTHER.vkey],
  ["another tenant's checkpoint", receiptOf(50, LIST, noteOf(LIST, OTHER, OTHER.name))],
  ["another tenant's entry under this log's signature", receiptOf(77, foreign)],
  ["a fork's proof and this log's checkpoint", receiptOf(50, rewritten(3).slice(0, 77), noteOf(LIST))],
  ["bytes behind the proof", { ...receiptOf(50), proof: `${receiptOf(50).proof}x` }],
  ["a hash more than leads to the root", { ...receiptOf(50), proof: longer(receiptOf(50).proof) }],
  ["other ends of lines", { ...receiptOf(50), proof: receiptOf(50).proof.replaceAll("\n", "\r\n") }],
  [
    "a checkpoint of one entry less",
    { ...receiptOf(50), proof: receiptOf(50).proof.replace("\n77\n", "\n76\n") },
  ],
])("a receipt is refused with %s", async (_, receipt, vkey) => {
  expect(await verify(receipt, vkey)).toEqual([1, false]);
});

function longer(proof: string): string {
  const hash = proof.split("\n")[2] ?? expect.unreachable();
  return proof.replace("\n\n", `\n${hash}\n\n`);
}

test.each<[string, unknown]>([
  ["a field that no receipt has", { ...receiptOf(50), note: "all is well" }],
  ["a place that is none", { ...receiptOf(50), index: -1 }],
  ["nothing", null],
])("what holds %s is no receipt", async (_, receipt) => {
  expect(await verify(receipt)).toEqual([2, null]);
});

test("a folder is verified as it is typed: what nothing was read of is told, and what nobody signed is named", async () => {
  const run = async (
    files: Map<string, Uint8Array>,
    ...more: string[]
  ): Promise<readonly [number, string]> => {
    const done = await assent(fake, ["audit", "verify", folderOf(files), "--key", LOG.vkey, ...more]);
    return [done.code, done.terminal.stdout()];
  };
  const files = exportOf(LIST);
  expect(await run(files)).toEqual([0, expect.stringContaining(`Log verified: 77 entries of ${ORIGIN}`)]);
  files.set(".incoming-Ab3/tile/0/000", new Uint8Array(32));
  expect(await run(files)).toEqual([0, expect.stringContaining("1 files were not read")]);
  files.set("tile/0/001.p/1", new Uint8Array(32));
  expect(await run(files)).toEqual([1, expect.stringContaining("tile/0/001.p/1: it is past the end")]);
  expect(await run(files, "--published")).toEqual([0, expect.stringContaining("2 files were not read")]);
});

test("a folder that is not there is a slip, named by its path, and no finding about a log", async () => {
  const folder = folderOf(exportOf(LIST));
  const gone = `${folder}-gone`;
  for (const words of [[gone], [`${folder}/checkpoint`], [folder, "--later", gone]]) {
    const done = await assent(fake, ["audit", "verify", ...words, "--key", LOG.vkey]);
    expect([done.code, done.terminal.stdout()]).toEqual([2, ""]);
    expect(done.terminal.stderr()).toContain(`there is no folder ${words.at(-1)}`);
  }
});

test("a copy is held against a time that is named, and the verdict says which, and what passes by it alone", async () => {
  const folder = folderOf(exportOf([...LIST, entry(77, { time: new Date("2100-01-01T00:00:00Z") })]));
  const run = async (...more: string[]): Promise<readonly [number, string]> => {
    const done = await assent(fake, ["audit", "verify", folder, "--key", LOG.vkey, ...more]);
    return [done.code, done.terminal.stdout() + done.terminal.stderr()];
  };
  expect(await run()).toEqual([1, expect.stringMatching(/entry 77: .*still to come.*--now/u)]);
  const [code, said] = await run("--now", "2100-01-01T02:00:01+02:00");
  expect([code, said]).toEqual([
    0,
    expect.stringContaining("2100-01-01T00:00:01.000Z, which was given (--now)"),
  ]);
  expect(said).toContain("by that clock 1 times in the log are still to come");
  expect(await run("--now", "2100-01-01T02:00:01")).toEqual([2, expect.stringContaining("RFC 3339")]);
  const done = await assent(fake, ["audit", "verify", "--db", "--now", "2100-01-01T02:00:01Z"]);
  expect([done.code, done.terminal.stderr()]).toEqual([2, expect.stringContaining("--now is for a copy")]);
});

test.each<[string, string[], string]>([
  ["a policy, with a run", [`run_${"1".repeat(32)}`, "--policy", "p"], "--policy is for a copy"],
  [
    "a kept checkpoint, with a run",
    [`run_${"1".repeat(32)}`, "--remembered", "p"],
    "--remembered is for a copy",
  ],
  ["a key, with a run", [`run_${"1".repeat(32)}`, "--key", LOG.vkey], "--key is for a copy"],
  ["a policy, with the database", ["--db", "--policy", "p"], "--policy is for a copy"],
  ["a later log, with the database", ["--db", "--later", "p"], "--later is for a copy"],
  [
    "how old cosignatures may be, with the database",
    ["--db", "--cosigned-within", "5"],
    "--cosigned-within is for",
  ],
  [
    "how old cosignatures may be, of nobody",
    [".", "--key", LOG.vkey, "--cosigned-within", "5"],
    "none are named",
  ],
])("what somebody wants to be looked at and is not is refused: %s", async (_, words, line) => {
  const done = await assent(fake, ["audit", "verify", ...words]);
  expect([done.code, done.terminal.stdout()]).toEqual([2, ""]);
  expect(done.terminal.stderr()).toContain(line);
});

test.each<[string, string | null, string]>([
  ["a policy that is not there", null, "cannot be read (ENOENT)"],
  ["a policy that is none", "witness\n", "policy"],
  ["a policy that says of no witness where it is", "quorum none\n", "it says of no witness where it is"],
])("a copy is shown to nobody, and that is said, with %s", async (_, text, line) => {
  const folder = folderOf(text === null ? new Map() : new Map([["policy", Buffer.from(text)]]));
  const done = await assent(fake, ["audit", "cosign", folder, "--policy", join(folder, "policy")]);
  expect([done.code, done.terminal.stdout()]).toEqual([2, ""]);
  expect(done.terminal.stderr()).toContain(line);
});
