// The keys that sealed fields rest on, and their change. An erasure takes a data key out of the database; a backup of
// before still has it, wrapped. So all that are left are wrapped for a new sealing key, and then the old one is destroyed.
// Every step finds out by itself what the one before has done: cut short anywhere, the next call goes on from there.

import type { TenantId } from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";
import { SEALING_KEY_BYTES, sealingPublicKey, unwrapDataKey, wrapDataKey } from "../../core/audit/sealed.ts";
import type {
  Clock,
  OlderRows,
  Random,
  SealedKey,
  SealedStanding,
  SealingFiles,
  SealingGeneration,
  SealingStore,
} from "../../ports.ts";
import type { Refusal } from "../harness.ts";

export type SealingKeyPorts = {
  readonly store: SealingStore;
  readonly files: SealingFiles;
  readonly older: OlderRows;
  readonly secret: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
};

export type SealingState = SealedStanding & {
  /** Of the newest sealing key; null before anything was sealed. */
  readonly generation: number | null;
  /** Whether this home has it. */
  readonly isHeld: boolean;
  /** An older one waits for its destruction: a change was begun and is not finished. */
  readonly isChanging: boolean;
};

export type SealingKeys = {
  state(tenant: TenantId): Promise<SealingState>;
  /** Changes the sealing key, or goes on with a change. @param tenant of who asks for it */
  change(tenant: TenantId, isLost: boolean): Promise<Result<null, Refusal>>;
};

export type SealingSurroundings = {
  /** The tenant whose admins operate the installation; null where all may. */
  readonly operators: TenantId | null;
  readonly onOperated: (
    subject: string,
    kind: string,
    data: Readonly<Record<string, unknown>>,
  ) => Promise<void>;
  readonly wake: () => Promise<void>;
};

export const createSealingKeys = (ports: SealingKeyPorts, around: SealingSurroundings): SealingKeys => ({
  state: async (tenant) => await sealingState(ports, tenant),
  async change(tenant, isLost): Promise<Result<null, Refusal>> {
    // One key is all tenants': who changes it takes sealed fields from every backup of before, whoever they are of.
    if (around.operators !== null && around.operators !== tenant) return err(NOT_OPERATOR);
    const changed = isLost ? await replaceLostKey(ports) : await changeSealingKey(ports);
    if (!changed.ok) return changed;
    if (changed.value !== null) {
      const public_key = Buffer.from(changed.value).toString("hex");
      await around.onOperated("sealing", isLost ? "sealing.given_up" : "sealing.rekeyed", { public_key });
      await around.wake();
    }
    return ok(null);
  },
});

/** Keys of one statement: 25 ms of computing, in which this process answers nobody. */
const BATCH_KEYS = 64;
/** A change goes on for so long at a time; whoever asked for it asks again. */
export const REKEY_MS_MAX = 15_000;

export async function sealingState(
  { store, files }: Pick<SealingKeyPorts, "store" | "files">,
  tenant: TenantId,
): Promise<SealingState> {
  const generations = await store.generations();
  const newest = generations.find(({ isRetired }) => !isRetired);
  return {
    ...(await store.standing(tenant)),
    generation: newest?.generation ?? null,
    isHeld: newest !== undefined && (await files.find(newest.publicKey)) === "held",
    isChanging: generations.some(isLeft),
  };
}

/** Retired, and not destroyed. */
const isLeft = ({ isRetired, isDestroyed }: SealingGeneration): boolean => isRetired && !isDestroyed;

/**
 * Puts a new sealing key in the place of the one there is, or goes on with a change that was cut short.
 * @returns the new key's public half, once the old one is destroyed; null when the time was not enough
 */
export async function changeSealingKey(
  ports: SealingKeyPorts,
  msMax: number = REKEY_MS_MAX,
): Promise<Result<Uint8Array | null, Refusal>> {
  const { store, files, clock } = ports;
  const until = clock.now().getTime() + msMax;
  const begun = await beginChange(ports);
  if (!begun.ok) return begun;
  const generations = await store.generations();
  const newest = generations.find(({ isRetired }) => !isRetired);
  if (newest === undefined) return err(NOTHING);
  const old = generations.filter(isLeft);
  for (const tenant of await store.behind()) {
    const done = await rewrapTenant(ports, tenant, { old, newest, until });
    if (!done.ok || !done.value) return done.ok ? ok(null) : done;
  }
  if ((await store.behind()).length > 0) return ok(null);
  // While the old one is there: whoever is stopped here begins no new key, and goes on with this.
  if (!(await sealOlder(ports, until))) return ok(null);
  for (const { publicKey, generation } of old) {
    // A home that never had it cannot say that it is gone.
    if ((await files.find(publicKey)) === "absent") return err(ELSEWHERE);
    await files.destroy(publicKey);
    if (!(await store.destroyed(generation, clock.now()))) return ok(null);
  }
  return ok(newest.publicKey);
}

