// Decides requests to the API: the same language, entities and loader as for tool calls, with actions of their own.

import { preparsePolicySet, preparseSchema } from "@cedar-policy/cedar-wasm/nodejs";
import { digestOf } from "../../base/digest.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Access } from "../../core/access/access-point.ts";
import { accessQuestion, accessSchema } from "../../core/access/access-question.ts";
import type { PolicyRefusal } from "../../core/decide/policy-point.ts";
import { sentenceOf } from "./answer.ts";
import { askingOnce } from "./ask-once.ts";
import { loadRules, type PolicySource, validationFault } from "./policies.ts";
import { readPolicyFolder, readPolicySchema, shippedAccessFolder } from "./policy-folder.ts";
import { canonicalText } from "./rule-text.ts";

/** Loads a set whole or not at all. A rule that wants approval is refused: nobody is asked about a request. */
export function openAccess(source: PolicySource): Result<Access, PolicyRefusal> {
  const texts = "folder" in source ? readPolicyFolder(source.folder) : ok(source.texts);
  if (!texts.ok) return texts;
  const rules = loadRules(texts.value);
  if (!rules.ok) return rules;
  const schema = `${readPolicySchema()}\n${accessSchema()}`;
  const fault = validationFault(rules.value, texts.value, schema);
  if (fault !== null) return err(fault);
  const asking = rules.value.find(({ rule }) => rule.assent !== null);
  if (asking !== undefined)
    return refuse(
      asking.file,
      "policy_annotation",
      `@id("${asking.rule.id}") asks for approval of a request`,
    );
  const digest = digestOf("policies", {
    rules: rules.value.map(({ rule, text }) => ({ id: rule.id, text: canonicalText(text) })),
    schema: canonicalText(schema),
  });
  const name = `access/${digest}`;
  const staticPolicies = Object.fromEntries(rules.value.map(({ rule, text }) => [rule.id, text]));
  for (const answer of [preparseSchema(name, schema), preparsePolicySet(name, { staticPolicies })])
    if (answer.type === "failure")
      return refuse("*.cedar", "policy_syntax", answer.errors.map(sentenceOf).join("; "));
  const ask = askingOnce({ schema: name, rules: name });
  return ok({
    ownRules: "folder" in source && source.folder === shippedAccessFolder() ? null : digest,
    permits(subject, action) {
      const answer = ask(() => accessQuestion(subject, action));
      // A rule that could not be evaluated may have been a forbid.
      return answer.kind === "answer" && answer.decision === "allow" && answer.errors.length === 0;
    },
  });
}

const refuse = (file: string, code: PolicyRefusal["code"], detail: string): Result<never, PolicyRefusal> =>
  err({ code, file, line: null, column: null, detail });
