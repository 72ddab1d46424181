import { createHash } from "node:crypto";

/** Chance that a seed decides: the same seed and the same label give the same name in every trial. */
export function nameFrom(seed: number, label: string): string {
  return createHash("sha256").update(`${seed}\n${label}`).digest("hex").slice(0, 24);
}
