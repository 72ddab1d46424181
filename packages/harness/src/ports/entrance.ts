// Who comes in, with what, and how often: as the store keeps it and services see it.

import type { Actor, KeyId, Role, Scope, SigningAlgorithm, SigningKeyId, TenantId } from "@assent/contract";
import type { QuotaPolicy } from "../core/access/quota.ts";

export type NewKey = {
  readonly id: KeyId;
  readonly hash: Uint8Array;
  readonly prefix: string;
  readonly principal: Pick<Actor, "name" | "kind">;
  readonly scopes: readonly Scope[];
  readonly roles: readonly Role[];
  readonly mustSign: boolean;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
};

/** Who calls: found by their credential, before any tenant is known. */
export type Caller = {
  readonly tenant: TenantId;
  readonly actor: Actor;
  /** Null where an identity provider's token was shown, and no key of ours. */
  readonly key: KeyId | null;
  readonly scopes: readonly Scope[];
  readonly roles: readonly Role[];
  /** Only signed requests of this credential are taken. */
  readonly mustSign: boolean;
  /** What this request was signed with, and found to be; absent where it was not signed. */
  readonly signedWith?: SigningKeyId;
};

export type QuotaState = QuotaPolicy & { readonly remaining: number; readonly resetSeconds: number };

export type NewSigningKey = {
  readonly id: SigningKeyId;
  readonly principal: Pick<Actor, "name" | "kind">;
  readonly algorithm: SigningAlgorithm;
  /** 32 bytes for ed25519, null for hmac-sha256. */
  readonly publicKey: Uint8Array | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
};

/** The key that a request was signed with, if it is the caller's own and good. */
export type FoundSigningKey = Pick<NewSigningKey, "id" | "algorithm" | "publicKey">;

export type Admitted = {
  readonly caller: Caller;
  readonly signingKey: FoundSigningKey | null;
  /** As far as they were looked at: those behind one that is exceeded were not. */
  readonly quotas: readonly QuotaState[];
  readonly exceeded: QuotaState | null;
};
