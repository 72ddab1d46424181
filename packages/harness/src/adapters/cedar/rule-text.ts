// One file of rules, taken apart: which rules, where, and their text without what means nothing.

import { type DetailedError, policySetTextToParts, policyToJson } from "@cedar-policy/cedar-wasm/nodejs";
import { digestOf, type Sha256 } from "../../base/digest.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { type PolicyRule, readAnnotations } from "../../core/decide/policy-annotations.ts";
import type { PolicyRefusal } from "../../core/decide/policy-point.ts";
import { sentenceOf } from "./answer.ts";

export type LoadedRule = {
  readonly rule: PolicyRule;
  readonly file: string;
  readonly text: string;
  /** UTF-16 code units from the start of the file. */
  readonly start: number;
};

/** The rules of one file in the order of the file, or the first thing that is wrong with it. */
export function readRules(file: string, text: string): Result<readonly LoadedRule[], PolicyRefusal> {
  const parts = policySetTextToParts(text);
  if (parts.type === "failure") return err(syntaxRefusal(file, text, parts.errors));
  const [template] = parts.policy_templates;
  if (template !== undefined)
    return err(
      refusalAt(file, text, text.indexOf(template), {
        code: "policy_syntax",
        detail: "a template (?principal, ?resource) decides nothing by itself; write the rule out",
      }),
    );
  const rules: LoadedRule[] = [];
  for (const part of parts.policies) {
    // Parts are slices of the file. Two equal ones share an id and are refused as duplicates.
    const start = text.indexOf(part);
    const rule = readRule(part);
    if (!rule.ok) return err(refusalAt(file, text, start, rule.error));
    rules.push({ rule: rule.value, file, text: part, start });
  }
  return ok(rules.toSorted((a, b) => a.start - b.start));
}

type Fault = Pick<PolicyRefusal, "code" | "detail">;

function readRule(text: string): Result<PolicyRule, Fault> {
  const parsed = policyToJson(text);
  if (parsed.type === "failure")
    return err({ code: "policy_syntax", detail: parsed.errors.map(sentenceOf).join("; ") });
  // The type of the package says text; it is null where an annotation has no value.
  const annotations: Readonly<Record<string, string | null>> = parsed.json.annotations ?? {};
  const rule = readAnnotations(parsed.json.effect, annotations);
  if (!rule.ok) return err({ code: "policy_annotation", detail: rule.error });
  return ok({ ...rule.value, meaning: meaningOf(text), text });
}

function syntaxRefusal(file: string, text: string, errors: readonly DetailedError[]): PolicyRefusal {
  const [first] = errors;
  const bytes = first?.sourceLocations?.[0]?.start;
  const start = bytes === undefined ? null : Buffer.from(text).subarray(0, bytes).toString().length;
  return refusalAt(file, text, start, {
    code: "policy_syntax",
    detail: first === undefined ? "it cannot be read" : sentenceOf(first),
  });
}

/** `start`: UTF-16 code units into the text; null or negative where there is no place. */
export function refusalAt(file: string, text: string, start: number | null, fault: Fault): PolicyRefusal {
  if (start === null || start < 0) return { ...fault, file, line: null, column: null };
  const before = text.slice(0, start).split("\n");
  return { ...fault, file, line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

/**
 * The text of a rule or schema with comments gone and white space between words made one space: equal texts mean the
 * same. By text and not by Cedar's JSON form, for that form is read as JavaScript numbers and two limits beyond 2^53
 * could share a digest.
 */
export function canonicalText(text: string): string {
  // Strings first, so that what looks like a comment inside one stays.
  return text
    .replaceAll(/("(?:[^"\\]|\\[^])*")|(?:\s|\/\/[^\n\r]*)+/g, (_token, string?: string) => string ?? " ")
    .trim();
}

// Whom it names and what it tells people are said by annotations; what a yes to it covers is looked at beside it each time.
const meaningOf = (text: string): Sha256 =>
  digestOf(
    "policy-meaning",
    canonicalText(
      canonicalText(text).replaceAll(
        /@ ?[A-Za-z_]\w* ?(?:\( ?"(?:[^"\\]|\\[^])*" ?\))?|("(?:[^"\\]|\\[^])*")/g,
        (_token, string?: string) => string ?? " ",
      ),
    ),
  );

/**
 * A forbid as the permit of the same condition: so that one evaluation says both what wants a person and what permits.
 * The error says what could not be shown to be the same rule but for its effect.
 */
export function askingText(text: string): Result<string, string> {
  let turned = false;
  // Strings and comments first, so that a `forbid` inside one stays; the first word of a rule outside of both and
  // without an `@` before it is its effect.
  const asking = text.replaceAll(
    /"(?:[^"\\]|\\[^])*"|\/\/[^\n\r]*|@\s*[A-Za-z_]\w*|\bforbid\b/g,
    (token: string): string => {
      if (turned || token !== "forbid") return token;
      turned = true;
      return "permit";
    },
  );
  const [before, after] = [policyToJson(text), policyToJson(asking)];
  if (before.type === "failure" || after.type === "failure") return err("its effect cannot be read");
  const { effect: was, ...rule } = before.json;
  const { effect: is, ...same } = after.json;
  return was === "forbid" && is === "permit" && JSON.stringify(rule) === JSON.stringify(same)
    ? ok(asking)
    : err("its effect cannot be told from its text");
}
