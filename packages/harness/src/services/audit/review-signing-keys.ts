// Keys that requests are signed with, held against what the events say of them: a public key that somebody wrote into a row
// signs as somebody else, and no request would show it.

import type { AccessEventKind } from "@assent/contract";
import type { ExactTime, ReviewedSigningKey, ReviewTx, SigningKeyEvent } from "../../ports.ts";
import { exactTime } from "./exact-time.ts";
import { type HeldRows, holdRows } from "./held-rows.ts";

/** `loose`: not known to the second when they end, since an older event says only that another key replaces them. */
export type ReviewedSigningKeys = HeldRows;

/** What the events say that a row is. */
type Told = {
  readonly principal: unknown;
  readonly algorithm: unknown;
  readonly publicKey: unknown;
  readonly createdAt: ExactTime;
  expiresAt: ExactTime | null;
  /** It ends between this time and the one above; null: at that one. */
  endsAfter: ExactTime | null;
  revokedAt: ExactTime | null;
};

type Erased = {
  readonly created: Set<ExactTime>;
  readonly revoked: Set<ExactTime>;
  /** When keys were replaced, by events that do not say any more which. */
  readonly replaced: ExactTime[];
};

export async function reviewSigningKeys(tx: ReviewTx, tenant: string): Promise<ReviewedSigningKeys> {
  const { told, erased } = follow(await tx.signingKeyEvents(tenant));
  return holdRows(await tx.signingKeys(tenant), {
    name: "key",
    told,
    erasedMaking: erased.created,
    isLoose: ({ endsAfter }) => endsAfter !== null,
    compare: (row, known) => compare(row, known, erased),
  });
}

const CREATES: ReadonlySet<string> = new Set<AccessEventKind>(["signing_key_created", "signing_key_rotated"]);
const ROTATED: AccessEventKind = "signing_key_rotated";

function follow(events: readonly SigningKeyEvent[]): {
  readonly told: ReadonlyMap<string, Told>;
  readonly erased: Erased;
} {
  const told = new Map<string, Told>();
  const erased: Erased = { created: new Set(), revoked: new Set(), replaced: [] };
  for (const { kind, at, data } of events) {
    if (data === null) {
      if (CREATES.has(kind)) erased.created.add(at);
      else erased.revoked.add(at);
      if (kind === ROTATED) erased.replaced.push(at);
      continue;
    }
    const { key_id: id, principal_id: principal, algorithm, public_key: publicKey, replaces } = data;
    // What is no event of ours is named where its payload is held against the tree.
    if (typeof id !== "string") continue;
    if (CREATES.has(kind)) {
      const ends = { expiresAt: exactTime(data["expires_at"]), endsAfter: null, revokedAt: null };
      told.set(id, { principal, algorithm, publicKey, createdAt: at, ...ends });
      const replaced = typeof replaces === "string" ? told.get(replaces) : undefined;
      if (replaced !== undefined) end(replaced, data["replaced_expires_at"], at);
    } else {
      const key = told.get(id);
      if (key !== undefined) key.revokedAt ??= at;
    }
  }
  return { told, erased };
}

/** Events of before do not say when the key that is replaced ends: not before then, and not after it would have anyhow. */
function end(key: Told, endsAt: unknown, at: ExactTime): void {
  if (endsAt !== undefined) key.expiresAt = exactTime(endsAt);
  key.endsAfter = endsAt === undefined ? at : null;
}

function compare(
  row: ReviewedSigningKey,
  told: Told,
  erased: Erased,
): { readonly others: readonly string[]; readonly mayBeErased: boolean } {
  const others = (
    [
      ["principal", row.principal === told.principal],
      ["algorithm", row.algorithm === told.algorithm],
      ["public key", row.publicKey === told.publicKey],
      ["time of creation", row.createdAt === told.createdAt],
    ] as const
  ).flatMap(([what, isSame]) => (isSame ? [] : [what as string]));
  const isRevocationErased =
    told.revokedAt === null && row.revokedAt !== null && erased.revoked.has(row.revokedAt);
  if (row.revokedAt !== told.revokedAt && !isRevocationErased) others.push("revocation");
  const isEndErased = row.expiresAt !== told.expiresAt && isEndedAfter(row, told, erased.replaced);
  if (!endsAsTold(row, told) && !isEndErased) others.push("expiry");
  return { others, mayBeErased: isRevocationErased || isEndErased };
}

function endsAsTold({ expiresAt }: ReviewedSigningKey, told: Told): boolean {
  // Of an older event: one that was revoked at the moment at which it was replaced ends when it would have.
  const isSame = expiresAt === told.expiresAt;
  if (told.endsAfter === null) return isSame;
  return (isSame && told.revokedAt !== null) || isWithin(expiresAt, told.endsAfter, told.expiresAt);
}

/** Whether one of these replacements, of which nobody can tell what they replaced, can be why it ends when it does. */
const isEndedAfter = (
  { expiresAt }: ReviewedSigningKey,
  told: Told,
  replaced: readonly ExactTime[],
): boolean =>
  replaced.some((at) => Number(at) >= Number(told.createdAt) && isWithin(expiresAt, at, told.expiresAt));

const isWithin = (time: ExactTime | null, from: ExactTime, to: ExactTime | null): boolean =>
  time !== null && Number(time) >= Number(from) && (to === null || Number(time) <= Number(to));
