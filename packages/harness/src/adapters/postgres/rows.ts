// How values cross between rows and records. Bytes and UUIDs are stored bare; their kind is put back when read.

import type { Sha256 } from "../../base/digest.ts";

export const digestToBytes = (digest: Sha256): Buffer => Buffer.from(digest.slice("sha256:".length), "hex");
export const digestFromBytes = (bytes: Buffer): Sha256 => `sha256:${bytes.toString("hex")}`;

/** What a query of one tenant needs: the connection inside its transaction, and whose rows it is about. */
export type Scope = { readonly query: Query; readonly tenant: string };

export type Query = <Row extends object>(text: string, values: readonly unknown[]) => Promise<readonly Row[]>;

export function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error("the query must give a row");
  return row;
}
