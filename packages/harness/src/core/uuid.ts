import { assert } from "../base/assert.ts";

/** RFC 9562 section 5.7: 48 bits of Unix milliseconds, then chance. @param random ten bytes */
export function uuidV7(at: Date, random: Uint8Array): string {
  assert(random.length === 10, "a UUID of version 7 takes ten random bytes");
  const time = at.getTime().toString(16).padStart(12, "0");
  const hex = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const variant = (0x8 | (Number.parseInt(hex.slice(3, 4), 16) & 0x3)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-${variant}${hex.slice(4, 7)}-${hex.slice(7, 19)}`;
}
