import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openFsStore } from "../../fs-store.ts";
import { AgentProvenance } from "../../provenance.ts";
import type { HarmonyStore } from "../../store.ts";
import { FsMergeWorkspace } from "./fs-workspace.ts";
import type { MergeSetting } from "./memory.ts";
import { answerMerge, learnMerge } from "./merge.ts";
import { importRrCache, readPair } from "./rr-cache.ts";

// Only a hang is to fail here: every record is fsynced, and a busy machine may take its time.

let root = "";
let cache = "";
let store: HarmonyStore;
let setting: MergeSetting;
let clock = 0;

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "harmony-rr-"));
  cache = join(root, "rr-cache");
  store = openFsStore(root);
  clock = Date.parse("2026-01-01T00:00:00Z");
  const now = (): Date => new Date((clock += 1000));
  setting = {
    store,
    workspace: new FsMergeWorkspace(root),
    actor: AgentProvenance.human("bob"),
    now,
    scope: "",
  };
});

afterEach(() => {
  fs.rmSync(root, { recursive: true, force: true });
});

function entry(name: string, files: Record<string, string | Buffer>): void {
  fs.mkdirSync(join(cache, name), { recursive: true });
  for (const [file, content] of Object.entries(files)) fs.writeFileSync(join(cache, name, file), content);
}

const ID = "0123456789abcdef0123456789abcdef01234567";
const PREIMAGE = "top\n<<<<<<<\na\n=======\nb\n>>>>>>>\nend\n";

const id = (digit: string): string => digit.repeat(40);

/** Any characters of the first 8,192, control characters among them. */
const anyText: fc.Arbitrary<string> = fc
  .array(fc.integer({ min: 0, max: 0x1_fff }), { maxLength: 40 })
  .map((points) => String.fromCodePoint(...points));

test("what git itself remembered is proposed, with its origin, and never applied by itself", async () => {
  const repository = join(root, "repository");
  fs.mkdirSync(repository);
  const environment = {
    PATH: process.env["PATH"],
    HOME: root,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
  };
  const git = (...args: string[]): void => {
    const names = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "rerere.enabled=true"];
    try {
      execFileSync("git", [...names, ...args], { cwd: repository, env: environment, stdio: "ignore" });
    } catch (error) {
      // A merge that stops at a conflict exits with 1, as it should here.
      if (args[0] !== "merge") throw error;
    }
  };
  const write = (text: string): void => fs.writeFileSync(join(repository, "f.txt"), text);
  const commit = (text: string): void => {
    write(text);
    git("add", "-A");
    git("commit", "-qm", "x");
  };
  git("init", "-q", "-b", "main");
  commit("one\nv = 1\nlast\n");
  git("checkout", "-qb", "topic");
  commit("one\nv = 2\nlast\n");
  git("checkout", "-q", "main");
  commit("one\nv = 3\nlast\n");
  git("merge", "topic");
  commit("one\nv = 23\nlast\n");

  const folder = join(repository, ".git/rr-cache");
  expect(await importRrCache(folder, setting)).toEqual({ entries: 1, imported: 1, known: 0, skipped: 0 });
  expect(await importRrCache(folder, setting)).toEqual({ entries: 1, imported: 0, known: 1, skipped: 0 });

  // The cache knows no base; the conflict at hand has one, and its sides come the other way round.
  const text = "x\n<<<<<<< HEAD\nv = 2\n||||||| base\nv = 1\n=======\nv = 3\n>>>>>>> other\ny\n";
  fs.writeFileSync(join(root, "g.txt"), text);
  const [file] = (await answerMerge(["g.txt"], setting, { dryRun: false })).files;
  expect(file).toMatchObject({
    status: "conflicted",
    conflicts: [{ status: "proposed", reason: "exact_without_base" }],
  });
  const [report] = file?.status === "conflicted" ? file.conflicts : [];
  expect(report?.candidates[0]).toMatchObject({
    text: "v = 23\n",
    provenance: { principalId: "imported from git rr-cache" },
  });
  expect(fs.readFileSync(join(root, "g.txt"), "utf8")).toBe(text);

  // A person's own decision of it is exact and applies; the import is confirmed by nobody.
  fs.writeFileSync(join(root, "g.txt"), "x\nv = 23\ny\n");
  await learnMerge(["g.txt"], setting);
  fs.writeFileSync(join(root, "h.txt"), text);
  expect((await answerMerge(["h.txt"], setting, { dryRun: false })).files).toMatchObject([
    { status: "resolved" },
  ]);
});

