import { EMPTY_ROOT, type Hash, nodeHash, treeHash } from "./hash.ts";
import { peaksOf } from "./proofs.ts";
import { hashesOfLevel, rootOfTile, TILE_WIDTH } from "./tiles.ts";

/** A full tile's root: what the level above has at this place. */
export type LevelHash = { readonly level: number; readonly index: number; readonly hash: Hash };

/**
 * The growing end of a tree: of each tile level the hashes of its partial tile, at most 255 of them. Enough to append
 * to a tree of any size and to know its root; nothing else of the tree is held.
 */
export class RightEdge {
  readonly #levels: Hash[][];
  #size: number;

  /**
   * @param size entries of the tree
   * @param partial hashes of the partial tile of a level; asked for once per level of a tree of this size
   * @throws RangeError when a level has not as many hashes as the size says
   */
  constructor(size: number = 0, partial: (level: number) => readonly Hash[] = () => []) {
    this.#size = size;
    this.#levels = [];
    for (let level = 0; hashesOfLevel(level, size) > 0; level += 1) {
      const hashes = [...partial(level)];
      if (hashes.length !== hashesOfLevel(level, size) % TILE_WIDTH)
        throw new RangeError(`level ${level} of a tree of ${size} has another number of hashes at its edge`);
      this.#levels.push(hashes);
    }
  }

  get size(): number {
    return this.#size;
  }

  /** Adds one entry by its leaf hash. @returns what full tiles became of the levels above, lowest first */
  append(leaf: Hash): LevelHash[] {
    this.#size += 1;
    return this.#push(0, leaf);
  }

  /**
   * Adds 256 entries by their full tile's root.
   * @returns as `append`, that root included
   * @throws RangeError where the tree does not end with a full tile
   */
  appendTile(root: Hash): LevelHash[] {
    if (this.#size % TILE_WIDTH !== 0) throw new RangeError("a full tile follows full tiles only");
    this.#size += TILE_WIDTH;
    this.#levels[0] ??= [];
    const lowest = { level: 1, index: hashesOfLevel(1, this.#size) - 1, hash: root };
    return [lowest, ...this.#push(1, root)];
  }

  #push(lowest: number, added: Hash): LevelHash[] {
    const full: LevelHash[] = [];
    let hash = added;
    for (let level = lowest; ; level += 1) {
      const tile = (this.#levels[level] ??= []);
      tile.push(hash);
      if (tile.length < TILE_WIDTH) return full;
      hash = rootOfTile(tile);
      tile.length = 0;
      full.push({ level: level + 1, index: hashesOfLevel(level + 1, this.#size) - 1, hash });
    }
  }

  root(): Hash {
    const peaks = this.#levels.toReversed().flatMap((tile) => {
      let from = 0;
      return peaksOf(tile.length).map((peak) => {
        const to = from + 2 ** peak.level;
        const hash = treeHash(tile.slice(from, to));
        from = to;
        return hash;
      });
    });
    let root = peaks.pop();
    for (let left = peaks.pop(); left !== undefined && root !== undefined; left = peaks.pop())
      root = nodeHash(left, root);
    return root ?? EMPTY_ROOT;
  }
}
