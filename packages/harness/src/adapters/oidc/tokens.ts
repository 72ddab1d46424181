// Bearer tokens of identity providers: signature, issuer, audience, type, algorithm and times are all checked, and
// whatever is wrong is the same nothing.

import type { FetchImplementation } from "jose";
import { z } from "zod";
import {
  type IdentityProvider,
  isTrustedUrl,
  subjectOf,
  type TokenSubject,
} from "../../core/access/token-subject.ts";
import type { Clock, Log, Tokens } from "../../ports.ts";

/** How far an issuer's clock may be off. */
const CLOCK_SKEW_SECONDS = 30;
/** A key that is not known makes us ask the issuer again, but not more often than this; nor does one that is away. */
const COOLDOWN_MS = 30_000;
const FETCH_TIMEOUT_MS = 5_000;
/** Key sets have a few kilobytes. */
const ANSWER_BYTES_MAX = 256 * 1024;

type Vendor = typeof import("jose");
type Keys = ReturnType<Vendor["createRemoteJWKSet"]>;
type Known = { readonly provider: IdentityProvider; readonly keys: () => Promise<Keys> };

export function openTokens(
  providers: readonly IdentityProvider[],
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Tokens {
  if (providers.length === 0) return NO_TOKENS;
  // Loaded only by those who trust somebody.
  const vendor = import("jose");
  const known = new Map(
    providers.map((provider): [string, Known] => [
      provider.issuer,
      { provider, keys: keysOf(vendor, provider, clock) },
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
        const { payload } = await jwtVerify(token, await found.keys(), {
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

/** What an issuer publishes; thrown at means that it is of no use, and counts as if the issuer had been away. */
type Accept = (document: unknown) => void;

const discoverySchema = z.looseObject({ issuer: z.string(), jwks_uri: z.string() });
const keySetSchema = z.looseObject({ keys: z.array(z.looseObject({})) });

function keysOf(vendor: Promise<Vendor>, provider: IdentityProvider, clock: Clock): () => Promise<Keys> {
  const fetchFor = boundedFetch(clock);
  let opened: Promise<Keys> | null = null;
  const open = async (): Promise<Keys> => {
    const url = provider.jwksUrl ?? (await discover(provider.issuer, fetchFor));
    requireTrusted(url);
    const { createRemoteJWKSet, customFetch } = await vendor;
    return createRemoteJWKSet(new URL(url), {
      cooldownDuration: COOLDOWN_MS,
      timeoutDuration: FETCH_TIMEOUT_MS,
      [customFetch]: fetchFor((document) => void keySetSchema.parse(document)),
    });
  };
  return async () => {
    opened ??= open();
    try {
      return await opened;
    } catch (error) {
      opened = null;
      throw error;
    }
  };
}

function requireTrusted(url: string): void {
  if (!isTrustedUrl(url)) throw new Error("the key set is neither on https nor on this machine");
}

async function discover(issuer: string, fetchFor: (accept: Accept) => FetchImplementation): Promise<string> {
  const get = fetchFor((document) => {
    const said = discoverySchema.parse(document);
    if (said.issuer !== issuer) throw new Error("the discovery document is another issuer's");
    requireTrusted(said.jwks_uri);
  });
  const response = await get(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, {
    headers: new Headers({ accept: "application/json" }),
    method: "GET",
    redirect: "manual",
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  });
  return discoverySchema.parse(await response.json()).jwks_uri;
}

// No redirect is followed, no more is read than a key set can have, and an issuer that is away, or whose answer is of no
// use, is left alone for a while: each request with anything like a token would ask it again.
function boundedFetch(clock: Clock): (accept: Accept) => FetchImplementation {
  let awayUntil = 0;
  return (accept) => async (url, options) => {
    if (clock.now().getTime() < awayUntil) throw new Error("the issuer was away a moment ago");
    try {
      const response = await fetch(url, { ...options, redirect: "error" });
      const bytes = await readBounded(response);
      if (response.status !== 200) throw new Error("the issuer refused");
      accept(JSON.parse(new TextDecoder().decode(bytes)));
      return new Response(bytes, { headers: { "content-type": "application/json" } });
    } catch (error) {
      awayUntil = clock.now().getTime() + COOLDOWN_MS;
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
