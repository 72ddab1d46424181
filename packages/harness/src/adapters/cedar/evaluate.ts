// Cedar itself, without the harness's vocabulary: any policies, entities and schema. It is how the language is held to
// its own conformance corpus, and how `assent policy authorize` answers.

import {
  type AuthorizationCall,
  isAuthorized,
  validate,
  type ValidationCall,
} from "@cedar-policy/cedar-wasm/nodejs";
import { z } from "zod";
import { err, ok, type Result } from "../../base/result.ts";
import { answerFrom, sentenceOf } from "./answer.ts";
import { parseExactJson, withRawIntegers } from "./exact-json.ts";

/** `{type, id}` or `{__entity: {type, id}}`. */
export type CedarUid =
  | { readonly type: string; readonly id: string }
  | { readonly __entity: { readonly type: string; readonly id: string } };

export type CedarPolicySet = {
  /**
   * Static policies: one text, whose policies Cedar names `policy0`, `policy1`, … in order; or a record from id to
   * text or Cedar's JSON form. An `@id` annotation is not an id.
   */
  readonly policies: string | Readonly<Record<string, unknown>>;
  /** Templates by id, each as text or in Cedar's JSON form. */
  readonly templates?: Readonly<Record<string, unknown>>;
  readonly links?: readonly {
    readonly templateId: string;
    readonly newId: string;
    /** By slot: `?principal`, `?resource`. */
    readonly values: Readonly<Record<string, CedarUid>>;
  }[];
};

export type CedarRequest = CedarPolicySet & {
  readonly principal: CedarUid;
  readonly action: CedarUid;
  readonly resource: CedarUid;
  /** JSON text, or its value with integers beyond 2^53 as bigint: a double would change them without a word. */
  readonly context: unknown;
  /** A list in Cedar's entity JSON; text or value, as `context`. */
  readonly entities: unknown;
  /** In Cedar's schema language (text) or its JSON form (object). Entities and context are read by it. */
  readonly schema?: unknown;
  /** Whether the request is held to the schema; true where there is one. */
  readonly validateRequest?: boolean;
};

export type CedarOutcome = {
  /** Cedar's own decision; `deny` where it gave none. */
  readonly decision: "allow" | "deny";
  /** Ids of the policies that determined it, sorted. */
  readonly reasons: readonly string[];
  /** Ids of the policies that could not be evaluated, sorted. The harness's own `decide` denies when there is one. */
  readonly errors: readonly string[];
  /** Why nothing could be evaluated at all: malformed policies, entities, schema or request. Empty otherwise. */
  readonly failures: readonly string[];
};

/**
 * A request from JSON text: the members of CedarRequest. Integers of 64 bits stay exact. Unknown members are refused,
 * for a misspelt `schema` would be a missing one.
 */
export function parseCedarRequest(text: string): Result<CedarRequest, string> {
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
  const request = requestSchema.safeParse(value);
  return request.success
    ? ok(request.data)
    : err(
        request.error.issues
          .map(({ path, message }) => `${path.map(String).join(".")}: ${message}`)
          .join("; "),
      );
}

/** Never throws. */
export function evaluateCedar(request: CedarRequest): CedarOutcome {
  const answer = answerFrom(() => isAuthorized(callOf(request)));
  if (answer.kind === "failure")
    return {
      decision: "deny",
      reasons: [],
      errors: [],
      failures: answer.details.length === 0 ? ["no answer"] : answer.details,
    };
  return {
    decision: answer.decision,
    reasons: answer.reasons,
    errors: [...new Set(answer.errors.map(({ policy }) => policy))],
    failures: [],
  };
}

const bareUidSchema = z.strictObject({ type: z.string(), id: z.string() });
const uidSchema = z.union([bareUidSchema, z.strictObject({ __entity: bareUidSchema })]);
const recordSchema = z.record(z.string(), z.unknown());

const requestSchema: z.ZodType<CedarRequest> = z.strictObject({
  principal: uidSchema,
  action: uidSchema,
  resource: uidSchema,
  context: z.union([z.string(), recordSchema]),
  entities: z.union([z.string(), z.array(z.unknown())]),
  policies: z.union([z.string(), recordSchema]),
  templates: recordSchema.exactOptional(),
  links: z
    .array(
      z.strictObject({ templateId: z.string(), newId: z.string(), values: z.record(z.string(), uidSchema) }),
    )
    .exactOptional(),
  schema: z.union([z.string(), recordSchema]).exactOptional(),
  validateRequest: z.boolean().exactOptional(),
});

export type CedarValidation = {
  readonly errors: readonly { readonly policy: string; readonly detail: string }[];
  readonly warnings: readonly { readonly policy: string; readonly detail: string }[];
  /** Policies or schema could not be read at all. */
  readonly failures: readonly string[];
};

/** Cedar's strict validation of policies against a schema. Never throws. */
export function validateCedar(set: CedarPolicySet & { readonly schema: unknown }): CedarValidation {
  try {
    const answer = validate(validationOf(set));
    if (answer.type === "failure")
      return { errors: [], warnings: [], failures: answer.errors.map(sentenceOf) };
    const list = (found: typeof answer.validationErrors): CedarValidation["errors"] =>
      found.map(({ policyId, error }) => ({ policy: policyId, detail: sentenceOf(error) }));
    return { errors: list(answer.validationErrors), warnings: list(answer.validationWarnings), failures: [] };
  } catch (error) {
    return { errors: [], warnings: [], failures: [error instanceof Error ? error.message : String(error)] };
  }
}

function callOf(request: CedarRequest): AuthorizationCall {
  const call = withRawIntegers({
    principal: request.principal,
    action: request.action,
    resource: request.resource,
    context: jsonOf(request.context),
    entities: jsonOf(request.entities),
    policies: policySetOf(request),
    ...(request.schema === undefined
      ? {}
      : { schema: request.schema, validateRequest: request.validateRequest ?? true }),
  });
  if (!isAuthorizationCall(call))
    throw new TypeError(
      "principal, action, resource or context is not an object, or entities are not a list",
    );
  return call;
}

function validationOf(set: CedarPolicySet & { readonly schema: unknown }): ValidationCall {
  const call = withRawIntegers({ policies: policySetOf(set), schema: set.schema });
  if (!isValidationCall(call)) throw new TypeError("the schema is neither text nor an object");
  return call;
}

// The outermost shape only: Cedar checks the rest itself and says what is wrong with it.
function isAuthorizationCall(call: unknown): call is AuthorizationCall {
  return (
    isRecord(call) &&
    isRecord(call["principal"]) &&
    isRecord(call["action"]) &&
    isRecord(call["resource"]) &&
    isRecord(call["context"]) &&
    Array.isArray(call["entities"]) &&
    isRecord(call["policies"])
  );
}

function isValidationCall(call: unknown): call is ValidationCall {
  return (
    isRecord(call) &&
    isRecord(call["policies"]) &&
    (typeof call["schema"] === "string" || isRecord(call["schema"]))
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function policySetOf({ policies, templates, links }: CedarPolicySet): object {
  return { staticPolicies: policies, templates: templates ?? {}, templateLinks: links ?? [] };
}

const jsonOf = (value: unknown): unknown => (typeof value === "string" ? parseExactJson(value) : value);
