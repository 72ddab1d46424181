// Sealed fields on Postgres: a text is sealed under a fresh key, and the key lies in a row beside, wrapped for the newest
// sealing key. Within the transaction that states the event, so that both are there or neither is.

import { idFromUuid, type TenantId } from "@assent/contract";
import { DatabaseError } from "pg";
import { splitPersonal, type Data, type PersonalFields, SEALED_FIELD } from "../../core/audit/personal.ts";
import {
  DATA_KEY_BYTES,
  dataKeyId,
  keyOfSealed,
  openText,
  paddedJson,
  sealedPlace,
  SEALING_KEY_BYTES,
  sealingPublicKey,
  sealText,
  unwrapDataKey,
  wrapDataKey,
} from "../../core/audit/sealed.ts";
import type { Clock, OpenedFields, Random, SealedKey, SealingFiles, SealingStore } from "../../ports.ts";
import { SEALING_KEY_RETIRED } from "./fault.ts";
import type { Scope } from "./rows.ts";
import { generationsOn } from "./sealing-generations.ts";

/** `subject`: what the fact is about, as its entry in the log names it. */
export type SealedText = { readonly subject: string; readonly sealed: string };

export type Sealing = {
  /** The payload with its personal fields sealed; the very one where it has none, at no cost. */
  sealed(scope: Scope, subject: string, kind: string, data: Data): Promise<Data>;
  /** As `sealed`, and its key is kept by the same statement as the payload: by `keep`, which is given what to write. */
  seal<T>(
    scope: Scope,
    subject: string,
    kind: string,
    data: Data,
    keep: (sealed: Data, key: SealedKey | null) => Promise<T>,
  ): Promise<T>;
  /** What stands in sealed texts; null for each whose key is gone, or is not in this home. */
  opened(scope: Scope, texts: readonly SealedText[]): Promise<readonly (OpenedFields | null)[]>;
};

export type SealingOptions = {
  readonly store: SealingStore;
  readonly files: SealingFiles;
  /** Derived from the installation's. */
  readonly secret: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
};

type Newest = { readonly generation: number; readonly publicKey: Uint8Array };

const tenantOf = ({ tenant }: Scope): TenantId => idFromUuid("ten", tenant);

export function createSealing(options: SealingOptions): Sealing {
  const { secret, random, files } = options;
  // Which key is the newest is believed until the database refuses it.
  let newest: Newest | null = null;
  const wrap = async (scope: Scope, key: Uint8Array): Promise<SealedKey> => {
    // Asked on the transaction's own connection: who waited for a second one while holding the first would, with enough
    // others that do the same, wait for ever.
    newest ??= (await newestIn(scope, options)) ?? (await findNewest(options));
    const { generation, publicKey } = newest;
    const seed = random.bytes(SEALING_KEY_BYTES);
    const wrapped = wrapDataKey({ publicKey, secret, seed }, tenantOf(scope), key);
    return { id: dataKeyId(key), generation, wrapped };
  };
  const seal: Sealing["seal"] = async (scope, subject, kind, data, keep) => {
    const split = splitPersonal(kind, data);
    if (split === null) return await keep(data, null);
    const key = random.bytes(DATA_KEY_BYTES);
    const place = sealedPlace(tenantOf(scope), subject);
    const text = sealText(key, place, paddedJson(split.personal));
    const wrapped = await wrap(scope, key);
    try {
      return await keep({ ...split.plain, [SEALED_FIELD]: text }, wrapped);
    } catch (error) {
      if (error instanceof DatabaseError && error.code === SEALING_KEY_RETIRED) newest = null;
      throw error;
    }
  };
  return {
    seal,
    sealed: async (scope, subject, kind, data) =>
      await seal(scope, subject, kind, data, async (sealed, key) => {
        if (key !== null) await insertKey(scope, key);
        return sealed;
      }),
    opened: async (scope, texts) => await openAll(scope, texts, { secret, files }),
  };
}

async function insertKey({ query, tenant }: Scope, { id, generation, wrapped }: SealedKey): Promise<void> {
  await query("insert into assent.sealed_keys (tenant_id, id, generation, wrapped) values ($1, $2, $3, $4)", [
    tenant,
    id,
    generation,
    wrapped,
  ]);
}

/** The newest sealing key, as the transaction sees it; null where one has to be begun. */
async function newestIn(scope: Scope, { files }: Pick<SealingOptions, "files">): Promise<Newest | null> {
  const [found] = (await generationsOn(scope.query)).filter(({ isRetired }) => !isRetired);
  if (found === undefined || (await files.find(found.publicKey)) === "destroyed") return null;
  return found;
}

/**
 * The newest sealing key, and the first one where there is none. A database that was restored from before the key was
 * changed names one that is destroyed, and whatever were wrapped for that would be lost: then a new one is begun.
 */
export async function findNewest({
  store,
  files,
  clock,
  random,
}: Omit<SealingOptions, "secret">): Promise<Newest> {
  for (;;) {
    const found = (await store.generations()).find(({ isRetired }) => !isRetired);
    const isGone = found !== undefined && (await files.find(found.publicKey)) === "destroyed";
    if (found !== undefined && !isGone) return found;
    const seed = random.bytes(SEALING_KEY_BYTES);
    const publicKey = sealingPublicKey(seed);
    await files.keep(seed);
    const generation = await store.begin(publicKey, found?.publicKey ?? null, isGone, clock.now());
    if (generation !== null) return { generation, publicKey };
    // Somebody else was faster.
    await files.destroy(publicKey);
  }
}

type KeyRow = { readonly id: Buffer; readonly generation: number; readonly wrapped: Buffer };

async function openAll(
  scope: Scope,
  texts: readonly SealedText[],
  given: Pick<SealingOptions, "secret" | "files">,
): Promise<readonly (OpenedFields | null)[]> {
  const ids = texts.map(({ sealed }) => keyOfSealed(sealed));
  const wanted = ids.filter((id) => id !== null);
  if (wanted.length === 0) return texts.map(() => null);
  const rows = await scope.query<KeyRow>(
    `select id, generation, wrapped from assent.sealed_keys
     where tenant_id = $1 and id = any ($2::bytea[]) and wrapped is not null`,
    [scope.tenant, wanted],
  );
  const keys = new Map(rows.map((row) => [row.id.toString("hex"), row]));
  const seeds = await readSeeds(scope, given, new Set(rows.map(({ generation }) => generation)));
  const tenant = tenantOf(scope);
  return texts.map(({ subject, sealed }, i) => {
    const row = keys.get(ids[i]?.toString("hex") ?? "");
    const privateKey = row === undefined ? undefined : seeds.get(row.generation);
    if (row === undefined || privateKey === undefined) return null;
    const key = unwrapDataKey({ privateKey, secret: given.secret }, tenant, row.id, row.wrapped);
    const text = key === null ? null : openText(key, sealedPlace(tenant, subject), sealed);
    return key === null || text === null ? null : { key, fields: parseFields(text) };
  });
}

// Read each time: a key that is destroyed is in no memory either.
async function readSeeds(
  scope: Scope,
  { files }: Pick<SealingOptions, "files">,
  generations: ReadonlySet<number>,
): Promise<ReadonlyMap<number, Uint8Array>> {
  const seeds = new Map<number, Uint8Array>();
  if (generations.size === 0) return seeds;
  for (const { generation, publicKey } of await generationsOn(scope.query)) {
    const seed = generations.has(generation) ? await files.read(publicKey) : null;
    if (seed !== null) seeds.set(generation, seed);
  }
  return seeds;
}

function parseFields(text: string): PersonalFields {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? { ...value } : {};
}
