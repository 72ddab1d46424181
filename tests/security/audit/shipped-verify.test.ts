// Tampering, found by the verifier as it is shipped (invariant 11): a copy of a real log, changed in each way on its own,
// against a key and a checkpoint that somebody has kept elsewhere. The server is not asked.

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { auditLogListSchema, runSummarySchema } from "@assent/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compiledBefore } from "../../support/compiled.ts";
import { createInProcessTarget } from "../../support/target/local-target.ts";
import { until } from "../../support/until.ts";

const PROGRAM = fileURLToPath(new URL("../../../packages/harness/bin/assent.mjs", import.meta.url));

const target = createInProcessTarget();
const folder = mkdtempSync(join(tmpdir(), "assent-shipped-"));
const copy = join(folder, "copy");
let key = "";

type Ended = { readonly code: number; readonly said: string };

async function assent(...words: readonly string[]): Promise<Ended> {
  const env = {
    PATH: process.env["PATH"],
    ...compiledBefore(),
    ASSENT_URL: target.endpoints()[0],
    ASSENT_TOKEN: target.key("auditor") ?? "",
  };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [PROGRAM, ...words], { env });
    return { code: 0, said: stdout + stderr };
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || !("stdout" in error) || !("stderr" in error))
      throw error;
    return { code: Number(error.code), said: `${String(error.stdout)}${String(error.stderr)}` };
  }
}

async function ask(role: "requester" | "auditor", path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${target.endpoints()[0] ?? ""}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      authorization: `Bearer ${target.key(role) ?? ""}`,
      "content-type": "application/json",
      "idempotency-key": `shipped-${(asked += 1)}`,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return await answer.json();
}
let asked = 0;

/** One more run, and the log signed as far as it goes. */
async function addHistory(): Promise<void> {
  const body = { agent: "reader", task: "Read the file.", workspace: "notes" };
  const { id } = runSummarySchema.parse(await ask("requester", "/api/harness/run", body));
  await until("the run ends", async () => {
    const run = await ask("requester", `/api/harness/runs/${id}`);
    return typeof run === "object" && run !== null && "finished_at" in run && run.finished_at !== null;
  });
  await until("all of it is signed", async () => {
    const log = auditLogListSchema.parse(await ask("auditor", "/api/harness/audit/logs")).data.at(-1);
    key = log?.keys[0] ?? "";
    return log !== undefined && log.size > 0 && log.signed_size === log.size;
  });
}

beforeAll(async () => {
  await target.start();
  await addHistory();
  const exported = await assent("audit", "export", copy);
  if (exported.code !== 0) throw new Error(exported.said);
  writeFileSync(join(folder, "remembered"), readFileSync(join(copy, "checkpoint")));
});
afterAll(async () => {
  await target.stop();
  rmSync(folder, { recursive: true, force: true });
});

const verify = async (of: string, remembered = join(folder, "remembered")): Promise<Ended> =>
  await assent("audit", "verify", of, "--key", key, "--remembered", remembered);

/** The file with the newest entries: the last, and of full or partial width. */
function bundleOf(of: string): string {
  const found = readdirSync(join(of, "tile", "entries"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const [first] = found.toSorted();
  if (first === undefined) throw new Error("the copy has no entries");
  return first;
}

// C2SP tlog-tiles: each entry behind its length in two bytes.
function readBundle(bytes: Buffer): Buffer[] {
  const entries: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = bytes.readUInt16BE(at);
    entries.push(bytes.subarray(at + 2, at + 2 + size));
    at += 2 + size;
  }
  return entries;
}

const writeBundle = (entries: readonly Buffer[]): Buffer =>
  Buffer.concat(
    entries.flatMap((entry) => {
      const size = Buffer.alloc(2);
      size.writeUInt16BE(entry.length);
      return [size, entry];
    }),
  );

async function tampered(name: string, change: (entries: Buffer[]) => readonly Buffer[]): Promise<Ended> {
  const of = join(folder, name);
  cpSync(copy, of, { recursive: true });
  const bundle = bundleOf(of);
  const before = readFileSync(bundle);
  const after = writeBundle(change(readBundle(before)));
  expect(after.equals(before)).toBe(false);
  writeFileSync(bundle, after);
  return await verify(of);
}

/** Where the history is changed; far enough from both ends that neither is what is found. */
const PLACE = 3;

const edited = (entry: Buffer | undefined): Buffer =>
  Buffer.from(
    (entry ?? Buffer.alloc(0)).toString("latin1").replace(/"kind":"[a-z_.]/, '"kind":"x'),
    "latin1",
  );

test("an honest copy verifies", async () => {
  const honest = await verify(copy);
  expect([honest.code, honest.said]).toEqual([0, expect.stringMatching(/verified/i)]);
});

test.each<[string, RegExp, (entries: Buffer[]) => readonly Buffer[]]>([
  ["edited", /entry 3: .*\(entry_altered\)/, (entries) => entries.with(PLACE, edited(entries[PLACE]))],
  ["removed", /\(entries_missing\)/, (entries) => entries.toSpliced(PLACE, 1)],
  [
    "moved",
    /entry 3: .*\(entry_altered\)[^]*entry 4: .*\(entry_altered\)/,
    (entries) => entries.toSpliced(PLACE, 2, ...entries.slice(PLACE, PLACE + 2).toReversed()),
  ],
  [
    "inserted",
    /entry 4: .*\(version_repeated\)/,
    (entries) => entries.toSpliced(PLACE, 0, edited(entries[PLACE])),
  ],
  ["cut-off", /entry \d+: .*\(entries_missing\)/, (entries) => entries.slice(0, -1)],
])("an entry that was %s is found: %s", async (name, finding, change) => {
  const { code, said } = await tampered(name, change);
  expect(code).toBe(1);
  expect(said).toMatch(finding);
});

test("a checkpoint that nobody of the log has signed is found", async () => {
  const of = join(folder, "resigned");
  cpSync(copy, of, { recursive: true });
  const note = readFileSync(join(of, "checkpoint"), "utf8");
  const [origin = "", size = "", root = ""] = note.split("\n");
  const bytes = Buffer.from(root, "base64");
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  const other = bytes.toString("base64");
  writeFileSync(
    join(of, "checkpoint"),
    note.replace(`${origin}\n${size}\n${root}`, `${origin}\n${size}\n${other}`),
  );
  expect((await verify(of)).code).toBe(1);
});

test("a history that ends before the checkpoint that somebody kept is found", async () => {
  await addHistory();
  const later = join(folder, "later");
  expect((await assent("audit", "export", later)).code).toBe(0);
  expect((await verify(later)).code).toBe(0);
  const { code, said } = await verify(copy, join(later, "checkpoint"));
  expect(code).toBe(1);
  expect(said).toMatch(/remembered|cut|behind/i);
});
