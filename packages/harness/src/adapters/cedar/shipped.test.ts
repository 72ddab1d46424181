// The shipped sets, held to their cases; and the cases held to the sets: a rule that could be taken out or bent with no
// case failing would be a rule that nothing guards (spec/security.md section 7: test policies by mutation).

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { policyCasesSchema, runPolicyCase } from "../../core/decide/policy-case.ts";
import type { Policies } from "../../core/decide/policy-point.ts";
import { openCedarPolicies } from "./policies.ts";
import { readPolicyFolder, SHIPPED_SETS, shippedPolicyFolder } from "./policy-folder.ts";

type Texts = Readonly<Record<string, string>>;

/** Each place where a rule bends opens a set anew, at 40 ms: the gate tries one in so many, the night all. */
const EVERY = inject("everyBreak") ? 1 : 6;

/** Ways to bend a rule; each is tried at every place where it fits, one place at a time. */
const BENDS: readonly (readonly [RegExp, string])[] = [
  [/&&/g, "||"],
  [/\|\|/g, "&&"],
  [/==/g, "!="],
  [/!=/g, "=="],
  [/!context/g, "context"],
  [/\bunless\b/g, "when"],
  [/\bwhen\b/g, "unless"],
  [/\bforbid\b/g, "permit"],
  [/\bpermit\b/g, "forbid"],
  [/"egress"/g, '"x"'],
  [/"money"/g, '"x"'],
  [/"destructive"/g, '"x"'],
  [/"untrusted"/g, '"x"'],
  [/"model"/g, '"x"'],
  [/"stored"/g, '"x"'],
  [/"once"/g, '"x"'],
  [/"none"/g, '"x"'],
  [/\.containsAny\(/g, ".containsAll("],
  [/"external"/g, '"x"'],
  [/Tool::"write_file", /g, ""],
  [/, Tool::"edit_file"/g, ""],
  [/\.isEmpty\(\)/g, '.contains("trusted")'],
  [/@needs_approval\n/g, ""],
  [/@separate_duties\n/g, ""],
  [/@timeout\("4h"\)\n/g, ""],
  [/control_origins/g, "content_origins"],
  [/content_origins/g, "control_origins"],
  [/!context\.named/g, "context.named"],
  [/context\.repeated/g, "context.tainted"],
  [/context\.tainted/g, "context.askable"],
  [/context\.planned/g, "context.tainted"],
];

const isDescribed = (text: string, at: number): boolean =>
  text.slice(text.lastIndexOf("\n", at) + 1, at).startsWith("@description");

function bent(texts: Texts): { readonly name: string; readonly texts: Texts }[] {
  return Object.entries(texts).flatMap(([file, text]) =>
    BENDS.flatMap(([pattern, by]) =>
      [...text.matchAll(pattern)]
        .filter(({ index }) => !isDescribed(text, index))
        .map((found) => {
          const changed = `${text.slice(0, found.index)}${by}${text.slice(found.index + found[0].length)}`;
          return {
            name: `${file} at ${found.index}: ${found[0].trim()} -> ${by}`,
            texts: { ...texts, [file]: changed },
          };
        }),
    ),
  );
}

describe.each(SHIPPED_SETS)("%s", (set) => {
  const folder = shippedPolicyFolder(set);
  const read = readPolicyFolder(folder);
  const texts: Texts = read.ok ? read.value : {};
  const { cases } = policyCasesSchema.parse(
    JSON.parse(readFileSync(join(folder, `${set}.test.json`), "utf8")),
  );
  const faults = (policies: Policies): string[] =>
    cases.flatMap((one) => {
      const fault = runPolicyCase(policies, one);
      return fault === null ? [] : [`${one.name}: ${fault}`];
    });
  const survives = (changed: Texts): boolean => {
    const policies = openCedarPolicies({ texts: changed });
    return policies.ok && cases.every((one) => runPolicyCase(policies.value, one) === null);
  };

  test("every case holds, and every rule says in a sentence why it is there", () => {
    const policies = openCedarPolicies({ folder });
    if (!policies.ok) throw new Error(policies.error.detail);
    expect(faults(policies.value)).toEqual([]);
    expect(policies.value.rules.filter(({ description }) => description === null)).toEqual([]);
    expect(policies.value.rules.map(({ id }) => `${id}.cedar`).toSorted()).toEqual(Object.keys(texts));
  });

  test.each(Object.keys(texts))("without %s a case fails", (file) => {
    expect(survives(texts)).toBe(true);
    const { [file]: _, ...others } = texts;
    expect(survives(others)).toBe(false);
  });

  test("a rule bent in any one place fails a case or does not load", () => {
    expect(survives(texts)).toBe(true);
    const changes = bent(texts);
    expect(changes.length).toBeGreaterThan(40);
    const tried = changes.filter((_, at) => at % EVERY === 0);
    expect(tried.filter((change) => survives(change.texts)).map(({ name }) => name)).toEqual([]);
  });
});
