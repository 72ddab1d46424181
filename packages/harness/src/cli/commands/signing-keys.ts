import { generateKeyPairSync } from "node:crypto";
import { resolve } from "node:path";
import {
  type CreatedSigningKey,
  rotateSigningKeySchema,
  type SigningAlgorithm,
  type SigningKey,
  type SigningKeyId,
  signingKeyRequestSchema,
} from "@assent/contract";
import { err, ok } from "../../base/result.ts";
import type { Client } from "../../client/client.ts";
import type { RequestSigningKey } from "../../client/sign.ts";
import type { Context, Outcome } from "../context.ts";
import { failureOfClient, usageFailure } from "../failure.ts";
import { fields, table } from "../output/table.ts";
import { relativeTime } from "../output/time.ts";
import { visibleLine } from "../output/visible.ts";
import { takePlace } from "../signing-key-file.ts";

export type SigningKeyFlags = {
  readonly kind: "human" | "service";
  readonly algorithm: SigningAlgorithm;
  readonly publicKey?: string;
  readonly expires?: string;
  readonly out?: string;
};

export type RotateSigningFlags = Pick<SigningKeyFlags, "publicKey" | "expires" | "out"> & {
  readonly overlap?: number;
};

/** The private half of a pair that was made here never leaves this machine. */
type Pair = { readonly publicKey: string; readonly privateKey: string | null };

function pairOf(flags: Pick<SigningKeyFlags, "publicKey" | "out">): Pair | null {
  if (flags.publicKey !== undefined) return { publicKey: flags.publicKey, privateKey: null };
  if (flags.out === undefined) return null;
  const made = generateKeyPairSync("ed25519");
  const privateKey = made.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { publicKey: made.publicKey.export({ format: "jwk" }).x ?? "", privateKey };
}

const usage = (detail: string): Outcome =>
  Promise.resolve(err(usageFailure("invalid_request", detail, "See `assent signing-keys create --help`.")));

export async function createSigningKey(context: Context, principal: string, flags: SigningKeyFlags): Outcome {
  const pair = flags.algorithm === "ed25519" ? pairOf(flags) : null;
  const request = signingKeyRequestSchema.safeParse({
    principal: { name: principal, kind: flags.kind },
    algorithm: flags.algorithm,
    ...(pair === null ? {} : { public_key: pair.publicKey }),
    ...(flags.expires === undefined ? {} : { expires_at: flags.expires }),
  });
  if (!request.success)
    return await usage(
      flags.algorithm === "ed25519" && pair === null
        ? "give --out, and a pair is made here, or --public-key of a pair that you have"
        : (request.error.issues[0]?.message ?? "not acceptable"),
    );
  const client = await context.openClient();
  if (!client.ok) return client;
  return await handOver(context, pair, flags, async () => await client.value.createSigningKey(request.data));
}

export async function rotateSigningKey(
  context: Context,
  id: SigningKeyId,
  flags: RotateSigningFlags,
): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const keys = await client.value.listSigningKeys();
  if (!keys.ok) return err(failureOfClient(keys.error));
  const old = keys.value.find((key) => key.id === id);
  const pair = old?.algorithm === "ed25519" ? pairOf(flags) : null;
  const request = rotateSigningKeySchema.safeParse({
    ...(pair === null ? {} : { public_key: pair.publicKey }),
    ...(flags.overlap === undefined ? {} : { overlap_seconds: flags.overlap }),
    ...(flags.expires === undefined ? {} : { expires_at: flags.expires }),
  });
  if (!request.success) return await usage(request.error.issues[0]?.message ?? "not acceptable");
  return await handOver(
    context,
    pair,
    flags,
    async () => await client.value.rotateSigningKey(id, request.data),
  );
}

/** Makes the key, and keeps its secret half where --out says. */
async function handOver(
  context: Context,
  pair: Pair | null,
  { out, publicKey }: Pick<SigningKeyFlags, "out" | "publicKey">,
  make: () => ReturnType<Client["createSigningKey"]>,
): Outcome {
  if (out !== undefined && publicKey !== undefined)
    return await usage("give --out or --public-key: whoever made the pair has the other half");
  const place = out === undefined ? null : await takePlace(resolve(context.deps.cwd, out));
  if (place?.ok === false) return place;
  const made = await make();
  if (!made.ok) {
    await place?.value.giveUp();
    return err(failureOfClient(made.error));
  }
  const key = made.value;
  const whole = wholeKey(key, pair);
  if (place !== null && whole !== null) {
    const kept = await place.value.keep(whole);
    if (!kept.ok) return kept;
  }
  context.show(key, () => [
    `Signing key ${key.id} of ${visibleLine(key.principal.name)}.`,
    ...fields([
      ["algorithm", key.algorithm],
      ...(out === undefined ? [] : [["file", visibleLine(out)] as [string, string]]),
      ...(key.secret === null || out !== undefined ? [] : [["secret", key.secret] as [string, string]]),
    ]),
  ]);
  return ok("ok");
}

function wholeKey({ id, algorithm, secret }: CreatedSigningKey, pair: Pair | null): RequestSigningKey | null {
  if (algorithm === "hmac-sha256") return secret === null ? null : { id, algorithm, secret };
  return pair?.privateKey == null ? null : { id, algorithm, privateKey: pair.privateKey };
}

export async function listSigningKeys(context: Context): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const keys = await client.value.listSigningKeys();
  if (!keys.ok) return err(failureOfClient(keys.error));
  const now = context.deps.clock.now();
  context.show({ data: keys.value }, () =>
    table(
      ["KEY", "PRINCIPAL", "ALGORITHM", "CREATED", "STATE"],
      keys.value.map((key) => [
        key.id,
        key.principal.name,
        key.algorithm,
        relativeTime(key.created_at, now),
        stateOf(key, now),
      ]),
    ),
  );
  return ok("ok");
}

function stateOf({ revoked_at, expires_at }: SigningKey, now: Date): string {
  if (revoked_at !== null) return `revoked ${relativeTime(revoked_at, now)}`;
  if (expires_at === null) return "good";
  const word = Date.parse(expires_at) <= now.getTime() ? "expired" : "good, expires";
  return `${word} ${relativeTime(expires_at, now)}`;
}

export async function revokeSigningKey(context: Context, id: SigningKeyId): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const key = await client.value.revokeSigningKey(id);
  if (!key.ok) return err(failureOfClient(key.error));
  context.show(key.value, () => [`Signing key ${key.value.id} is revoked.`]);
  return ok("ok");
}
