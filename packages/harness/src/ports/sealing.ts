// Sealed fields of payloads: what the service needs of the outside to change the key that they rest on.

import type { TenantId } from "@assent/contract";

/** A sealed text with what stood in it; `key` opens it, and can be handed on. */
export type OpenedFields = {
  readonly key: Uint8Array;
  /** By path (core/audit/personal.ts). */
  readonly fields: Readonly<Record<string, unknown>>;
};

export type SealedKey = {
  readonly id: Uint8Array;
  readonly generation: number;
  readonly wrapped: Uint8Array;
};

export type SealingGeneration = {
  readonly generation: number;
  readonly publicKey: Uint8Array;
  readonly isRetired: boolean;
  readonly isDestroyed: boolean;
};

/** How far erasures of a tenant have come. */
export type SealedStanding = {
  /** Keys that open something. */
  readonly kept: number;
  /** Keys that were erased. */
  readonly erased: number;
  /** Of those, how many a backup of before still has, wrapped for a sealing key that is there. */
  readonly uncovered: number;
  /** When the first of them was erased. */
  readonly uncoveredSince: Date | null;
};

/** The keys in the database: public halves of sealing keys, and what is wrapped for them. */
export type SealingStore = {
  /** Oldest first. */
  generations(): Promise<readonly SealingGeneration[]>;
  /**
   * Retires the one there is. Where that is lost, what is wrapped for it is given up.
   * @param after public half of the newest, as the caller has seen it; null for none
   * @returns null where another one is the newest by now, or an older one is not destroyed yet
   */
  begin(publicKey: Uint8Array, after: Uint8Array | null, isLost: boolean, at: Date): Promise<number | null>;
  /** Tenants with keys that are wrapped for an older sealing key than the newest. */
  behind(): Promise<readonly TenantId[]>;
  /** Keys of a tenant that are wrapped for an older sealing key, in the order of their ids. */
  take(tenant: TenantId, after: Uint8Array | null, limit: number): Promise<readonly SealedKey[]>;
  /** Puts the new wrapping in the place of the one that was read; a key that was erased meanwhile stays erased. */
  rewrap(
    tenant: TenantId,
    keys: readonly { readonly before: SealedKey; readonly wrapped: Uint8Array }[],
    generation: number,
  ): Promise<void>;
  /** When the first text was erased, of any tenant, that a backup of before still opens; null for none. */
  uncoveredSince(): Promise<Date | null>;
  /** Its file is gone. False while anything is wrapped for it. */
  destroyed(generation: number, at: Date): Promise<boolean>;
  standing(tenant: TenantId): Promise<SealedStanding>;
};

/** Rows from before fields were sealed, which hold them in plain. */
export type OlderRows = {
  /** Tenants that may have some. */
  tenants(): Promise<readonly TenantId[]>;
  /** Seals a batch, those behind this subject. @returns the last that was looked at; null for none */
  seal(tenant: TenantId, after: string | null, limit: number, at: Date): Promise<string | null>;
};

/** The installation's sealing keys: files that the database cannot reach. */
export type SealingFiles = {
  /** `destroyed` means here, on purpose; `absent`: this home never had it, or somebody took it away. */
  find(publicKey: Uint8Array): Promise<"held" | "destroyed" | "absent">;
  /** The key itself; null where it is not held. */
  read(publicKey: Uint8Array): Promise<Uint8Array | null>;
  /** Returns once it would survive a loss of power. */
  keep(seed: Uint8Array): Promise<void>;
  /** Overwritten, then removed, each of it durably. No error when it is gone. */
  destroy(publicKey: Uint8Array): Promise<void>;
};
