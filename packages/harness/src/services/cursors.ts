// A page's end as an opaque word. It is sealed to the list it belongs to, so that nobody reads another list with it.

import { createHmac, timingSafeEqual } from "node:crypto";
import { type Id, idFromUuid, type IdKind, uuidOf } from "@assent/contract";
import { canonicalJson } from "../base/canonical-json.ts";

export type Place<Kind extends IdKind = IdKind> = { readonly createdAt: Date; readonly id: Id<Kind> };

export type Cursors = {
  seal(place: Place, list: unknown): string;
  /** Undefined for anything that was not sealed here for this very list. */
  open<Kind extends IdKind>(cursor: string, list: unknown, kind: Kind): Place<Kind> | undefined;
};

const PLACE_BYTES = 24;
const SEAL_BYTES = 16;

export function createCursors(secret: Uint8Array): Cursors {
  const sealOf = (place: Uint8Array, list: unknown): Buffer =>
    createHmac("sha256", secret)
      .update("assent/cursor/v1\n")
      .update(place)
      .update(canonicalJson(list))
      .digest()
      .subarray(0, SEAL_BYTES);
  return {
    seal(place, list): string {
      const bytes = Buffer.alloc(PLACE_BYTES);
      bytes.writeBigUInt64BE(BigInt(place.createdAt.getTime()));
      Buffer.from(uuidOf(place.id).replaceAll("-", ""), "hex").copy(bytes, 8);
      return Buffer.concat([bytes, sealOf(bytes, list)]).toString("base64url");
    },
    open<Kind extends IdKind>(cursor: string, list: unknown, kind: Kind): Place<Kind> | undefined {
      const bytes = Buffer.from(cursor, "base64url");
      // Re-encoding refuses the many spellings that decode to the same bytes.
      if (bytes.length !== PLACE_BYTES + SEAL_BYTES || bytes.toString("base64url") !== cursor)
        return undefined;
      const place = bytes.subarray(0, PLACE_BYTES);
      if (!timingSafeEqual(bytes.subarray(PLACE_BYTES), sealOf(place, list))) return undefined;
      return {
        createdAt: new Date(Number(place.readBigUInt64BE(0))),
        id: idFromUuid(kind, place.subarray(8).toString("hex")),
      };
    },
  };
}
