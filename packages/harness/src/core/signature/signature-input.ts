// The one profile of RFC 9421 that is spoken here: exactly one signature, and no choice of what it covers.

import { type Dictionary, type InnerList, type Item, parseDictionary } from "structured-headers";
import { err, ok, type Result } from "../../base/result.ts";

/** Names this profile, so that a signature that was made for another use is none here. */
export const SIGNATURE_TAG = "assent-v1";

/** Seconds that `created` may lie in the past or the future: what clocks and slow networks need. */
export const SIGNATURE_WINDOW_SECONDS = 300;

const LABEL_CHARS_MAX = 64;
const KEY_ID_CHARS_MAX = 100;
/** 128 random bits in hexadecimal have 32; shorter ones would be guessed or repeated. */
const NONCE_CHARS_MIN = 16;
const NONCE_CHARS_MAX = 128;
/** Both fields are parsed before the signature is verified, so they are kept small. */
const FIELD_CHARS_MAX = 4_096;

export type RequestSignature = {
  readonly keyId: string;
  readonly nonce: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly expires: number;
  /** What the header claims; the key says what it is. */
  readonly algorithm: string | null;
  readonly input: InnerList;
  readonly signature: Uint8Array;
};

/** Always covered; what is about the body and the key is covered where it is there. */
const COVERED = ["@method", "@authority", "@path", "@query"] as const;
const COVERED_IF_PRESENT = ["content-digest", "content-type", "idempotency-key"] as const;

const PARAMETERS: readonly string[] = ["created", "expires", "nonce", "keyid", "alg", "tag"];

export const isSigned = (fields: ReadonlyMap<string, string>): boolean =>
  fields.has("signature") || fields.has("signature-input");

/** Reads the two fields; nothing is verified yet. The error is a sentence that may be shown. */
export function parseSignature(fields: ReadonlyMap<string, string>): Result<RequestSignature, string> {
  const inputs = parseField(fields.get("signature-input"));
  const signatures = parseField(fields.get("signature"));
  if (inputs === null || signatures === null)
    return err("Signature and Signature-Input must be structured dictionaries.");
  const [label, another] = inputs.keys();
  if (label === undefined || another !== undefined || signatures.size !== 1 || !signatures.has(label))
    return err("There must be exactly one signature, under one label.");
  const input = inputs.get(label);
  const signature = signatures.get(label)?.[0];
  if (label.length > LABEL_CHARS_MAX || !isInnerList(input) || !(signature instanceof ArrayBuffer))
    return err("The signature or what it covers is not of the right type.");
  const covered = refuseCoverage(input, fields);
  if (covered !== null) return err(covered);
  return readParameters(input, new Uint8Array(signature));
}

function parseField(value: string | undefined): Dictionary | null {
  if (value === undefined || value.length > FIELD_CHARS_MAX) return null;
  try {
    return parseDictionary(value);
  } catch {
    return null;
  }
}

const isInnerList = (member: Item | InnerList | undefined): member is InnerList => Array.isArray(member?.[0]);

/** The names that a signature has to cover, for a message with these fields. */
export function coverageOf(fields: Pick<ReadonlyMap<string, string>, "has">): readonly string[] {
  return [...COVERED, ...COVERED_IF_PRESENT.filter((name) => fields.has(name))];
}

function refuseCoverage(input: InnerList, fields: ReadonlyMap<string, string>): string | null {
  const wanted = coverageOf(fields);
  const named = input[0].map(([name, parameters]) => (parameters.size === 0 ? name : null));
  const fits = named.length === wanted.length && wanted.every((name) => named.includes(name));
  return fits ? null : `The signature must cover exactly: ${wanted.join(", ")}.`;
}

function readParameters(input: InnerList, signature: Uint8Array): Result<RequestSignature, string> {
  const given = input[1];
  if ([...given.keys()].some((name) => !PARAMETERS.includes(name)))
    return err("The signature has parameters that this profile does not know.");
  const keyId = textOf(given.get("keyid"), 1, KEY_ID_CHARS_MAX);
  const nonce = textOf(given.get("nonce"), NONCE_CHARS_MIN, NONCE_CHARS_MAX);
  const created = given.get("created");
  const expires = given.get("expires");
  const alg = given.get("alg");
  if (keyId === null) return err("The signature names no key (keyid).");
  if (nonce === null)
    return err(`The signature needs a nonce of ${NONCE_CHARS_MIN} to ${NONCE_CHARS_MAX} characters.`);
  if (!isWhole(created) || !isWhole(expires))
    return err("The signature must say when it was created and expires.");
  if (alg !== undefined && typeof alg !== "string") return err("The signature's alg is not text.");
  if (given.get("tag") !== SIGNATURE_TAG) return err(`The signature's tag must be ${SIGNATURE_TAG}.`);
  return ok({ keyId, nonce, created, expires, algorithm: alg ?? null, input, signature });
}

function textOf(value: unknown, charsMin: number, charsMax: number): string | null {
  return typeof value === "string" && value.length >= charsMin && value.length <= charsMax ? value : null;
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);
