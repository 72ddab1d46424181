import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig, readEnvironment } from "../config.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "assent-http-tools-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const manifest = {
  name: "pay",
  version: "1",
  description: "Pays.",
  input_schema: { type: "object", properties: { to: { type: "string" } } },
};
const tool = { kind: "http", url: "http://tools.example/pay", manifest };

function read(declared: unknown, env: NodeJS.ProcessEnv = {}): ReturnType<typeof readConfig> {
  const file = join(folder, "assent.config.json");
  writeFileSync(file, JSON.stringify({ tools: [declared] }));
  return readConfig(file, readEnvironment(env), null);
}

test("what is left out of a manifest is taken at its worst", () => {
  expect(read(tool)).toMatchObject({
    ok: true,
    value: {
      httpTools: [
        {
          bearerToken: null,
          manifest: {
            effect: "once",
            harm: ["write", "egress", "money", "destructive"],
            returns: "untrusted",
          },
        },
      ],
    },
  });
});

test("the token comes from the environment, and a start without it says which variable is missing", () => {
  const declared = { ...tool, bearer_token_env: "PAY_TOKEN" };
  expect(read(declared, { PAY_TOKEN: "t0ken" })).toMatchObject({
    ok: true,
    value: { httpTools: [{ bearerToken: "t0ken" }] },
  });
  expect(read(declared)).toMatchObject({
    ok: false,
    error: {
      code: "tool_variable_missing",
      detail: "The tool pay needs the variable PAY_TOKEN, and it is not set.",
    },
  });
});

test.each([
  ["credentials in a URL", { ...tool, url: "http://u:p@tools.example/pay" }, "bearer_token_env"],
  ["a protocol of another kind", { ...tool, url: "file:///pay" }, "url"],
  ["arguments of no object", { ...tool, manifest: { ...manifest, input_schema: {} } }, '"type": "object"'],
  [
    "a schema that means nothing",
    {
      ...tool,
      manifest: { ...manifest, input_schema: { type: "object", properties: { to: { type: "txt" } } } },
    },
    "Unsupported type: txt",
  ],
])("%s is refused as a mistake of the file's", (_name, declared, says) => {
  expect(read(declared)).toMatchObject({
    ok: false,
    error: { code: "file_invalid", detail: expect.stringContaining(says) },
  });
});
