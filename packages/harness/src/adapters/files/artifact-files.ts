// Content-addressed files: `sha256/<first two digits>/<digest>`. The name of a file is a promise about its bytes, so a
// file gets its name only when the bytes are safely there, and the promise is checked at every read (invariant 12,
// complete or nothing).

import { dirname, join, resolve } from "node:path";
import { assert } from "../../base/assert.ts";
import { sha256Hex } from "../../base/digest.ts";
import { ARTIFACT_BYTES_MAX } from "../../base/limits.ts";
import type { ArtifactFiles, Random, StoredPage } from "../../ports.ts";
import { diskOperations, type FileOperations } from "./file-operations.ts";
import { isAbandoned, withStagingName } from "./staging-name.ts";

/** The bytes under a digest are not the ones it names: never served, whatever became of them. */
export class ArtifactDamaged extends Error {
  override readonly name = "ArtifactDamaged";
  constructor(sha256: string) {
    super(`The stored bytes of artifact ${sha256} do not match its digest.`);
  }
}

/** More bytes than one artifact may have. */
export class ArtifactTooLarge extends Error {
  override readonly name = "ArtifactTooLarge";
  constructor(sizeBytes: number) {
    super(`An artifact has at most ${ARTIFACT_BYTES_MAX} bytes; this one has ${sizeBytes}.`);
  }
}

export type ArtifactFilesOptions = {
  /** An own folder; it is made when it is missing. */
  readonly folder: string;
  readonly random: Random;
  readonly operations?: FileOperations;
};

/** `put` rejects with ArtifactTooLarge or a file system error, `get` with ArtifactDamaged or a file system error. */
export function openArtifactFiles(options: ArtifactFilesOptions): ArtifactFiles {
  const operations = options.operations ?? diskOperations;
  const store: Store = {
    root: resolve(options.folder),
    random: options.random,
    operations,
    durableFolders: new Set(),
  };
  let prepared: Promise<void> | null = null;
  const prepare = async (): Promise<void> => {
    prepared ??= prepareFolders(store).catch((error: unknown) => {
      prepared = null;
      throw error;
    });
    await prepared;
  };
  return {
    put: async (bytes) => {
      if (bytes.byteLength > ARTIFACT_BYTES_MAX) throw new ArtifactTooLarge(bytes.byteLength);
      // A copy: the caller may change its buffer while we wait, and then the digest would lie.
      const copy = Uint8Array.from(bytes);
      await prepare();
      return await put(store, copy);
    },
    get: async (sha256) => {
      const bytes = await operations.read(pathOf(store, sha256), ARTIFACT_BYTES_MAX);
      if (bytes !== null && sha256Hex(bytes) !== sha256) throw new ArtifactDamaged(sha256);
      return bytes;
    },
    holds: async (sha256, sizeBytes) => (await operations.size(pathOf(store, sha256))) === sizeBytes,
    list: async (after) => {
      await prepare();
      return await listFolder(store, after);
    },
    remove: async (sha256) => {
      // Not made durable: what comes back after a loss of power is swept again.
      await operations.remove(pathOf(store, sha256));
    },
  };
}

type Store = {
  readonly root: string;
  readonly random: Random;
  readonly operations: FileOperations;
  /** Of the 256 folders those whose name this process has made durable. Nobody of ours takes one away. */
  readonly durableFolders: Set<string>;
};

const stagingOf = (store: Store): string => join(store.root, "staging");

// The digest becomes a path, so its form is checked right here, whoever checked it before.
function pathOf(store: Store, sha256: string): string {
  assert(DIGEST.test(sha256), "an artifact is named by 64 hex digits");
  return join(store.root, "sha256", sha256.slice(0, 2), sha256);
}

async function prepareFolders({ root, operations }: Store): Promise<void> {
  const staging = join(root, "staging");
  for (const folder of [root, join(root, "sha256"), staging]) await operations.makeFolder(folder);
  for (const folder of [dirname(root), root]) await operations.sync(folder);
  for (const { name, modifiedAtMs } of await operations.list(staging)) {
    if (isAbandoned(name, modifiedAtMs)) await operations.remove(join(staging, name));
  }
}

const FOLDERS = 256;

// One of the folders a piece: what is there, under a name that is a digest.
async function listFolder(store: Store, after: string | null): Promise<StoredPage> {
  const index = after === null ? 0 : Number.parseInt(after, 16) + 1;
  const name = index.toString(16).padStart(2, "0");
  const found = await store.operations.list(join(store.root, "sha256", name));
  return {
    files: found
      .filter((file) => DIGEST.test(file.name) && file.name.startsWith(name))
      .map((file) => ({ sha256: file.name, storedAt: new Date(file.modifiedAtMs) })),
    next: index + 1 < FOLDERS ? name : null,
  };
}

const DIGEST = /^[0-9a-f]{64}$/u;

async function put(
  store: Store,
  bytes: Uint8Array,
): Promise<{ readonly sha256: string; readonly sizeBytes: number }> {
  const sha256 = sha256Hex(bytes);
  const path = pathOf(store, sha256);
  try {
    await makeDurable(store, path, bytes, sha256);
  } catch (error) {
    // Should somebody have removed the folder after all, the next one makes it again.
    store.durableFolders.delete(dirname(path));
    throw error;
  }
  return { sha256, sizeBytes: bytes.byteLength };
}

async function makeDurable(store: Store, path: string, bytes: Uint8Array, sha256: string): Promise<void> {
  const { operations, durableFolders } = store;
  const folder = dirname(path);
  const isDurable = durableFolders.has(folder);
  if (!isDurable) await operations.makeFolder(folder);
  // Also a file that was there already: whoever put it may have died before it was durable, or copied it there by hand.
  if (await isIntact(store, path, sha256)) await operations.sync(path);
  else await writeInto(store, path, bytes);
  await operations.sync(folder);
  if (isDurable) return;
  await operations.sync(dirname(folder));
  durableFolders.add(folder);
}

async function isIntact(store: Store, path: string, sha256: string): Promise<boolean> {
  const present = await store.operations.read(path, ARTIFACT_BYTES_MAX);
  return present !== null && sha256Hex(present) === sha256;
}

// The bytes are durable before they get their name.
async function writeInto(store: Store, path: string, bytes: Uint8Array): Promise<void> {
  await withStagingName(store.random, async (name) => {
    const temporary = join(stagingOf(store), name);
    try {
      await store.operations.create(temporary, bytes);
      await store.operations.sync(temporary);
      await store.operations.rename(temporary, path);
    } catch (error) {
      await discard(store, temporary, error);
    }
  });
}

// The first error is the one to report; what cannot be removed now is swept at the next start.
async function discard(store: Store, temporary: string, error: unknown): Promise<never> {
  const removed = await store.operations.remove(temporary).then(
    () => true,
    () => false,
  );
  if (removed) throw error;
  throw new Error("an artifact could not be stored, nor its leftover removed", { cause: error });
}