test("variants are pairs of their own, and only certain answers are taken", async () => {
  entry(ID, {
    preimage: PREIMAGE,
    postimage: "top\nboth\nend\n",
    "preimage.1": PREIMAGE,
    "postimage.1": "top\nother\nend\n",
    "preimage.2": PREIMAGE,
    "postimage.2": "rewritten\n",
    "preimage.3": PREIMAGE,
    thisimage: PREIMAGE,
  });
  expect(await importRrCache(cache, setting)).toEqual({ entries: 3, imported: 2, known: 0, skipped: 1 });
  const [pattern] = await store.listPatterns();
  const resolutions = await store.listResolutions(pattern?.patternId ?? "");
  expect(resolutions.map(({ result }) => result ?? "").toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    "both\n",
    "other\n",
  ]);
  expect(resolutions.map(({ humanVerified }) => humanVerified)).toEqual([false, false]);
});

test("hostile entries are skipped: names, links, pipes, bytes, sizes, nested markers, folders for files", async () => {
  entry("../escape", { preimage: PREIMAGE, postimage: "top\nx\nend\n" });
  entry("not-hex", { preimage: PREIMAGE, postimage: "top\nx\nend\n" });
  entry(id("1"), { preimage: Buffer.from([0xff, 0xfe]), postimage: "x\n" });
  entry(id("2"), {
    preimage: PREIMAGE.replace("a\n", "<<<<<<<\na\n=======\nb\n>>>>>>>\n"),
    postimage: "top\nx\nend\n",
  });
  entry(id("3"), { preimage: PREIMAGE, postimage: "top\n\0\nend\n" });
  entry(id("4"), { preimage: PREIMAGE, postimage: Buffer.alloc(8_388_609, 0x61) });
  entry(id("5"), { postimage: "top\nx\nend\n" });
  entry(id("6"), { preimage: PREIMAGE });
  fs.symlinkSync("/etc/hostname", join(cache, id("6"), "postimage"));
  entry(id("7"), { preimage: PREIMAGE });
  fs.mkdirSync(join(cache, id("7"), "postimage"));
  entry(id("8"), { preimage: PREIMAGE });
  execFileSync("mkfifo", [join(cache, id("8"), "postimage")]);
  fs.symlinkSync(join(cache, id("1")), join(cache, id("9")));
  entry(id("a"), { preimage: PREIMAGE, postimage: "top\ngood\nend\n" });
  expect(await importRrCache(cache, setting)).toEqual({ entries: 3, imported: 1, known: 0, skipped: 8 });
  expect(await importRrCache(join(root, "nowhere"), setting)).toEqual({
    entries: 0,
    imported: 0,
    known: 0,
    skipped: 0,
  });
});

test("no pair of texts makes the reader throw, and what it calls an answer stands in the post-image", () => {
  const line = fc.constantFrom(
    "<<<<<<<\n",
    "=======\n",
    ">>>>>>>\n",
    "|||||||\n",
    "a\n",
    "b\r\n",
    "top\n",
    "end",
  );
  const plain = fc
    .array(fc.constantFrom("a\n", "b\r\n", "top\n"), { maxLength: 4 })
    .map((lines) => lines.join(""));
  const marks = fc.array(line, { maxLength: 12 }).map((lines) => lines.join(""));
  const noise = fc.oneof(plain, marks, anyText);
  const framed = fc.tuple(plain, plain).map(([a, b]) => `top\n<<<<<<<\n${a}=======\n${b}>>>>>>>\nend\n`);
  const preimage = fc.oneof(noise, framed);
  let certain = 0;
  fc.assert(
    fc.property(preimage, noise, fc.boolean(), (before, after, whole) => {
      const postimage = whole ? `top\n${after}end\n` : after;
      for (const found of readPair(before, postimage)) {
        if (found === null) continue;
        certain += 1;
        expect(postimage).toContain(found.text);
      }
    }),
    { seed: 42, numRuns: 3000 },
  );
  expect(certain).toBeGreaterThan(200);
});
