// What lies in a copy beside what its checkpoint covers. A copy that grew has smaller tiles of before, which have to agree
// with the tree; what is past the signed end, or is no file of a log, was put there by somebody, and is named.

import { hashesOfLevel, parseTilePath, type Tile, TILE_WIDTH } from "@assent/tlog";
import { epochOf } from "./verify-leaf.ts";
import type { Listed, LogFinding, LogSource } from "./verify-source.ts";

/** Below the folder of a copy: what a copy that is being brought forward has fetched, until all of it is there. */
export const INCOMING_PREFIX = ".incoming-";

/**
 * One of these that is all there: what lies in it is a part of the copy, and stands in the place of what lies beside it. Its
 * last letters are fewer than those of others.
 */
export const INCOMING_WHOLE: string = `${INCOMING_PREFIX}whole`;

export type Inventory = {
  /** Partial tiles that are smaller than the tree's are now: their widths, by `staleKey`. */
  readonly stale: ReadonlyMap<string, readonly number[]>;
  /** What nothing reads: left behind by a copy that was cut off, or put where a server publishes before it was signed. */
  readonly leftovers: number;
};

export const staleKey = ({ level, index }: Pick<Tile, "level" | "index">): string => `${level}/${index}`;

const FOLDERS =
  /^(?:tile|tile\/(?:entries|0|[1-9]\d?)(?:\/x\d{3}){0,5}(?:\/\d{3}\.p)?|(?:payloads|opened)(?:\/x\d{3}){0,5})$/;
/** Beside tiles and payloads: `minimum-index` stands beside the published ones (C2SP tlog-tiles, "Pruning"). */
const FILES: ReadonlySet<string> = new Set(["checkpoint", "witnessed", "minimum-index"]);
/** How files are called while they are written: by `assent audit export` of before, and where a log is published. */
const HALF_WRITTEN = /(?:\.tmp|(?:^|\/)\.making-[0-9a-f]{8}-\d{1,10}-[0-9a-f]{32})$/;

type Place = "covered" | "stale" | "past the end" | "leftover" | "unknown";

export type InventoryOf = {
  readonly origin: string;
  /** Entries that the checkpoint covers. */
  readonly size: number;
  /** A server writes to the folder: tiles are there before the checkpoint that covers them. */
  readonly isPublished: boolean;
};

export function takeInventory(
  source: LogSource,
  { origin, size, isPublished }: InventoryOf,
  add: (finding: LogFinding) => void,
): Inventory {
  const stale = new Map<string, number[]>();
  let leftovers = 0;
  const judge = (path: string, { kind }: Listed): void => {
    const place = placeOf(path, kind, origin, size);
    const isToBeSigned = place === "past the end" && isPublished && path.startsWith("tile/");
    if (place === "leftover" || isToBeSigned) leftovers += 1;
    else if (place === "stale") keep(stale, parseTilePath(path));
    else if (place === "past the end" || place === "unknown") add(findingOf(path, kind, place));
  };
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const full = fullTilesOf(folder, size);
    for (const one of source.list(folder)) {
      // Most are that, by far.
      if (one.kind === "file" && one.name.length === 3 && full(one.name)) continue;
      const path = folder === "" ? one.name : `${folder}/${one.name}`;
      if (one.kind === "folder" && FOLDERS.test(path)) folders.push(path);
      else judge(path, one);
    }
  }
  return { stale, leftovers };
}

/** Whether a file of three digits in this folder is a full tile, or what opens a full bundle, of the tree. */
function fullTilesOf(folder: string, size: number): (name: string) => boolean {
  const tile = parseTilePath(`${folder.replace(/^(?:payloads|opened)/, "tile/entries")}/000`);
  if (tile === null) return () => false;
  const count = Math.floor(hashesOfLevel(tile.level === "entries" ? 0 : tile.level, size) / TILE_WIDTH);
  return (name) => /^\d{3}$/.test(name) && tile.index + Number(name) < count;
}

function keep(stale: Map<string, number[]>, tile: Tile | null): void {
  if (tile === null) return;
  const widths = stale.get(staleKey(tile));
  if (widths === undefined) stale.set(staleKey(tile), [tile.width]);
  else widths.push(tile.width);
}

const findingOf = (path: string, kind: Listed["kind"], place: Place): LogFinding =>
  place === "unknown"
    ? {
        code: "file_unknown",
        at: path,
        detail:
          kind === "other"
            ? "it is neither a plain file nor a folder: what it says is not in this copy"
            : "no log has such a file: nothing says what it is",
      }
    : {
        code: "file_past_end",
        at: path,
        detail:
          "it is past the end of what the checkpoint signs: nobody has signed it (where a server publishes a log, tiles come before their checkpoint: --published)",
      };

function placeOf(path: string, kind: Listed["kind"], origin: string, size: number): Place {
  if (kind === "folder") {
    // What is being moved into its place has none of its own.
    if (path.startsWith(INCOMING_PREFIX) && !path.includes("/")) return "leftover";
    // Where logs are published, those that followed lie in the folder of the first.
    return epochOf(origin) === 1 && /^e[1-9]\d*$/.test(path) ? "covered" : "unknown";
  }
  if (kind === "other") return "unknown";
  if (HALF_WRITTEN.test(path)) return "leftover";
  if (FILES.has(path)) return "covered";
  const bundle = /^(?:payloads|opened)\/(.*)$/.exec(path)?.[1];
  const tile = parseTilePath(bundle === undefined ? path : `tile/entries/${bundle}`);
  if (tile === null || (bundle !== undefined && tile.width < TILE_WIDTH)) return "unknown";
  return placeOfTile(tile, size);
}

function placeOfTile({ level, index, width }: Tile, size: number): Place {
  const signed = hashesOfLevel(level === "entries" ? 0 : level, size) - index * TILE_WIDTH;
  if (signed <= 0) return "past the end";
  if (width < Math.min(signed, TILE_WIDTH)) return "stale";
  // A full one may be taken in the place of a partial one, and holds what comes after it as well.
  return width > signed && width < TILE_WIDTH ? "past the end" : "covered";
}
