// Which model may read what. Rules are the operator's: deny by default, forbid wins, and nothing that a run, a model or
// a text says can widen them (invariant 15, failover changes the model, never the rules).

import { modelNameSchema, nameSchema } from "@assent/contract";
import { z } from "zod";

/** A whole name, a provider's range `provider/*`, or `*`. */
export const modelPatternSchema: z.ZodType<string> = z.union([
  modelNameSchema,
  z.string().regex(/^[a-z][a-z0-9-]{0,30}\/\*$/),
  z.literal("*"),
]);

const ruleSchema = z
  .strictObject({
    id: nameSchema,
    effect: z.enum(["permit", "forbid"]),
    models: z.array(modelPatternSchema).min(1).max(200),
    /** Slugs of tenants; left out, all of them. */
    tenants: z.array(nameSchema).min(1).optional(),
    agents: z.array(nameSchema).min(1).optional(),
    /** Of a forbid: it speaks once the run holds data of any of these classes. */
    data: z.array(nameSchema).min(1).optional(),
    /** Of a permit: it speaks only while all data of the run is of these classes. */
    data_within: z.array(nameSchema).optional(),
  })
  // The other way round, reading something would widen what a run may do.
  .refine((rule) => rule.effect === "forbid" || rule.data === undefined, "a permit has no `data`")
  .refine(
    (rule) => rule.effect === "permit" || rule.data_within === undefined,
    "a forbid has no `data_within`",
  );

export type ModelRule = z.infer<typeof ruleSchema>;

export const modelRulesSchema: z.ZodType<ModelRule[]> = z
  .array(ruleSchema)
  .min(1)
  .max(500)
  .refine((rules) => new Set(rules.map(({ id }) => id)).size === rules.length, "two rules share an id");

/** For whom, and over what, a model is wanted. */
export type ModelQuestion = {
  readonly tenant: string;
  readonly agent: string;
  /** Classes of the data that the run holds; `untrusted` once it has read anything that nobody vouches for. */
  readonly data: ReadonlySet<string>;
};

export type ModelVerdict = { readonly permitted: boolean; readonly rule: string | null };

/** Without rules of the operator's the agent's own list decides, and it is asked in any case. */
export function judgeModel(
  rules: readonly ModelRule[] | undefined,
  model: string,
  question: ModelQuestion,
): ModelVerdict {
  if (rules === undefined) return { permitted: true, rule: null };
  const forbid = forbidding(rules, model, question);
  if (forbid !== undefined) return { permitted: false, rule: forbid.id };
  const permit = rules.find(
    (rule) =>
      rule.effect === "permit" && isFor(rule, question) && rule.models.some((p) => isExactly(p, model)),
  );
  return { permitted: permit !== undefined, rule: permit?.id ?? null };
}

/** The forbid that names this model, if any: for what a provider says has answered, which nobody chose here. */
export function forbidding(
  rules: readonly ModelRule[],
  model: string,
  question: ModelQuestion,
): ModelRule | undefined {
  return rules.find(
    (rule) => rule.effect === "forbid" && isFor(rule, question) && rule.models.some((p) => covers(p, model)),
  );
}

function isFor(rule: ModelRule, { tenant, agent, data }: ModelQuestion): boolean {
  if (rule.tenants !== undefined && !rule.tenants.includes(tenant)) return false;
  if (rule.agents !== undefined && !rule.agents.includes(agent)) return false;
  if (rule.data !== undefined && !rule.data.some((one) => data.has(one))) return false;
  const within = rule.data_within;
  return within === undefined || [...data].every((one) => within.includes(one));
}

const isExactly = (pattern: string, model: string): boolean =>
  pattern === "*" || pattern === model || (pattern.endsWith("/*") && model.startsWith(pattern.slice(0, -1)));

// Providers take other cases of a name, and names with a date, a tag or a region after it, for the same model. A
// permit is never so generous; a forbid is, since too much of it only costs a model.
export function covers(pattern: string, model: string): boolean {
  const name = model.toLowerCase();
  const named = pattern.toLowerCase();
  if (isExactly(named, name)) return true;
  const rest = name.startsWith(named) ? name.slice(named.length) : "";
  return /^[-:@/_]/.test(rest);
}
