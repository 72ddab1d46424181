// A created key's secret is shown once, and a repeat of the request under its idempotency key is the same showing: the
// answer has to be kept for it. It is kept encrypted, under a key derived from the installation's secret, so that whoever
// reads the database alone learns nothing; it goes when the idempotency key expires.

import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "../ports.ts";

export type AnswerSeal = {
  /** @param place names the one request that the text answers; opened for any other it is nothing */
  seal(text: string, place: string): string;
  /** Null for what was sealed elsewhere, for another place, or changed since. */
  open(sealed: string, place: string): string | null;
};

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param key 32 bytes */
export function createAnswerSeal(key: Uint8Array, random: Random): AnswerSeal {
  return {
    seal(text, place) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(place));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64");
    },
    open(text, place) {
      const bytes = Buffer.from(text, "base64");
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      try {
        return Buffer.concat([
          decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)),
          decipher.final(),
        ]).toString("utf8");
      } catch {
        return null;
      }
    },
  };
}
