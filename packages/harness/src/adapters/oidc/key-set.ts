// The keys that an issuer publishes, as they were when it was last asked. How long ago that was is told by time that nobody can
// set: by a clock that was a day ahead when they were read, a key that the issuer has withdrawn since would be trusted for a day,
// and a new one be unknown for as long.

import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";

type Vendor = Pick<typeof import("jose"), "createLocalJWKSet" | "errors">;

export type KeySetLimits = {
  /** Keys that were read longer ago are read again before the next token is looked at. */
  readonly ageMsMax: number;
  /** A key that is not known makes us ask again, but not sooner than so long after the last time. */
  readonly cooldownMs: number;
};

type Read = { readonly keys: JWTVerifyGetKey; readonly atMs: number };

/**
 * @param read asks the issuer
 * @param steadyMs time that nobody can set
 * @returns finds a token's key; rejects where there is none, or the issuer could not be asked
 */
export function openKeySet(
  { createLocalJWKSet, errors }: Vendor,
  read: () => Promise<JSONWebKeySet>,
  { ageMsMax, cooldownMs }: KeySetLimits,
  steadyMs: () => number,
): JWTVerifyGetKey {
  let known: Read | null = null;
  let reading: Promise<Read> | null = null;

  const readNow = async (): Promise<Read> => {
    try {
      const keys = createLocalJWKSet(await read());
      known = { keys, atMs: steadyMs() };
      return known;
    } finally {
      reading = null;
    }
  };
  // Asked once for all who wait.
  const readAgain = async (): Promise<Read> => await (reading ??= readNow());
  const isWithin = ({ atMs }: Read, ms: number): boolean => steadyMs() - atMs < ms;

  return async (header, token) => {
    const present = known !== null && isWithin(known, ageMsMax) ? known : await readAgain();
    try {
      return await present.keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || isWithin(present, cooldownMs)) throw error;
      return await (await readAgain()).keys(header, token);
    }
  };
}
