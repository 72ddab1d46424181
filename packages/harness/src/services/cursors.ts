// A page's end as an opaque word. It is sealed to the list it belongs to, so that nobody reads another list with it.

import { createHmac, timingSafeEqual } from "node:crypto";
import { type Id, idFromUuid, type IdKind, uuidOf } from "@assent/contract";
import { canonicalJson } from "../base/canonical-json.ts";
import type { Refusal } from "./harness.ts";

export type Place<Kind extends IdKind = IdKind> = { readonly createdAt: Date; readonly id: Id<Kind> };

export type Cursors = {
  seal(place: Place, list: unknown): string;
  /** Undefined for anything that was not sealed here for this very list. */
  open<Kind extends IdKind>(cursor: string, list: unknown, kind: Kind): Place<Kind> | undefined;
  /** The same for a place of any other form. */
  sealBytes(place: Uint8Array, list: unknown): string;
  openBytes(cursor: string, list: unknown): Buffer | undefined;
};

const FOREIGN = "The cursor is not one of this list's.";
/** For whoever brings a cursor that was not sealed for the list. */
export const FOREIGN_CURSOR: Refusal = {
  code: "invalid_request",
  detail: FOREIGN,
  errors: [{ pointer: "#/cursor", detail: FOREIGN }],
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
  const sealBytes: Cursors["sealBytes"] = (place, list) =>
    Buffer.concat([place, sealOf(place, list)]).toString("base64url");
  const openBytes: Cursors["openBytes"] = (cursor, list) => {
    const bytes = Buffer.from(cursor, "base64url");
    // Re-encoding refuses the many spellings that decode to the same bytes.
    if (bytes.length <= SEAL_BYTES || bytes.toString("base64url") !== cursor) return undefined;
    const place = bytes.subarray(0, -SEAL_BYTES);
    return timingSafeEqual(bytes.subarray(-SEAL_BYTES), sealOf(place, list)) ? place : undefined;
  };
  return {
    sealBytes,
    openBytes,
    seal(place, list): string {
      const bytes = Buffer.alloc(PLACE_BYTES);
      bytes.writeBigUInt64BE(BigInt(place.createdAt.getTime()));
      Buffer.from(uuidOf(place.id).replaceAll("-", ""), "hex").copy(bytes, 8);
      return sealBytes(bytes, list);
    },
    open<Kind extends IdKind>(cursor: string, list: unknown, kind: Kind): Place<Kind> | undefined {
      const place = openBytes(cursor, list);
      if (place?.length !== PLACE_BYTES) return undefined;
      return {
        createdAt: new Date(Number(place.readBigUInt64BE(0))),
        id: idFromUuid(kind, place.subarray(8).toString("hex")),
      };
    },
  };
}
