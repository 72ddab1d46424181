// Settings: what a page shows as JSON is taken as it stands, and what can be set is on a page.

import { expect, test } from "vitest";
import { z } from "zod";
import { configFileSchema } from "../../packages/harness/src/config.ts";
import { agentDefinitionSchema } from "../../packages/harness/src/core/agent.ts";
import { blocksOf, PAGES, spansOf } from "./pages.ts";

const objectSchema = z.record(z.string(), z.unknown());

/** Also of a line's middle: `"console": false` is a member, and `{ "passages": 5 }` is none of ours. */
function readShown(code: string): Record<string, unknown> | null {
  // What is left out is left out: a member of dots goes, and dots within a text stand for some of it.
  const whole = code.replaceAll(/,?\s*"…": "…"/gu, "").replaceAll("…", "x");
  const text = whole.trimStart().startsWith("{") ? whole : `{${whole}}`;
  try {
    return objectSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

const SETTINGS = Object.keys(configFileSchema.shape);
const AGENT = agentDefinitionSchema.partial();

/** @returns what of it would be refused; nothing of what is no configuration: a manifest, a test of rules, an answer */
function refused(shown: Record<string, unknown>): string[] {
  const names = Object.keys(shown);
  const ours = names.filter((name) => SETTINGS.includes(name));
  if (ours.length === 0 || AGENT.safeParse(shown).success) return [];
  const parsed = configFileSchema.safeParse(shown);
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

const blocks = PAGES.flatMap(({ file, text }) =>
  blocksOf(text)
    .filter(({ language }) => language === "json")
    .map((block) => ({ where: `${file}:${block.line}`, code: block.text })),
);
const members = PAGES.flatMap(({ file, text }) =>
  spansOf(text)
    .filter((span) => /^"[a-z_]+":/u.test(span))
    .map((code) => ({ where: `${file}: ${code}`, code })),
);

test("what a page shows of the configuration would be taken", () => {
  const seen = [...blocks, ...members].flatMap(({ where, code }) => {
    const shown = readShown(code);
    return shown === null ? [] : [{ where, shown }];
  });
  expect(
    seen.filter(({ shown }) => Object.keys(shown).some((name) => SETTINGS.includes(name))).length,
  ).toBeGreaterThan(15);
  expect(seen.flatMap(({ where, shown }) => refused(shown).map((fault) => `${where}: ${fault}`))).toEqual([]);
});

/** Names of members, at any depth, of a schema as JSON Schema has it. */
function namesIn(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(namesIn);
  const fields = objectSchema.safeParse(schema).data;
  if (fields === undefined) return [];
  const properties = objectSchema.safeParse(fields["properties"]).data ?? {};
  return [
    ...Object.keys(properties),
    ...Object.values(fields).flatMap(namesIn),
    ...Object.values(properties).flatMap(namesIn),
  ];
}

const jsonSchemaOf = (schema: z.ZodType): unknown =>
  z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });

const undocumented = (names: readonly string[], text: string): string[] =>
  [...new Set(names)]
    .filter((name) => !new RegExp(`["\`]${name.replace("$", "\\$")}["\`]`, "u").test(text))
    .toSorted();

test("every setting of the configuration, and every field of an agent, is on a page", () => {
  const text = PAGES.map((page) => page.text).join("\n");
  const names = [...namesIn(jsonSchemaOf(configFileSchema)), ...namesIn(jsonSchemaOf(agentDefinitionSchema))];
  expect(new Set(names).size).toBeGreaterThan(80);
  expect(undocumented(names, text)).toEqual([]);
});

test("what is wrong is seen", () => {
  expect(refused({ limits: { tenant_slot: 8 } })).toEqual(['limits: Unrecognized key: "tenant_slot"']);
  expect(refused({ console: false, polices: "default" })).toEqual([': Unrecognized key: "polices"']);
  expect(refused({ tools: ["search_documents"], retrieval: { passages: 5 } })).toEqual([]);
  expect(refused({ name: "hold_seat", effect: "once" })).toEqual([]);
  expect(undocumented(["folder", "nowhere"], 'a `folder` and "x"')).toEqual(["nowhere"]);
});
