import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { assent, elements, json, makeFolder, member } from "./support/command.ts";
import { type FakeHarness, startFakeHarness } from "./support/fake-harness.ts";
import { artifactId, makeArtifact, makeRun, runId } from "./support/records.ts";

let fake: FakeHarness;
let folder: string;
beforeEach(async () => {
  fake = await startFakeHarness();
  folder = await makeFolder();
});
afterEach(async () => await fake.close());

const PATCH = Buffer.from("the patch\n");
const out = (...words: string[]): string[] => ["artifacts", runId(1), "--out", "results", ...words];

function offer(...names: string[]): void {
  const artifacts = names.map((name, index) => makeArtifact(index + 1, name, PATCH));
  fake.add(
    makeRun(1, { status: "succeeded", artifacts }),
    [],
    new Map(artifacts.map(({ id }) => [id, PATCH])),
  );
}

function serve(bytes: string, digestOf: string | null): void {
  const digest = createHash("sha256")
    .update(digestOf ?? "")
    .digest("base64");
  fake.intercept("GET", /artifacts\//, (response) =>
    response.writeHead(200, digestOf === null ? {} : { "content-digest": `sha-256=:${digest}:` }).end(bytes),
  );
}

test("lists artifacts, for people and as JSON", async () => {
  offer("changes.patch");
  const human = await assent(fake, ["artifacts", runId(1)]);
  expect(human.terminal.stdout()).toContain("changes.patch");
  const machine = await assent(fake, ["artifacts", runId(1), "--json"]);
  expect(json(machine)).toMatchObject({ run_id: runId(1), data: [{ name: "changes.patch" }], saved: [] });
});

test("downloads exactly the bytes, and overwrites nothing without --force", async () => {
  offer("changes.patch");
  const first = await assent(fake, out(), { cwd: folder });
  expect(first.code).toBe(0);
  const path = join(folder, "results", "changes.patch");
  expect(await readFile(path)).toEqual(PATCH);
  await writeFile(path, "mine");
  const again = await assent(fake, out(), { cwd: folder });
  expect(again.code).toBe(2);
  expect(again.terminal.stderr()).toContain("(file_exists)");
  // Nor is anything left beside it.
  expect((await readdir(join(folder, "results"))).filter((name) => name.endsWith(".part"))).toEqual([]);
  expect(await readFile(path, "utf8")).toBe("mine");
  const forced = await assent(fake, out("--force", "--json"), { cwd: folder });
  expect(json(forced)).toMatchObject({ saved: [{ name: "changes.patch", path }], findings: [] });
  expect(await readFile(path)).toEqual(PATCH);
  expect(await readdir(join(folder, "results"))).toEqual(["changes.patch"]);
});

test("--force replaces a link, it does not write through it", async () => {
  offer("changes.patch");
  await mkdir(join(folder, "results"));
  await writeFile(join(folder, "victim"), "mine");
  await symlink(join(folder, "victim"), join(folder, "results", "changes.patch"));
  expect((await assent(fake, out(), { cwd: folder })).code).toBe(2);
  expect((await assent(fake, out("--force"), { cwd: folder })).code).toBe(0);
  expect(await readFile(join(folder, "victim"), "utf8")).toBe("mine");
});

test.each<[string, string, string | null, string]>([
  ["other bytes of the same length", "the patcH\n", "the patcH\n", "artifact_digest_mismatch"],
  ["bytes missing", "the", "the", "artifact_size_mismatch"],
  ["a Content-Digest of something else", "the patch\n", "else", "content_digest_mismatch"],
  ["no Content-Digest", "the patch\n", null, "content_digest_mismatch"],
])("what does not verify is not written: %s", async (_, bytes, digestOf, code) => {
  offer("changes.patch");
  serve(bytes, digestOf);
  const done = await assent(fake, out("--json"), { cwd: folder });
  expect(done.code).toBe(1);
  expect(member(json(done), "saved")).toEqual([]);
  expect(elements(member(json(done), "findings")).map((finding) => member(finding, "code"))).toContain(code);
  expect(await readdir(join(folder, "results"))).toEqual([]);
});

test.each([
  "../../escape",
  "/etc/passwd",
  "..",
  ".bashrc",
  "a/b",
  String.raw`a\b`,
  "nul.txt",
  "x\u001B[2J",
  "a ",
  "-rf",
])("the name %j never becomes a path", async (name) => {
  offer(name);
  const done = await assent(fake, out(), { cwd: folder });
  expect(done.code).toBe(0);
  expect(await readdir(folder)).toEqual(["results"]);
  expect(await readdir(join(folder, "results"))).toEqual([`${artifactId(1)}.bin`]);
});

test.each([
  ["Changes.patch", "changes.patch"],
  ["changes.patch", "Changes.patch"],
  ["changes.patch", "changes.patch"],
])("%s and %s keep a file each, on every file system", async (first, second) => {
  offer(first, second);
  await assent(fake, out(), { cwd: folder });
  expect((await readdir(join(folder, "results"))).toSorted()).toEqual(
    [first, `${artifactId(2)}.bin`].toSorted(),
  );
});

test("a folder that cannot be made is said in one line", async () => {
  offer("changes.patch");
  await writeFile(join(folder, "results"), "a file");
  const done = await assent(fake, out(), { cwd: folder });
  expect(done.code).toBe(2);
  expect(done.terminal.stderr()).toMatch(/^assent: .* cannot be written: E\w+ \(file_unwritable\)\. .*\n$/);
});
