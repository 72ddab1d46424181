import { createHash } from "node:crypto";

/** Chance that a seed decides: the same seed and the same label give the same name in every trial. */
export function nameFrom(seed: number, label: string): string {
  return createHash("sha256").update(`${seed}\n${label}`).digest("hex").slice(0, 24);
}

/** A sequence of numbers from 0 up to but without 1 that the seed decides (mulberry32; not for secrets). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