/** False when the time was not enough; what was sealed is not looked at again. */
async function sealOlder({ older, clock }: SealingKeyPorts, until: number): Promise<boolean> {
  for (const tenant of await older.tenants())
    for (let after: string | null = null; ;) {
      if (clock.now().getTime() >= until) return false;
      after = await older.seal(tenant, after, BATCH_KEYS, clock.now());
      if (after === null) break;
    }
  return true;
}

const NOT_OPERATOR: Refusal = {
  code: "scope_missing",
  detail: "The sealing key is the installation's: admins of the tenant that it was set up with change it.",
};
const NOTHING: Refusal = {
  code: "sealing_key_missing",
  detail: "Nothing was ever sealed here, so there is no key to change.",
};
const ELSEWHERE: Refusal = {
  code: "sealing_key_missing",
  detail: "The sealing key lies in another home, and only who has it can wrap anew what rests on it.",
};
const NOT_LOST: Refusal = {
  code: "sealing_key_missing",
  detail: "A sealing key is here, so it is not lost. Change it without --lost.",
};
const brokenKey = (tenant: TenantId, { id, generation }: SealedKey): Refusal => ({
  code: "sealing_key_missing",
  detail: `Key ${Buffer.from(id).toString("hex")} of ${tenant} does not open with sealing key ${generation}: somebody changed it.`,
});

async function beginChange(ports: SealingKeyPorts): Promise<Result<null, Refusal>> {
  const generations = await ports.store.generations();
  if (generations.some(isLeft)) return ok(null);
  const newest = generations.find(({ isRetired }) => !isRetired);
  if (newest === undefined) return err(NOTHING);
  if ((await ports.files.find(newest.publicKey)) !== "held") return err(ELSEWHERE);
  await beginKey(ports, newest.publicKey, false);
  return ok(null);
}

async function beginKey(
  { store, files, clock, random }: SealingKeyPorts,
  after: Uint8Array,
  isLost: boolean,
): Promise<Uint8Array> {
  const seed = random.bytes(SEALING_KEY_BYTES);
  // Durable before anything is wrapped for it.
  await files.keep(seed);
  const publicKey = sealingPublicKey(seed);
  // Null: somebody else has begun. What they began is gone on with.
  if ((await store.begin(publicKey, after, isLost, clock.now())) === null) await files.destroy(publicKey);
  return publicKey;
}

/**
 * Begins with a new sealing key where the one there is was lost, with every copy: what rests on it is lost as well, and
 * nothing else is.
 * @returns the new key's public half
 */
export async function replaceLostKey(ports: SealingKeyPorts): Promise<Result<Uint8Array, Refusal>> {
  const left = (await ports.store.generations()).filter(({ isDestroyed }) => !isDestroyed);
  const newest = left.at(-1);
  if (newest === undefined) return err(NOTHING);
  for (const { publicKey } of left) if ((await ports.files.find(publicKey)) === "held") return err(NOT_LOST);
  return ok(await beginKey(ports, newest.publicKey, true));
}

type Change = {
  readonly old: readonly SealingGeneration[];
  readonly newest: SealingGeneration;
  readonly until: number;
};

/** False when the time was not enough. */
async function rewrapTenant(
  ports: SealingKeyPorts,
  tenant: TenantId,
  { old, newest, until }: Change,
): Promise<Result<boolean, Refusal>> {
  const { store, files, clock, secret, random } = ports;
  const seeds = new Map<number, Uint8Array | null>();
  for (const { generation, publicKey } of old) seeds.set(generation, await files.read(publicKey));
  for (let after: Uint8Array | null = null; ;) {
    const keys: readonly SealedKey[] = await store.take(tenant, after, BATCH_KEYS);
    const last = keys.at(-1);
    if (last === undefined) return ok(true);
    if (clock.now().getTime() >= until) return ok(false);
    const rewrapped = [];
    for (const before of keys) {
      const privateKey = seeds.get(before.generation) ?? null;
      if (privateKey === null) return err(ELSEWHERE);
      const key = unwrapDataKey({ privateKey, secret }, tenant, before.id, before.wrapped);
      if (key === null) return err(brokenKey(tenant, before));
      const seed = random.bytes(SEALING_KEY_BYTES);
      const wrapped = wrapDataKey({ publicKey: newest.publicKey, secret, seed }, tenant, key);
      rewrapped.push({ before, wrapped });
    }
    await store.rewrap(tenant, rewrapped, newest.generation);
    after = last.id;
  }
}
