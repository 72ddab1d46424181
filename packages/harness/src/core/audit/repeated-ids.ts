// Names entries whose id an entry before them has, where what was kept of their ids says that there may be such.

import { decodeEntries, TILE_WIDTH } from "@assent/tlog";
import { idKey } from "./id-keys.ts";
import { decodeLeaf } from "./leaf.ts";
import type { LogFinding } from "./verify-source.ts";

/**
 * @param size entries that the checkpoint covers
 * @param keys see `createIdKeys`
 * @param bundleOf the bytes of a bundle; null where it is not there
 */
export function nameRepeated(
  { epoch, size }: { readonly epoch: number; readonly size: number },
  keys: ReadonlySet<bigint>,
  bundleOf: (index: number) => Uint8Array | null,
  add: (finding: LogFinding) => void,
): void {
  const seen = new Map<string, number>();
  for (let index = 0; keys.size > 0 && index * TILE_WIDTH < size; index += 1) {
    const bytes = bundleOf(index);
    const entries = bytes === null ? null : decodeEntries(bytes);
    if (entries?.ok !== true) continue;
    const first = index * TILE_WIDTH;
    for (const [i, entry] of entries.value.slice(0, size - first).entries()) {
      const id = decodeLeaf(entry)?.id;
      if (id === undefined || !keys.has(idKey(id))) continue;
      const before = seen.get(id);
      if (before === undefined) seen.set(id, first + i);
      else
        add({
          code: "event_repeated",
          at: `entry ${first + i}`,
          detail: `in epoch ${epoch}, its id ${id} is that of entry ${before}: no two events have one id`,
        });
    }
  }
}
