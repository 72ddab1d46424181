// By what right somebody said yes, and what the same log says of the key that it was said with: whose it is, what it may do, and
// that it was revoked. Nothing is known of keys from before the first event of a log, from entries that are not there, and of an
// identity provider's tokens.

import { type AccessEventKind } from "@assent/contract";

/** What a yes says of its credential. */
export type Right = {
  /** Null: an identity provider's token. */
  readonly key: string | null;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  /** What is a right is said by rules of the operator's own, of which the log has this digest alone; null: by those of ours. */
  readonly rules: string | null;
};

export type KeyRights = {
  /** What happened to a key, in the order of the log. */
  follow(kind: string, data: unknown): void;
  /**
   * Holds what is said of a key against what the log has of it.
   * @param actor whose word it is; undefined where nobody tells
   * @returns what is wrong with it, in words; null for nothing that is known
   */
  whyNot(right: Right, actor: string | null | undefined): string | null;
};

type Key = {
  readonly principal: unknown;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  isRevoked: boolean;
};

const CREATED: ReadonlySet<string> = new Set<AccessEventKind>(["key_created", "key_rotated"]);
const REVOKED: AccessEventKind = "key_revoked";

/** Kinds of events that are followed. */
export const KEY_KINDS: readonly string[] = [...CREATED, REVOKED];

const isSaid = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

/** @returns null for what says nothing of it, as events of before; "unclear" for what is no such thing */
export function readRight(given: Readonly<Record<string, unknown>>): Right | "unclear" | null {
  const { key, roles, scopes, rules } = given;
  if ([key, roles, scopes, rules].every((one) => one === undefined)) return null;
  if ((key !== null && typeof key !== "string") || (rules !== null && typeof rules !== "string"))
    return "unclear";
  return isTexts(roles) && isTexts(scopes) ? { key, roles, scopes, rules } : "unclear";
}

export function createKeyRights(): KeyRights {
  const keys = new Map<string, Key>();
  return {
    follow(kind, data): void {
      if (!isSaid(data)) return;
      const { key_id: id, principal_id: principal, roles, scopes } = data;
      if (typeof id !== "string" || !isTexts(roles) || !isTexts(scopes)) return;
      // A key never comes to more than it was made with: what is said of it first counts.
      const key = keys.get(id) ?? { principal, roles, scopes, isRevoked: false };
      if (kind === REVOKED) key.isRevoked = true;
      keys.set(id, key);
    },
    whyNot({ key: id, roles, scopes }, actor): string | null {
      const key = id === null ? undefined : keys.get(id);
      if (key === undefined) return null;
      if (key.isRevoked) return "who used a key that was revoked";
      if (actor !== undefined && key.principal !== actor) return "who used a key of somebody else";
      const isMore =
        roles.some((role) => !key.roles.includes(role)) ||
        scopes.some((scope) => !key.scopes.includes(scope));
      return isMore ? "who had not the role that it names by the key that it names" : null;
    },
  };
}
