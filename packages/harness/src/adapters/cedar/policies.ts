// The decision point: a folder of rules in, decisions out. A set loads whole or not at all.

import { preparsePolicySet, preparseSchema } from "@cedar-policy/cedar-wasm/nodejs";
import { digestOf, type Sha256 } from "../../base/digest.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { afterAlarm } from "../../core/decide/alarm.ts";
import { policyNeeds, policyQuestion } from "../../core/decide/policy-context.ts";
import type { Policies, PolicyRefusal } from "../../core/decide/policy-point.ts";
import { policyVerdict } from "../../core/decide/policy-verdict.ts";
import { sentenceOf } from "./answer.ts";
import { askingOnce, type Prepared } from "./ask-once.ts";
import { validateCedar } from "./evaluate.ts";
import { readPolicyFolder, readPolicySchema, SCHEMA_FILE } from "./policy-folder.ts";
import { askingText, canonicalText, type LoadedRule, readRules, refusalAt } from "./rule-text.ts";

export type PolicySource =
  /** Every `*.cedar` file directly in the folder. */
  | { readonly folder: string }
  /** By file name, for messages. */
  | { readonly texts: Readonly<Record<string, string>> };

/**
 * Loads and validates a set of rules. Refused: a file that cannot be read or parsed, a rule without its own @id, an
 * annotation that is unknown or malformed, anything that Cedar's strict validator says against the schema (warnings
 * too: a forbid that can never apply protects nobody), and a set without any rule.
 */
export function openCedarPolicies(source: PolicySource): Result<Policies, PolicyRefusal> {
  const texts = "folder" in source ? readPolicyFolder(source.folder) : ok(source.texts);
  if (!texts.ok) return texts;
  const loaded = loadRules(texts.value);
  if (!loaded.ok) return loaded;
  const schema = readPolicySchema();
  const fault = validationFault(loaded.value, texts.value, schema);
  if (fault !== null) return err(fault);
  const version = versionOf(loaded.value, schema);
  const prepared = prepare(version, loaded.value, schema);
  if (!prepared.ok) return prepared;
  const rules = new Map(loaded.value.map(({ rule }) => [rule.id, rule]));
  const needs = policyNeeds(loaded.value.map(({ text }) => text));
  const ask = askingOnce(prepared.value);
  return ok({
    version,
    rules: [...rules.values()],
    decide: (request, budget) => {
      const answer = ask(() => policyQuestion(request, budget, needs));
      return afterAlarm(request, policyVerdict(rules, request.askable, answer));
    },
  });
}

export function loadRules(
  texts: Readonly<Record<string, string>>,
): Result<readonly LoadedRule[], PolicyRefusal> {
  const loaded = new Map<string, LoadedRule>();
  for (const [file, text] of Object.entries(texts)) {
    const found = readRules(file, text);
    if (!found.ok) return found;
    for (const one of found.value) {
      const earlier = loaded.get(one.rule.id);
      if (earlier !== undefined)
        return err(
          refusalAt(file, text, one.start, {
            code: "policy_duplicate",
            detail: `@id("${one.rule.id}") is the id of another rule, in ${earlier.file}`,
          }),
        );
      loaded.set(one.rule.id, one);
    }
  }
  if (loaded.size === 0)
    return err({
      code: "policy_missing",
      file: Object.keys(texts)[0] ?? "*.cedar",
      line: null,
      column: null,
      detail: "there is no rule, so nothing could ever be permitted",
    });
  return ok([...loaded.values()].toSorted((a, b) => (a.rule.id < b.rule.id ? -1 : 1)));
}

const textsById = (rules: readonly LoadedRule[]): Record<string, string> =>
  Object.fromEntries(rules.map(({ rule, text }) => [rule.id, text]));

export function validationFault(
  rules: readonly LoadedRule[],
  texts: Readonly<Record<string, string>>,
  schema: string,
): PolicyRefusal | null {
  const { errors, warnings, failures } = validateCedar({ policies: textsById(rules), schema });
  const [failure] = failures;
  if (failure !== undefined)
    return { code: "policy_schema", file: SCHEMA_FILE, line: null, column: null, detail: failure };
  const [found] = [...errors, ...warnings];
  if (found === undefined) return null;
  const rule = rules.find((one) => one.rule.id === found.policy);
  if (rule === undefined)
    return { code: "policy_schema", file: SCHEMA_FILE, line: null, column: null, detail: found.detail };
  return refusalAt(rule.file, texts[rule.file] ?? "", rule.start, {
    code: "policy_schema",
    detail: found.detail,
  });
}

function versionOf(rules: readonly LoadedRule[], schema: string): Sha256 {
  return digestOf("policies", {
    rules: rules.map(({ rule, text }) => ({ id: rule.id, text: canonicalText(text) })),
    schema: canonicalText(schema),
  });
}

/**
 * Parsed once and kept by Cedar for as long as the process lives. Names are digests, so that opening the same set again
 * keeps nothing twice, and no set ever answers for another.
 */
function prepare(
  version: Sha256,
  rules: readonly LoadedRule[],
  schema: string,
): Result<Prepared, PolicyRefusal> {
  const names: Prepared = { schema: digestOf("policy-schema", schema), rules: `${version}/asking` };
  const texts: Record<string, string> = {};
  for (const { rule, file, text } of rules) {
    const asking = rule.assent === null ? ok(text) : askingText(text);
    if (!asking.ok)
      return err({ code: "policy_syntax", file, line: null, column: null, detail: asking.error });
    texts[rule.id] = asking.value;
  }
  const answers = [
    // Reading the schema takes most of the time of opening a set, and it is the same for all of them.
    ...(preparsedSchemas.has(names.schema) ? [] : [preparseSchema(names.schema, schema)]),
    preparsePolicySet(names.rules, { staticPolicies: texts }),
  ];
  for (const answer of answers)
    if (answer.type === "failure")
      return err({
        code: "policy_syntax",
        file: SCHEMA_FILE,
        line: null,
        column: null,
        detail: answer.errors.map(sentenceOf).join("; "),
      });
  preparsedSchemas.add(names.schema);
  return ok(names);
}

const preparsedSchemas = new Set<string>();
