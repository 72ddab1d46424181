import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readConfig, readEnvironment } from "../config.ts";

const folder = mkdtempSync(join(tmpdir(), "assent-config-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "assent.config.json");

function refusalOf(text: string): { code: string; detail: string } | null {
  writeFileSync(file, text);
  const read = readConfig(file, readEnvironment({}), null);
  return read.ok ? null : { code: read.error.code, detail: read.error.detail.replace(file, "it") };
}

test.each([
  ["a comma too many", '{\n  "console": false,\n}', "it is not JSON: see line 3, column 1."],
  ["a name without quotes", "{ console: false }", "it is not JSON: see line 1, column 3."],
  ["a file that was cut", '{ "console": ', "it is not JSON: it ends too early."],
  ["nothing", "", "it is not JSON: it ends too early."],
])("of %s the place is said, and not the text", (_what, text, detail) => {
  expect(refusalOf(text)).toEqual({ code: "file_unreadable", detail });
});

test.each([
  ["policies", '"stricct"', '"default", "strict" or { "folder": "…" }'],
  ["limits", '{ "tenant": 600 }', '{ "requests": …, "window_seconds": … } in whole numbers, or "off"'],
])("where %s may be several things, a refusal names them", (name, value, says) => {
  const refusal = refusalOf(`{ "${name}": ${value} }`);
  expect(refusal).toMatchObject({ code: "file_invalid", detail: expect.stringContaining(says) });
});

test("each of them is taken", () => {
  for (const policies of ['"default"', '"strict"', '{ "folder": "rules" }'])
    expect(refusalOf(`{ "policies": ${policies}, "limits": { "tenant": "off" } }`)).toBeNull();
});
