// A real key in the environment stops every run of tests before its first test, and is not told.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { findRealKeys, refusalOf } from "../../scripts/real-keys.ts";
import { read, ROOT } from "./tree.ts";

/** Of no account: drawn for this test. */
const TOKEN = ["ghp", "Vb7Qm2Xk9Tz4Ls8Rw3Np6Yd1Hc5Jf0Ga2Ke7"].join("_");
const VALUE = "a8Kd02LmPq7RtZ3xWv5Bq1Yc6Hs9";

test.each([
  "OPENAI_API_KEY",
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_BEARER_TOKEN_BEDROCK",
  "AZURE_OPENAI_API_KEY",
  "AZURE_CLIENT_SECRET",
  "GOOGLE_API_KEY",
  "GOOGLE_APPLICATION_CREDENTIALS",
  "GEMINI_API_KEY",
  "MISTRAL_API_KEY",
  "GROQ_API_KEY",
  "HF_TOKEN",
  "openai_api_key",
  "OPENAI_API_KEY_2",
  "ASSENT_OPENAI_COMPATIBLE_API_KEY",
  "ASSENT_S3_ACCESS_KEY_ID",
  "ASSENT_S3_SECRET_ACCESS_KEY",
])("%s is a real key, whatever it holds", (name) => {
  expect(findRealKeys({ [name]: VALUE })).toEqual([{ name, because: "a provider's key by its name" }]);
  expect(findRealKeys({ [name]: " ", OTHER: undefined })).toEqual([]);
});

test("by its maker's mark a key is known under any name", () => {
  for (const value of [TOKEN, `Bearer ${TOKEN}`, `https://x:${TOKEN}@example.org/`])
    expect(findRealKeys({ WHATEVER: value })).toEqual([
      { name: "WHATEVER", because: "what looks like a key (github_pat)" },
    ]);
});

test("what is none stops nothing", () => {
  expect(
    findRealKeys({
      PATH: "/usr/bin:/bin",
      OPENAI_BASE_URL: "http://127.0.0.1:1",
      AWS_REGION: "eu-central-1",
      AWS_PROFILE: "work",
      GOOGLE_CLOUD_PROJECT: "a-project",
      SSH_AUTH_SOCK: "/tmp/agent",
      KEYBOARD: "de",
      npm_config_user_agent: "npm/11.6.2 node/v24.21.0 linux x64 workspaces/false",
      GITHUB_SHA: "0191fc8c0191fc8c0191fc8c0191fc8c0191fc8c",
      HOME: "/root",
    }),
  ).toEqual([]);
  expect(refusalOf([])).toBeNull();
});

/** Everything that starts tests: the gate, and vitest by either configuration. */
const STARTS: readonly (readonly [string, readonly string[]])[] = [
  ["the gate", ["scripts/gate.mjs"]],
  [
    "vitest",
    ["node_modules/vitest/vitest.mjs", "run", "--project", "unit", "packages/harness/src/core/uuid.test.ts"],
  ],
  [
    "vitest as mutants are put to it",
    ["node_modules/vitest/vitest.mjs", "run", "--config", "vitest.mutation.config.ts"],
  ],
];

test.each(STARTS)(
  "%s stops before the first test, names the variable, and does not tell the key",
  (_, args) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: ROOT,
      encoding: "utf8",
      env: { ...process.env, ASSENT_MUTATION_GROUP: "proofs", OPENAI_API_KEY: VALUE, SOME_SETTING: TOKEN },
    });
    const said = stdout + stderr;
    expect([status, said]).toEqual([
      1,
      expect.stringContaining("OPENAI_API_KEY: a provider's key by its name"),
    ]);
    expect(said).toContain("SOME_SETTING: what looks like a key (github_pat)");
    expect(said).toContain("env -u OPENAI_API_KEY -u SOME_SETTING npm test");
    expect(said).not.toContain(VALUE);
    expect(said).not.toContain(TOKEN);
    expect(said).not.toMatch(/✓|Tests {2}\d|ok {4}format/u);
  },
);

test("every command that starts tests starts the gate or vitest", () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(read("package.json"));
  const starting = Object.entries(scripts).filter(([name]) => /^(?:test|coverage|mutate)/u.test(name));
  expect(starting.length).toBeGreaterThan(6);
  for (const [name, command] of starting) {
    const script = /scripts\/[\w-]+\.(?:mjs|ts)/u.exec(command)?.[0];
    const text = script === undefined ? command : read(script);
    expect([name, /vitest run|"vitest"|gate\.mjs|stryker/u.test(text)]).toEqual([name, true]);
  }
  expect(read("vitest.config.ts")).toContain('globalSetup: ["tests/support/no-real-keys.setup.ts"]');
});
