// A URL of which an event is to say that it is the same, and not what it is.

import { digestOf, type Sha256 } from "../../base/digest.ts";

/**
 * @param salt bytes that whoever reads the digest does not know: without them it would tell whether a URL was guessed
 * @param url as it is stored
 */
export const urlDigest = (salt: Uint8Array, url: string): Sha256 =>
  digestOf("webhook_url", { salt: Buffer.from(salt).toString("hex"), url });
