import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig, readEnvironment } from "../config.ts";
import { openArtifactStore } from "./artifact-store.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "assent-config-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const random = { bytes: (count: number): Uint8Array => new Uint8Array(count) };
const KEYS = { ASSENT_S3_ACCESS_KEY_ID: "id", ASSENT_S3_SECRET_ACCESS_KEY: "secret" };

function configure(artifacts: unknown, env: NodeJS.ProcessEnv = KEYS): ReturnType<typeof readConfig> {
  const file = join(folder, "assent.config.json");
  writeFileSync(file, JSON.stringify(artifacts === undefined ? {} : { artifacts }));
  return readConfig(file, readEnvironment(env), folder);
}

test("without a word about artifacts they are kept in the home", () => {
  rmSync(join(folder, "assent.config.json"), { force: true });
  const config = readConfig(null, readEnvironment({}), folder);
  expect(config.ok && config.value.artifacts).toBeNull();
  expect(config.ok && openArtifactStore(config.value, folder, random).ok).toBe(true);
});

test("a bucket without keys is refused at the start, and says which are missing", () => {
  const s3 = { endpoint: "https://s3.example.org/bucket", prefix: "a/b/" };
  const file = join(folder, "assent.config.json");
  writeFileSync(file, JSON.stringify({ artifacts: { s3 } }));
  const agents = mkdtempSync(join(tmpdir(), "assent-agents-"));
  const open = (env: NodeJS.ProcessEnv): unknown => {
    const config = readConfig(file, readEnvironment(env), agents);
    if (!config.ok) throw new Error(config.error.detail);
    expect(config.value.artifacts).toEqual({ ...s3, region: "us-east-1" });
    const opened = openArtifactStore(config.value, folder, random);
    return opened.ok ? "opened" : opened.error;
  };
  expect(open({})).toMatchObject({
    code: "object_store_keys_missing",
    remedy: expect.stringContaining("ASSENT_S3_"),
  });
  expect(open({ ASSENT_S3_ACCESS_KEY_ID: "id" })).toMatchObject({ code: "object_store_keys_missing" });
  expect(open(KEYS)).toBe("opened");
  rmSync(agents, { recursive: true });
});

test.each([
  ["credentials in the URL", { endpoint: "https://id:secret@s3.example.org/bucket" }],
  ["another protocol", { endpoint: "file:///tmp/bucket" }],
  ["a query", { endpoint: "https://s3.example.org/bucket?x=1" }],
  ["a prefix that climbs", { endpoint: "https://s3.example.org/bucket", prefix: "../" }],
  ["a prefix without its slash", { endpoint: "https://s3.example.org/bucket", prefix: "a" }],
  ["an unknown field", { endpoint: "https://s3.example.org/bucket", acl: "public" }],
])("%s is refused", (_name, s3) => {
  expect(configure({ s3 })).toMatchObject({ ok: false, error: { code: "file_invalid" } });
});
