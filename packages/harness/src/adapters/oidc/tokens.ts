// Bearer tokens of identity providers: signature, issuer, audience, type, algorithm and times are all checked, and
// whatever is wrong is the same nothing.

import type { JWTVerifyGetKey } from "jose";
import { z } from "zod";
import {
  type IdentityProvider,
  isTrustedUrl,
  subjectOf,
  type TokenSubject,
} from "../../core/access/token-subject.ts";
import type { Clock, Log, Tokens } from "../../ports.ts";
import { openKeySet } from "./key-set.ts";

/** How far an issuer's clock may be off. */
const CLOCK_SKEW_SECONDS = 30;
/** A key that is not known makes us ask the issuer again, but not more often than this; nor does one that is away. */
const COOLDOWN_MS = 30_000;
/** What an issuer has withdrawn is trusted for so long at most. */
const KEYS_AGE_MS_MAX = 600_000;
const FETCH_TIMEOUT_MS = 5_000;
/** Key sets have a few kilobytes. */
const ANSWER_BYTES_MAX = 256 * 1024;

type Vendor = typeof import("jose");
type Known = { readonly provider: IdentityProvider; readonly keys: JWTVerifyGetKey };
type Ports = {
  readonly clock: Clock;
  readonly log: Log;
  /** Time that nobody can set, in milliseconds from any beginning. */
  readonly steadyMs?: () => number;
};

export function openTokens(
  providers: readonly IdentityProvider[],
  { clock, log, steadyMs = () => performance.now() }: Ports,
): Tokens {
  if (providers.length === 0) return NO_TOKENS;
  // Loaded only by those who trust somebody.
  const vendor = import("jose");
  const known = new Map(
    providers.map((provider): [string, Known] => [
      provider.issuer,
      { provider, keys: keysOf(vendor, provider, steadyMs) },
    ]),
  );
  return {
    async verify(token): Promise<TokenSubject | null> {
      try {
        const { decodeJwt, jwtVerify } = await vendor;
        const issuer = decodeJwt(token).iss;
        const found = issuer === undefined ? undefined : known.get(issuer);
        if (found === undefined) return null;
        const { provider } = found;
        const { payload } = await jwtVerify(token, found.keys, {
          issuer: provider.issuer,
          audience: provider.audience,
          algorithms: [...provider.algorithms],
          typ: provider.typ,
          requiredClaims: ["exp", provider.nameClaim],
          clockTolerance: CLOCK_SKEW_SECONDS,
          currentDate: clock.now(),
        });
        return subjectOf(provider, payload);
      } catch (error) {
        // The reason is for the operator; the caller learns nothing from it.
        log("info", "a token was not accepted", {
          reason: error instanceof Error && "code" in error ? String(error.code) : "unknown",
        });
        return null;
      }
    },
  };
}

/** Nobody's token counts where nobody is trusted. */
const NO_TOKENS: Tokens = { verify: async () => await Promise.resolve(null) };

const discoverySchema = z.looseObject({ issuer: z.string(), jwks_uri: z.string() });
const keySetSchema = z.looseObject({ keys: z.array(z.looseObject({})) });

function keysOf(
  vendor: Promise<Vendor>,
  provider: IdentityProvider,
  steadyMs: () => number,
): JWTVerifyGetKey {
  const get = boundedGet(steadyMs);
  let url = provider.jwksUrl;
  const read = async (): Promise<z.infer<typeof keySetSchema>> => {
    url ??= await discover(provider.issuer, get);
    requireTrusted(url);
    return await get(url, (document) => keySetSchema.parse(document));
  };
  const limits = { ageMsMax: KEYS_AGE_MS_MAX, cooldownMs: COOLDOWN_MS };
  const opened = vendor.then((loaded) => openKeySet(loaded, read, limits, steadyMs));
  return async (...given) => await (await opened)(...given);
}

function requireTrusted(url: string): void {
  if (!isTrustedUrl(url)) throw new Error("the key set is neither on https nor on this machine");
}

async function discover(issuer: string, get: Get): Promise<string> {
  return await get(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, (document) => {
    const said = discoverySchema.parse(document);
    if (said.issuer !== issuer) throw new Error("the discovery document is another issuer's");
    requireTrusted(said.jwks_uri);
    return said.jwks_uri;
  });
}

/** @param accept what the issuer published; where it throws that is of no use, and counts as if the issuer had been away */
type Get = <T>(url: string, accept: (document: unknown) => T) => Promise<T>;

// No redirect is followed, no more is read than a key set can have, and an issuer that is away, or whose answer is of no
// use, is left alone for a while: each request with anything like a token would ask it again.
function boundedGet(steadyMs: () => number): Get {
  let awayUntilMs = Number.NEGATIVE_INFINITY;
  return async (url, accept) => {
    if (steadyMs() < awayUntilMs) throw new Error("the issuer was away a moment ago");
    try {
      const response = await fetch(url, {
        headers: { accept: "application/json" },
        redirect: "error",
        signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
      });
      const bytes = await readBounded(response);
      if (response.status !== 200) throw new Error("the issuer refused");
      return accept(JSON.parse(new TextDecoder().decode(bytes)));
    } catch (error) {
      awayUntilMs = steadyMs() + COOLDOWN_MS;
      throw error;
    }
  };
}

async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    sizeBytes += part.value.byteLength;
    if (sizeBytes > ANSWER_BYTES_MAX) {
      await reader?.cancel();
      throw new Error("the answer is too long for a key set");
    }
    chunks.push(part.value);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
