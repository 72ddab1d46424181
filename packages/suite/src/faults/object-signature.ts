// AWS Signature Version 4, from the side that checks it ("Authenticating Requests: Using the Authorization Header" of
// the S3 reference). Written from the description, not from any client, so that a client's mistake shows.

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export type ObjectKeys = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
};

/** A signature is good for so long before and after its time, as at the original. */
const SKEW_MS_MAX = 15 * 60_000;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/u;

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: Buffer | string, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** @returns the S3 error code of the refusal; null where the signature is right and covers what it has to */
export function refuseSignature(request: IncomingMessage, keys: ObjectKeys, nowMs: number): string | null {
  const parts = AUTHORIZATION.exec(request.headers.authorization ?? "");
  const [, id, day, region, names = "", signature = ""] = parts ?? [];
  if (parts === null || day === undefined) return "AccessDenied";
  if (id !== keys.accessKeyId) return "InvalidAccessKeyId";
  if (region !== keys.region) return "AuthorizationHeaderMalformed";
  const date = headerOf(request, "x-amz-date");
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/u, "$1-$2-$3T$4:$5:$6Z"));
  if (!date.startsWith(day) || !(Math.abs(nowMs - at) <= SKEW_MS_MAX)) return "RequestTimeTooSkewed";
  const signed = names.split(";");
  if (!coversWhatItMust(request, signed)) return "AccessDenied";
  const scope = `${day}/${keys.region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", date, scope, sha256(canonicalRequest(request, signed))].join("\n");
  const key = [keys.region, "s3", "aws4_request"].reduce<Buffer>(
    (made, part) => hmac(made, part),
    hmac(`AWS4${keys.secretAccessKey}`, day),
  );
  const right = timingSafeEqual(hmac(key, text), Buffer.from(signature, "hex"));
  return right ? null : "SignatureDoesNotMatch";
}

// The host, and every header of the service's own: an unsigned one could be changed on the way.
function coversWhatItMust(request: IncomingMessage, signed: readonly string[]): boolean {
  const own = Object.keys(request.headers).filter((name) => name.startsWith("x-amz-"));
  return ["host", ...own].every((name) => signed.includes(name));
}

function headerOf(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return (typeof value === "string" ? value : "").trim().replaceAll(/ +/gu, " ");
}

const escaped = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/gu,
    (char) => `%${char.codePointAt(0)?.toString(16).toUpperCase() ?? ""}`,
  );

function canonicalRequest(request: IncomingMessage, signed: readonly string[]): string {
  const url = new URL(request.url ?? "/", "http://store");
  const query = [...url.searchParams]
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .toSorted()
    .join("&");
  return [
    request.method ?? "",
    url.pathname,
    query,
    ...signed.map((name) => `${name}:${headerOf(request, name)}`),
    "",
    signed.join(";"),
    headerOf(request, "x-amz-content-sha256"),
  ].join("\n");
}
