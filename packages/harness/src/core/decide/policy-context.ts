// What a rule is told of one call: the entities and the context of policies/schema.cedarschema, derived from the
// ActionRequest alone. Pure, so that a recorded request gives the same answer years later.

import { type ActionRequest, type Origin, UNKNOWN_CIRCUMSTANCES } from "./action-request.ts";
import { type PolicyResource, type TouchedResources, touchedResources } from "./policy-resources.ts";

// Not readonly inside: the shapes are those that Cedar's own types ask for.

export type EntityUid = { type: string; id: string };

export type EntityValue =
  | boolean
  | number
  | string
  | { __entity: EntityUid }
  | EntityValue[]
  | { [name: string]: EntityValue };

export type PolicyEntity = {
  readonly uid: EntityUid;
  readonly attrs: Record<string, EntityValue>;
  readonly parents: EntityUid[];
  readonly tags?: Record<string, EntityValue>;
};

export type PolicyQuestion = {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: Record<string, EntityValue>;
  readonly entities: PolicyEntity[];
};

/** What is left of the run's budget, where it has one. Whole numbers; what a double cannot hold is cut to 2^53 - 1. */
export type PolicyBudget = {
  readonly tokensLeft?: number;
  readonly microdollarsLeft?: number;
};

/** Which parts of a question the rules read. Each part costs every decision time, the more the larger the call. */
export type PolicyNeeds = {
  /** `target`, `resources`, `resources_complete` and the entities behind them. */
  readonly resources: boolean;
  /** `texts` and `amounts`. */
  readonly values: boolean;
  /** What is left of the budget. It changes from call to call, so that no answer would serve twice. */
  readonly budget: boolean;
};

const EVERYTHING: PolicyNeeds = { resources: true, values: true, budget: true };

/**
 * What rules of these texts can read at most. A part is left out only where its name stands nowhere in any of them; an
 * escape could spell a name in another way (`context["t\u{61}rget"]`), so one escape anywhere asks for everything.
 */
export function policyNeeds(texts: readonly string[]): PolicyNeeds {
  const mentions = (...names: readonly string[]): boolean =>
    texts.some((text) => text.includes("\\") || names.some((name) => text.includes(name)));
  return {
    resources: mentions("target", "resources", "Resource"),
    values: mentions("texts", "amounts", "Texts", "Amounts"),
    budget: mentions("budget", "Budget"),
  };
}

/** Longer values are content in all but name; a rule finds no tag for them and has to say what then. */
const TEXT_CHARS_MAX = 1_024;
/** Control values told to rules. Each is a tag that Cedar parses; calls with more are judged without the rest. */
const VALUES_MAX = 64;
/** The deepest argument that is looked into; what lies deeper counts as untrusted. Requests are at most 32 deep. */
const DEPTH_MAX = 64;

type Leaf = { readonly pointer: string; readonly argument: string; readonly value: unknown };

/** Everything Cedar is asked about one call. Throws only for a request that breaks its own type. */
export function policyQuestion(
  request: ActionRequest,
  budget: PolicyBudget = {},
  needs: PolicyNeeds = EVERYTHING,
): PolicyQuestion {
  const { action, requester, circumstances = UNKNOWN_CIRCUMSTANCES } = request;
  const leaves = leavesOf(action.arguments);
  const isControl = new Set(request.controlArguments);
  const control = leaves.filter(({ argument }) => isControl.has(argument));
  // An empty value carries nothing, but it may choose: no list of readers can mean everybody.
  const content = leaves.filter(({ argument, value }) => !isControl.has(argument) && !isEmpty(value));
  const touched = needs.resources ? touchedBy(control) : NOTHING_SAID;
  const tenant = uid("Tenant", request.tenant);
  const agent = uid("Agent", request.agent.name);
  const tool = uid("Tool", action.tool);
  const principal = uid("Principal", requester.id);
  const [target, another] = touched.resources;
  const left = budgetOf(budget);
  const context: Record<string, EntityValue> = {
    tenant: { __entity: tenant },
    agent: { __entity: agent },
    effect: action.effect,
    harm: [...new Set(action.harm)],
    ...origins(request, control, content),
    tainted: request.tainted,
    askable: request.askable,
    planned: request.planned,
    named: circumstances.named,
    repeated: circumstances.repeated,
    pieced: circumstances.pieced ?? false,
    resources: touched.resources.map(({ id }) => ({ __entity: uid("Resource", id) })),
    resources_complete: touched.complete,
    ...(target !== undefined && another === undefined && touched.complete
      ? { target: { __entity: uid("Resource", target.id) } }
      : {}),
    texts: { __entity: uid("Texts", "call") },
    amounts: { __entity: uid("Amounts", "call") },
    budget: needs.budget ? left : {},
  };
  return {
    principal,
    action: uid("Action", "call"),
    resource: tool,
    context,
    entities: [
      entity(tenant, {}),
      entity(principal, { kind: requester.kind, name: text(requester.name) }, [tenant]),
      entity(agent, { version: text(request.agent.version) }, [tenant]),
      entity(tool, { version: text(action.tool_version), manifest: action.manifest_digest }),
      ...resourceEntities(touched.resources),
      ...(needs.values ? valueEntities(control) : []),
    ],
  };
}

