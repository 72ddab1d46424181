// Signed requests at the toy's edge. It builds the signed text with the suite's own code: what can be wrong here is
// what is done with it.

import { createPublicKey, verify } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { HttpRequest } from "../http.ts";
import {
  contentDigest,
  SIGNATURE_GOOD_SECONDS,
  signedText,
  type SuiteSigningKey,
} from "../request-signature.ts";
import type { Breaks } from "./toy-run.ts";

/** State that outlives a restart. */
export type ToySignatures = {
  readonly nonces: Set<string>;
  /** Whose request was refused, by tenant. */
  readonly refusals: string[];
};

export const createToySignatures = (): ToySignatures => ({ nonces: new Set(), refusals: [] });

export type ToySigner = {
  /** The bearer key that opens nothing unsigned. */
  readonly bearer: string;
  readonly key: SuiteSigningKey;
};

/** What one server remembers by itself; nothing should rest on it. */
export type ToyEdge = { readonly nonces: Set<string> };

const INPUT =
  /^sig1=(\(([^)]*)\);created=(\d+);expires=\d+;nonce="([^"]+)";keyid="([^"]+)";alg="ed25519";tag="assent-v1")$/;

/** Of the toy that asks more of a clock than anybody promised. */
const NARROW_SECONDS = 60;

/** Of the toy that remembers a number of them. */
const NONCES_FEW = 100;

/** @returns whether the request may go on */
export async function passesSignature(
  request: HttpRequest,
  { key: bearer, tenant }: { readonly key: string; readonly tenant: string },
  signer: ToySigner,
  all: ToySignatures,
  edge: ToyEdge,
  breaks: Breaks,
): Promise<boolean> {
  const { headers } = request;
  const isSigned = headers["signature"] !== undefined || headers["signature-input"] !== undefined;
  if (!isSigned && (bearer !== signer.bearer || breaks.has("sig.optional"))) return true;
  if (breaks.has("sig.entrance") && request.path.split("?")[0] !== "/api/harness/run") return true;
  if (isSigned && bearer !== signer.bearer && breaks.has("sig.anyone")) return true;
  const nonces = breaks.has("sig.local") ? edge.nonces : all.nonces;
  const isGood = bearer === signer.bearer && (await isRight(request, signer, nonces, breaks));
  if (!isGood && !breaks.has("sig.silent")) all.refusals.push(tenant);
  return isGood;
}

async function isRight(
  request: HttpRequest,
  signer: ToySigner,
  nonces: Set<string>,
  breaks: Breaks,
): Promise<boolean> {
  const [, parameters, covered, created, nonce, keyId] =
    INPUT.exec(request.headers["signature-input"] ?? "") ?? [];
  if (parameters === undefined || nonce === undefined || keyId !== signer.key.id) return false;
  const isNew = !nonces.has(nonce);
  if (breaks.has("sig.burns")) nonces.add(nonce);
  const age = Math.abs(Date.now() / 1_000 - Number(created));
  if (age > SIGNATURE_GOOD_SECONDS && !breaks.has("sig.window")) return false;
  if (age > NARROW_SECONDS && breaks.has("sig.narrow")) return false;
  if (!isBound(request, covered ?? "", parameters, signer, breaks)) return false;
  if (breaks.has("sig.race")) await nextTurn();
  nonces.add(nonce);
  const [oldest] = nonces;
  if (breaks.has("sig.few") && nonces.size > NONCES_FEW && oldest !== undefined) nonces.delete(oldest);
  return isNew || breaks.has("sig.nonce");
}

function isBound(
  request: HttpRequest,
  covered: string,
  parameters: string,
  { key }: ToySigner,
  breaks: Breaks,
): boolean {
  const { headers, body } = request;
  const digest = body === null ? undefined : contentDigest(body);
  if (headers["content-digest"] !== digest && !breaks.has("sig.body")) return false;
  if (body !== null && !covered.includes('"idempotency-key"')) return false;
  const path = breaks.has("sig.query") ? request.path.replace("?again=1", "") : request.path;
  const seen = breaks.has("sig.path") ? path.replace(/\/runs\/.*/, "/run") : path;
  const text = signedText({ ...request, path: seen }, headers["host"] ?? "", parameters);
  const signature = Buffer.from(/^sig1=:([^:]+):$/.exec(headers["signature"] ?? "")?.[1] ?? "", "base64");
  return verify(null, Buffer.from(text, "latin1"), createPublicKey(key.privateKey), signature);
}
