// What stands in the tree: one line of RFC 8785 JSON per fact, with a commitment to the payload in its place. Payloads
// can go (erasure); the tree, and every proof out of it, stays as it is.

import { sha256 } from "@assent/tlog";
import { assert } from "../../base/assert.ts";

/** Bundles could carry 65,535 bytes; a leaf holds ids and digests, and nothing that grows. */
export const LEAF_BYTES_MAX = 4_096;

/** With a salt of another length, a byte of it and one of the payload could change places: two openings, one digest. */
export const SALT_BYTES = 32;

export type Leaf = {
  /** Origin of the log. */
  readonly log: string;
  readonly tenant: string;
  /** UUID of version 7. */
  readonly id: string;
  /** UTC with microseconds: `2026-11-20T13:00:00.000000Z`. */
  readonly at: string;
  readonly kind: string;
  /** `prn_…`; null where the harness itself did it. */
  readonly actor: string | null;
  readonly subject: string;
  readonly version: number;
  /** SHA-256 in hex of what the fact is about, as it left it; null where there is no such thing. */
  readonly state: string | null;
  /** SHA-256 in hex, see `commitment`. */
  readonly commit: string;
};

const PATTERN =
  /^\{"actor":(null|"(prn_[0-9a-f]{32})"),"at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)","commit":"([0-9a-f]{64})","id":"([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})","kind":"([a-z][a-z0-9_.]{0,62})","log":"([a-zA-Z0-9][a-zA-Z0-9./:_-]{0,254})","state":(null|"([0-9a-f]{64})"),"subj":"([a-z][a-z0-9_:.-]{0,127})","tenant":"(ten_[0-9a-f]{32})","v":1,"ver":([1-9]\d{0,9})\}$/;

const text = (value: string | null): string => (value === null ? "null" : `"${value}"`);

/** @throws AssertionFailed when a part has not the form that leaves have */
export function encodeLeaf(leaf: Leaf): Uint8Array {
  // The keys in the order of RFC 8785; no value has a character that JSON would escape, which the pattern makes sure of.
  const line =
    `{"actor":${text(leaf.actor)},"at":"${leaf.at}","commit":"${leaf.commit}","id":"${leaf.id}",` +
    `"kind":"${leaf.kind}","log":"${leaf.log}","state":${text(leaf.state)},"subj":"${leaf.subject}",` +
    `"tenant":"${leaf.tenant}","v":1,"ver":${leaf.version}}`;
  assert(PATTERN.test(line), "a leaf has the closed form that verifiers accept");
  return Buffer.from(line, "latin1");
}

/** Null for anything but the one form of a leaf: no other field, no other order, no other spelling. */
export function decodeLeaf(bytes: Uint8Array): Leaf | null {
  if (bytes.byteLength > LEAF_BYTES_MAX) return null;
  const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const found = PATTERN.exec(line);
  if (found === null) return null;
  const [, , actor, at, commit, id, kind, log, , state, subject, tenant, version] = found;
  if (at === undefined || commit === undefined || id === undefined || kind === undefined) return null;
  if (log === undefined || subject === undefined || tenant === undefined || version === undefined)
    return null;
  return {
    actor: actor ?? null,
    at,
    commit,
    id,
    kind,
    log,
    state: state ?? null,
    subject,
    tenant,
    version: Number(version),
  };
}

export const COMMIT_PREFIX: Uint8Array = Buffer.from("audit-commit/v1\n");

/** SHA-256("audit-commit/v1\n" || salt || payload). @param salt exactly 32 random bytes */
export function commitment(salt: Uint8Array, payload: Uint8Array | string): Buffer {
  assert(salt.byteLength === SALT_BYTES, "a salt has 32 bytes");
  const opened = typeof payload === "string" ? Buffer.from(payload) : payload;
  return Buffer.from(sha256(Buffer.concat([COMMIT_PREFIX, salt, opened])));
}

/** As leaves spell times. */
export const leafTime = (at: Date): string => at.toISOString().replace("Z", "000Z");

/** What records that a payload was erased. */
export const ERASED_KIND = "payload.erased";
