// Content-addressed objects in a bucket that speaks the S3 protocol: `<prefix>sha256/<first two digits>/<digest>`, the
// same names and the same promise as in a folder (adapters/files/artifact-files.ts). An object appears whole or not at
// all, so there is nothing to rename; what is left to do is to see that it is the right whole.

import { S3mini, S3ServiceError } from "s3mini";
import { assert } from "../../base/assert.ts";
import { sha256Hex } from "../../base/digest.ts";
import { ARTIFACT_BYTES_MAX } from "../../base/limits.ts";
import type { ArtifactFiles, StoredPage } from "../../ports.ts";

/** The bytes under a digest are not the ones it names: never served, whatever became of them. */
export class ObjectDamaged extends Error {
  override readonly name = "ObjectDamaged";
  constructor(sha256: string) {
    super(`The stored bytes of artifact ${sha256} do not match its digest.`);
  }
}

/** More bytes than one artifact may have. */
export class ObjectTooLarge extends Error {
  override readonly name = "ObjectTooLarge";
  constructor(sizeBytes: number) {
    super(`An artifact has at most ${ARTIFACT_BYTES_MAX} bytes; this one has ${sizeBytes}.`);
  }
}

export type ArtifactObjectsOptions = {
  /** With the bucket: `https://s3.example/bucket` or `https://bucket.s3.example`. */
  readonly endpoint: string;
  readonly region: string;
  /** Before every name; empty, or ending in a slash. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly fetch?: typeof fetch;
  readonly askMsMax?: number;
};

/** One request, the largest upload included. */
const REQUEST_MS_MAX = 120_000;
/** Whether an object is there: a transaction waits for the answer, and all tenants share its connection. */
const ASK_MS_MAX = 5_000;
/** Objects of one listing; the protocol allows no more. */
const LISTED_MAX = 1_000;

const DIGEST = /^[0-9a-f]{64}$/u;

type Bucket = { readonly s3: S3mini; readonly prefix: string };

function connectBucket(options: ArtifactObjectsOptions, requestAbortTimeout: number): S3mini {
  const send = options.fetch ?? globalThis.fetch;
  return new S3mini({
    endpoint: options.endpoint,
    region: options.region,
    accessKeyId: options.accessKeyId,
    secretAccessKey: options.secretAccessKey,
    requestAbortTimeout,
    // A redirect would send what a run made where the operator did not say.
    fetch: async (url, init) => await send(url, { ...init, redirect: "error" }),
  });
}

/** `put` rejects with ObjectTooLarge or an error of the store, `get` with ObjectDamaged or an error of the store. */
export function openArtifactObjects(options: ArtifactObjectsOptions): ArtifactFiles {
  assert(options.prefix === "" || options.prefix.endsWith("/"), "a prefix is empty or ends in a slash");
  const { prefix } = options;
  const bucket: Bucket = { prefix, s3: connectBucket(options, REQUEST_MS_MAX) };
  const asking: Bucket = { prefix, s3: connectBucket(options, options.askMsMax ?? ASK_MS_MAX) };
  return {
    put: async (bytes) => {
      if (bytes.byteLength > ARTIFACT_BYTES_MAX) throw new ObjectTooLarge(bytes.byteLength);
      // A copy: the caller may change its buffer while we wait, and then the digest would lie.
      return await put(bucket, Uint8Array.from(bytes));
    },
    get: async (sha256) => await get(bucket, sha256),
    holds: async (sha256, sizeBytes) => (await sizeOf(asking, sha256)) === sizeBytes,
    list: async (after) => await list(bucket, after),
    remove: async (sha256) => {
      await bucket.s3.deleteObject(nameOf(bucket, sha256));
    },
  };
}

function nameOf({ prefix }: Bucket, sha256: string): string {
  assert(DIGEST.test(sha256), "an artifact is named by 64 hex digits");
  return `${prefix}sha256/${sha256.slice(0, 2)}/${sha256}`;
}

// Made only where nothing is: whoever stores the same content at the same moment stores the same bytes. What is there
// already is looked at, and written over when it is not what its name says.
async function put(
  bucket: Bucket,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<{ readonly sha256: string; readonly sizeBytes: number }> {
  const sha256 = sha256Hex(bytes);
  const stored = { sha256, sizeBytes: bytes.byteLength };
  if (await upload(bucket, sha256, bytes, { "if-none-match": "*" })) return await checked(bucket, stored);
  if (await isIntact(bucket, sha256)) return stored;
  await upload(bucket, sha256, bytes, {});
  return await checked(bucket, stored);
}

// A store that took fewer bytes than were sent, and said nothing, has not stored it.
async function checked(
  bucket: Bucket,
  stored: { readonly sha256: string; readonly sizeBytes: number },
): Promise<{ readonly sha256: string; readonly sizeBytes: number }> {
  if ((await sizeOf(bucket, stored.sha256)) !== stored.sizeBytes) throw new ObjectDamaged(stored.sha256);
  return stored;
}

// False: there is an object of this name already.
async function upload(
  { s3, ...bucket }: Bucket,
  sha256: string,
  bytes: Uint8Array<ArrayBuffer>,
  condition: Readonly<Record<string, string>>,
): Promise<boolean> {
  const headers: Record<string, string> = {
    ...condition,
    // The server holds what arrived against it, so that bytes lost or changed on the way are refused there.
    "x-amz-checksum-sha256": Buffer.from(sha256, "hex").toString("base64"),
  };
  try {
    await s3.putObject(
      nameOf({ s3, ...bucket }, sha256),
      bytes,
      "application/octet-stream",
      undefined,
      headers,
    );
    return true;
  } catch (error) {
    if (error instanceof S3ServiceError && ALREADY_THERE.includes(error.status)) return false;
    throw error;
  }
}

/** Precondition failed; and the conflict of two conditional requests at once, which S3 answers with 409. */
const ALREADY_THERE: readonly number[] = [412, 409];

async function isIntact(bucket: Bucket, sha256: string): Promise<boolean> {
  try {
    return (await get(bucket, sha256)) !== null;
  } catch (error) {
    if (error instanceof ObjectDamaged) return false;
    throw error;
  }
}

async function get(bucket: Bucket, sha256: string): Promise<Uint8Array | null> {
  const response = await bucket.s3.getObjectResponse(nameOf(bucket, sha256));
  if (response === null) return null;
  const bytes = await readAtMost(response, ARTIFACT_BYTES_MAX);
  if (bytes === null || sha256Hex(bytes) !== sha256) throw new ObjectDamaged(sha256);
  return bytes;
}

// Null: there are more bytes than any artifact has.
async function readAtMost(response: Response, sizeBytesMax: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > sizeBytesMax) return null;
    chunks.push(chunk);
  }
  return Uint8Array.from(Buffer.concat(chunks));
}

async function sizeOf(bucket: Bucket, sha256: string): Promise<number | null> {
  try {
    return await bucket.s3.getContentLength(nameOf(bucket, sha256));
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof S3ServiceError && cause.status === 404) return null;
    throw error;
  }
}

async function list(bucket: Bucket, after: string | null): Promise<StoredPage> {
  const prefix = `${bucket.prefix}sha256/`;
  const page = await bucket.s3.listObjectsPaged("/", prefix, LISTED_MAX, after ?? undefined);
  if (page === null || page === undefined) throw new Error("the bucket of the artifacts is not there");
  const files = (page.objects ?? []).flatMap(({ Key, LastModified }) => {
    const sha256 = Key.slice(Key.lastIndexOf("/") + 1);
    return DIGEST.test(sha256) && Key === nameOf(bucket, sha256)
      ? [{ sha256, storedAt: new Date(LastModified) }]
      : [];
  });
  return { files, next: page.nextContinuationToken ?? null };
}