/** Null, an empty text, list or object. A leaf that is a list or an object is empty, or too deep to be looked at. */
const isEmpty = (value: unknown): boolean =>
  value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0);

const NOTHING_SAID: TouchedResources = { resources: [], complete: false };

function touchedBy(control: readonly Leaf[]): TouchedResources {
  return touchedResources(
    control.map(({ argument, pointer, value }) => ({
      argument,
      pointer,
      text: typeof value === "string" ? value : null,
    })),
  );
}

function valueEntities(control: readonly Leaf[]): PolicyEntity[] {
  return [
    { ...entity(uid("Texts", "call"), {}), tags: textTags(control) },
    { ...entity(uid("Amounts", "call"), {}), tags: amountTags(control) },
  ];
}

// A lone surrogate is no Unicode text: Cedar would refuse the whole request, and a model could choose when.
const text = (value: string): string => value.toWellFormed();

const uid = (type: string, id: string): EntityUid => ({ type, id: text(id) });

function entity(of: EntityUid, attrs: Record<string, EntityValue>, parents: EntityUid[] = []): PolicyEntity {
  return { uid: of, attrs, parents };
}

function origins(
  request: ActionRequest,
  control: readonly Leaf[],
  content: readonly Leaf[],
): Record<string, EntityValue> {
  const of = (leaves: readonly Leaf[]): Chooser[] => [
    // A leaf without a label is one nobody looked at.
    ...new Set(leaves.map(({ pointer }) => labelOf(request, pointer))),
  ];
  const controlOrigins = of(control);
  const contentOrigins = of(content);
  return {
    control_origins: controlOrigins,
    control_origin: worstOf(controlOrigins),
    content_origins: contentOrigins,
    content_origin: worstOf(contentOrigins),
  };
}

/** `stored`: it stands in trusted text, but only in what a tool returned. Trust is about who chose, not who stored. */
type Chooser = Origin | "stored";

// A pointer begins with "/", as no member of Object.prototype does.
function labelOf(request: ActionRequest, pointer: string): Chooser {
  const label = request.labels[pointer];
  if (label === undefined) return "untrusted";
  const isStored = label.origin === "trusted" && label.sources.some(({ source }) => !isAuthor(source));
  return isStored ? "stored" : label.origin;
}

const isAuthor = (source: string): boolean => source === "task" || source === "system";

const WORST_FIRST: readonly Chooser[] = ["untrusted", "model", "stored"];

function worstOf(found: readonly Chooser[]): Chooser | "none" {
  return WORST_FIRST.find((one) => found.includes(one)) ?? (found.length === 0 ? "none" : "trusted");
}

/** Every value that is not a filled object or list, by RFC 6901 pointer; an empty one is a choice too. */
function leavesOf(args: Readonly<Record<string, unknown>>): Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (pointer: string, argument: string, value: unknown, depth: number): void => {
    const entries =
      typeof value === "object" && value !== null && depth < DEPTH_MAX ? Object.entries(value) : [];
    if (entries.length === 0) leaves.push({ pointer, argument, value });
    for (const [name, item] of entries) visit(`${pointer}/${escape(name)}`, argument, item, depth + 1);
  };
  for (const [name, value] of Object.entries(args)) visit(`/${escape(name)}`, name, value, 1);
  return leaves;
}

const escape = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

function textTags(control: readonly Leaf[]): Record<string, EntityValue> {
  const tags = new Map<string, EntityValue>();
  for (const { pointer, value } of control)
    if (typeof value === "string" && value.length <= TEXT_CHARS_MAX && tags.size < VALUES_MAX)
      tags.set(text(pointer), text(value));
  return Object.fromEntries(tags);
}

function amountTags(control: readonly Leaf[]): Record<string, EntityValue> {
  const tags = new Map<string, EntityValue>();
  for (const { pointer, value } of control)
    if (typeof value === "number" && tags.size < VALUES_MAX) tags.set(text(pointer), wholeNumber(value));
  return Object.fromEntries(tags);
}

// Away from zero, so that 100.01 is over a limit of 100.
function wholeNumber(value: number): number {
  const whole = value < 0 ? Math.floor(value) : Math.ceil(value);
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, whole)) + 0;
}

// Looked at also where no rule reads it: a sum that went wrong is no sum, and such a call is not judged at all.
function budgetOf({ tokensLeft, microdollarsLeft }: PolicyBudget): EntityValue {
  if ([tokensLeft, microdollarsLeft].some((left) => left !== undefined && Number.isNaN(left)))
    throw new TypeError("what is left of the budget is no number");
  return {
    ...(tokensLeft === undefined ? {} : { tokens_left: wholeNumber(tokensLeft) }),
    ...(microdollarsLeft === undefined ? {} : { microdollars_left: wholeNumber(microdollarsLeft) }),
  };
}

function resourceEntities(resources: readonly PolicyResource[]): PolicyEntity[] {
  const entities = new Map<string, PolicyEntity>();
  for (const { id, ancestors } of resources)
    for (const [index, member] of [id, ...ancestors].entries()) {
      const parent = ancestors[index];
      const kind = member.slice(0, member.indexOf(":"));
      entities.set(
        member,
        entity(uid("Resource", member), { kind }, parent === undefined ? [] : [uid("Resource", parent)]),
      );
    }
  return [...entities.values()];
}
