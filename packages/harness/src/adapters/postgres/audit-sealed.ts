// Payloads of the log as they are stored and as they are shown: personal fields sealed, and opened where that is possible.

import { sealedOf } from "../../core/audit/personal.ts";
import { decodeLeaf } from "../../core/audit/leaf.ts";
import type { OpenedLeaf, StoredLeaf } from "../../ports.ts";
import type { Scope } from "./rows.ts";
import type { Sealing } from "./sealing.ts";

/** The payload's text as it is stored; the very text where nothing of it is personal. */
export async function sealedPayload(
  scope: Scope,
  sealing: Sealing,
  { subject, kind, payload }: { readonly subject: string; readonly kind: string; readonly payload: string },
): Promise<string> {
  const data = parse(payload);
  const stored = await sealing.sealed(scope, subject, kind, data);
  return stored === data ? payload : JSON.stringify(stored);
}

/** Entries with what is sealed in them. */
export async function withOpened(
  scope: Scope,
  sealing: Sealing,
  leaves: readonly StoredLeaf[],
): Promise<readonly OpenedLeaf[]> {
  const texts = leaves.flatMap(({ index, leaf, payload }) => {
    const sealed = payload?.includes('"sealed"') === true ? sealedOf(parse(payload)) : null;
    const entry = sealed === null ? null : decodeLeaf(leaf);
    return sealed === null || entry === null ? [] : [{ index, subject: entry.subject, sealed }];
  });
  const opened = new Map((await sealing.opened(scope, texts)).map((one, i) => [texts[i]?.index, one]));
  return leaves.map((leaf) => ({ ...leaf, opened: opened.get(leaf.index) ?? null }));
}

function parse(payload: string): Record<string, unknown> {
  const value: unknown = JSON.parse(payload);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
