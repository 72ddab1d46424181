// A log as plain files, in the layout of C2SP tlog-tiles, so that anybody can verify or copy it without asking us.

import { dirname, join } from "node:path";
import { assert } from "../../base/assert.ts";
import type { LogFiles, Random } from "../../ports.ts";
import { systemCode } from "./file-error.ts";
import { diskOperations, type FileOperations } from "./file-operations.ts";
import { withStagingName } from "./staging-name.ts";

const CHECKPOINT_BYTES_MAX = 1_000_000;
/** A bundle of 256 entries of 4 KB, and their lengths, has a little more than a megabyte. */
const TILE_BYTES_MAX = 2_000_000;
/** Folders that are remembered as durable; a log that grows makes new ones for ever. Past this they are synced again. */
const DURABLE_MAX = 1_000;
/** Origins are made by us; what does not look like one makes no path. */
const ORIGIN = /^[a-zA-Z0-9][a-zA-Z0-9._-]*(?:\/[a-zA-Z0-9][a-zA-Z0-9._-]*)*$/;
/** Below this place bundles of entries are not kept (C2SP tlog-tiles, "Pruning"); in decimal, where there is any. */
const MINIMUM_FILE = "minimum-index";
/** A number and the end of its line; what is longer is none of ours. */
const MINIMUM_BYTES_MAX = 64;
const FILE = /^tile\/(?:\d{1,2}|entries)\/(?:x\d{3}\/)*\d{3}(?:\.p\/\d{1,3})?$/;

export type LogFilesOptions = {
  /** Absolute; made when it is missing. */
  readonly folder: string;
  readonly random: Random;
  readonly operations?: FileOperations;
};

export function openLogFiles({ folder, random, operations = diskOperations }: LogFilesOptions): LogFiles {
  const folderOf = (origin: string): string => {
    assert(ORIGIN.test(origin), "an origin is a path of plain names");
    return join(folder, ...origin.split("/"));
  };
  const put: Put = async (path, content) => await putFile(operations, random, path, content);
  // Folders whose own names would survive a loss of power.
  const durable = new Set<string>();
  let last: Promise<undefined> = Promise.resolve(undefined);
  const replace = async (root: string, note: string): Promise<void> => {
    const before = await operations.read(join(root, "checkpoint"), CHECKPOINT_BYTES_MAX);
    if (before !== null && isBehind(note, Buffer.from(before).toString())) return;
    await put(join(root, "checkpoint"), Buffer.from(note));
    await operations.sync(root);
  };
  return {
    async readCheckpoint(origin): Promise<string | null> {
      const bytes = await operations.read(join(folderOf(origin), "checkpoint"), CHECKPOINT_BYTES_MAX);
      return bytes === null ? null : Buffer.from(bytes).toString();
    },
    async read(origin, path): Promise<Uint8Array | null> {
      assert(FILE.test(path), "what is read is a tile");
      return await operations.read(join(folderOf(origin), ...path.split("/")), TILE_BYTES_MAX);
    },
    async write(origin, files): Promise<void> {
      const root = folderOf(origin);
      const targets = Array.from(files.keys(), (path) => {
        assert(FILE.test(path), "what is written is a tile");
        return { path, target: join(root, ...path.split("/")) };
      });
      // Beside each other, since each waits for the disk, and disks take many syncs for one.
      await allEnded(
        targets.map(async ({ path, target }) => {
          await put(target, files.get(path) ?? new Uint8Array());
          // The full tile holds all that its partial ones did (tlog-tiles, section "Partial Tiles").
          if (!path.includes(".p/")) await clear(operations, `${target}.p`);
        }),
      );
      const folders = foldersWithNewNames(
        targets.map(({ target }) => target),
        root,
        durable,
      );
      await allEnded(Array.from(folders, async (made) => await operations.sync(made)));
      if (durable.size > DURABLE_MAX) durable.clear();
      for (const made of folders) durable.add(made);
    },
    async prune(origin, minimum, bundles): Promise<void> {
      const root = folderOf(origin);
      const files = bundles.map((path) => join(root, ...path.split("/")));
      const said = await readMinimum(operations, root);
      await removeBundles(operations, files, said >= minimum, async () => {
        // A log that a restored database knows less of was pruned further than its rows say.
        if (said >= minimum) return;
        await put(join(root, MINIMUM_FILE), Buffer.from(`${minimum}\n`));
        await operations.sync(root);
      });
    },
    async publish(origin, note): Promise<void> {
      // The keeper and whoever adds cosignatures publish one after the other, and never an older one over a newer.
      const before = last;
      const mine = Promise.withResolvers<undefined>();
      last = mine.promise;
      await before;
      try {
        await replace(folderOf(origin), note);
      } finally {
        mine.resolve(undefined);
      }
    },
  };
}

type Put = (path: string, content: Uint8Array) => Promise<void>;

// Written beside and renamed into place: a reader sees all of a file or none, and so does a start after a crash.
async function putFile(
  operations: FileOperations,
  random: Random,
  path: string,
  content: Uint8Array,
): Promise<void> {
  await operations.makeFolder(dirname(path));
  await withStagingName(random, async (name) => {
    const staged = join(dirname(path), name);
    try {
      await operations.create(staged, content);
      await operations.sync(staged);
      await operations.rename(staged, path);
    } catch (error) {
      await operations.remove(staged);
      throw error;
    }
  });
}

/** What was told of the minimum index before; 0 where nothing was, and for what is no such file. */
async function readMinimum(operations: FileOperations, root: string): Promise<number> {
  const bytes = await operations.read(join(root, MINIMUM_FILE), MINIMUM_BYTES_MAX);
  const text = bytes === null ? "" : Buffer.from(bytes).toString("latin1");
  return /^[1-9]\d{0,14}\n$/u.test(text) ? Number(text) : 0;
}

// It is told first, and the last one goes after all others would stay gone: where it was told and that one is gone, all are.
// Where it was not told, files of before a pruning were put back, and the last one may be one that they never had.
async function removeBundles(
  operations: FileOperations,
  files: readonly string[],
  isTold: boolean,
  tell: () => Promise<void>,
): Promise<void> {
  const last = files.at(-1);
  if (last === undefined || (isTold && (await operations.size(last)) === null)) return;
  await tell();
  const folders = new Set<string>();
  for (const file of files) {
    await clear(operations, `${file}.p`);
    if (file === last) for (const folder of folders) await operations.sync(folder);
    await operations.remove(file);
    folders.add(dirname(file));
  }
  await operations.sync(dirname(last));
}

// A folder gets a new name with each file, those above it only when the folder itself is new.
function foldersWithNewNames(
  targets: readonly string[],
  root: string,
  durable: ReadonlySet<string>,
): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const target of targets) {
    for (let above = dirname(target); above.length >= root.length; above = dirname(above)) {
      folders.add(above);
      if (durable.has(above)) break;
    }
  }
  return folders;
}

// Nothing is left running when it rejects: whoever tries again meets nobody.
async function allEnded(works: readonly Promise<void>[]): Promise<void> {
  for (const ended of await Promise.allSettled(works)) if (ended.status === "rejected") throw ended.reason;
}

/** The second line of a checkpoint. */
const sizeIn = (note: string): number => Number(note.split("\n", 2)[1]);

// Of two of the same size the one with more signatures is the later one.
const isBehind = (note: string, before: string): boolean =>
  sizeIn(before) > sizeIn(note) || (sizeIn(before) === sizeIn(note) && before.length > note.length);

async function clear(operations: FileOperations, folder: string): Promise<void> {
  try {
    for (const { name } of await operations.list(folder)) await operations.remove(join(folder, name));
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}
