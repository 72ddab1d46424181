// Parsers of single words of the command line. What they refuse never reaches a server.

import {
  type AccessEventId,
  accessEventIdSchema,
  type ApprovalId,
  approvalIdSchema,
  type DeliveryId,
  deliveryIdSchema,
  type DocumentId,
  documentIdSchema,
  type KeyId,
  keyIdSchema,
  RUN_STATES,
  type RunId,
  runIdSchema,
  type Role,
  roleSchema,
  type RunState,
  type Scope,
  scopeSchema,
  type SigningKeyId,
  signingKeyIdSchema,
  WEBHOOK_EVENTS,
  type WebhookEvent,
  webhookEventSchema,
  type WebhookId,
  webhookIdSchema,
} from "@assent/contract";
import { InvalidArgumentError } from "commander";

export function parseRunId(text: string): RunId {
  const id = runIdSchema.safeParse(text);
  if (!id.success) throw new InvalidArgumentError("A run's id is `run_` and 32 hex digits.");
  return id.data;
}

export const collectRunIds = (text: string, previous: readonly RunId[] | undefined): readonly RunId[] => [
  ...(previous ?? []),
  parseRunId(text),
];

export function parseKeyId(text: string): KeyId {
  const id = keyIdSchema.safeParse(text);
  if (!id.success) throw new InvalidArgumentError("A key's id is `key_` and 32 hex digits.");
  return id.data;
}

export function parseAccessEventId(text: string): AccessEventId {
  const id = accessEventIdSchema.safeParse(text);
  if (!id.success) throw new InvalidArgumentError("An event's id is `evt_` and 32 hex digits.");
  return id.data;
}

export function parseDocumentId(text: string): DocumentId {
  const id = documentIdSchema.safeParse(text);
  if (!id.success) throw new InvalidArgumentError("A document's id is `doc_` and 32 hex digits.");
  return id.data;
}

export function parseSigningKeyId(text: string): SigningKeyId {
  const id = signingKeyIdSchema.safeParse(text);
  if (!id.success) throw new InvalidArgumentError("A signing key's id is `sgk_` and 32 hex digits.");
  return id.data;
}

export type GateId =
  | { readonly kind: "approval"; readonly id: ApprovalId }
  | { readonly kind: "run"; readonly id: RunId };

export function parseGateId(text: string): GateId {
  const approval = approvalIdSchema.safeParse(text);
  if (approval.success) return { kind: "approval", id: approval.data };
  const run = runIdSchema.safeParse(text);
  if (run.success) return { kind: "run", id: run.data };
  throw new InvalidArgumentError("Give an approval's id (`apr_…`), or a run's (`run_…`) with one open.");
}

/** What can stand in a header as it is; the server takes up to 255 characters. */
export function parseIdempotencyKey(text: string): string {
  if (!/^[!-~]{1,255}$/.test(text))
    throw new InvalidArgumentError("Give 1 to 255 visible ASCII characters, no spaces.");
  return text;
}

export function parsePort(text: string): number {
  return parseCount(text, 0, 65_535);
}

export function parseDays(text: string): number {
  return parseCount(text, 1, 3_650);
}

export function parseStep(text: string): number {
  return parseCount(text, 1, 999_999);
}

export function parseRunsAtOnce(text: string): number {
  return parseCount(text, 1, 64);
}

export function parseLimit(text: string): number {
  return parseCount(text, 1, 100);
}

function parseCount(text: string, min: number, max: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= min && count <= max))
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  return count;
}

export function collectStates(text: string, previous: readonly RunState[] | undefined): readonly RunState[] {
  const states = text.split(",").map((name) => {
    const state = RUN_STATES.find((known) => known === name.replaceAll(" ", "_"));
    if (state === undefined) throw new InvalidArgumentError(`The states are ${RUN_STATES.join(", ")}.`);
    return state;
  });
  return [...(previous ?? []), ...states];
}

export function parseWebhookId(text: string): WebhookId {
  const id = webhookIdSchema.safeParse(text);
  if (!id.success) throw new InvalidArgumentError("A webhook's id is `whk_` and 32 hex digits.");
  return id.data;
}

/** @param previous commander hands the default on, which is none */
export function collectDeliveryIds(
  text: string,
  previous: readonly DeliveryId[] | undefined,
): readonly DeliveryId[] {
  const id = deliveryIdSchema.safeParse(text);
  if (!id.success) throw new InvalidArgumentError("A message's id is `msg_` and 32 hex digits.");
  return [...(previous ?? []), id.data];
}

export function collectWebhookEvents(
  text: string,
  previous: readonly WebhookEvent[] | undefined,
): readonly WebhookEvent[] {
  const events = text.split(",").map((name) => {
    const event = webhookEventSchema.safeParse(name);
    if (!event.success) throw new InvalidArgumentError(`The events are ${WEBHOOK_EVENTS.join(", ")}.`);
    return event.data;
  });
  return [...(previous ?? []), ...events];
}

export function collectScopes(text: string, previous: readonly Scope[] | undefined): readonly Scope[] {
  const scopes = text.split(",").map((name) => {
    const scope = scopeSchema.safeParse(name);
    if (!scope.success) throw new InvalidArgumentError(`The scopes are ${scopeSchema.options.join(", ")}.`);
    return scope.data;
  });
  return [...(previous ?? []), ...scopes];
}

export function collectRoles(text: string, previous: readonly Role[] | undefined): readonly Role[] {
  const roles = text.split(",").map((name) => {
    const role = roleSchema.safeParse(name);
    if (!role.success) throw new InvalidArgumentError(`The roles are ${roleSchema.options.join(", ")}.`);
    return role.data;
  });
  return [...(previous ?? []), ...roles];
}

/** `30s`, `15m`, `24h`, `7d`, in seconds. */
export function parseDuration(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = { s: 1, m: 60, h: 3_600, d: 86_400 }[unit];
  if (seconds === undefined) throw new InvalidArgumentError("Give a duration like 30s, 15m, 24h or 7d.");
  return Number(count) * seconds;
}

export function collectLabels(
  text: string,
  previous: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("A label is `name=value`.");
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}
