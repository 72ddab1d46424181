// The signer's own memory: of each log the last size and root that it was ready to sign, in files that the database
// cannot reach. A database that was rewritten, or restored from a backup, does not agree with them.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import type { Anchor, AnchorFiles } from "../../ports.ts";
import { systemCode } from "./file-error.ts";
import { diskOperations, type FileOperations } from "./file-operations.ts";

const ANCHOR_BYTES_MAX = 4_096;
const NAME = /^anchor-(\d{1,16})$/;

const anchorSchema = z.strictObject({
  origin: z.string().min(1),
  size: z.int().min(1),
  root: z.base64().length(44),
});

/** @param folder absolute; made when it is missing */
export function openAnchorFiles(folder: string, operations: FileOperations = diskOperations): AnchorFiles {
  const folderOf = (origin: string): string =>
    join(folder, createHash("sha256").update(origin).digest("hex").slice(0, 32));
  return {
    read: async (origin) => (await newest(operations, folderOf(origin), origin)).anchor,
    replace: async (before, next) => await replace(operations, folderOf(next.origin), before, next),
  };
}

type Newest = { readonly anchor: Anchor | null; readonly number: number; readonly names: readonly string[] };

/** Another signer clears the older names away when it has made a newer one; more often than this something is wrong. */
const LOOKS_MAX = 100;

async function newest(operations: FileOperations, folder: string, origin: string): Promise<Newest> {
  await operations.makeFolder(folder);
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const found = await lookForNewest(operations, folder, origin);
    if (found !== "cleared") return found;
  }
  throw new Error(`the anchors in ${folder} are replaced faster than they can be read`);
}

async function lookForNewest(
  operations: FileOperations,
  folder: string,
  origin: string,
): Promise<Newest | "cleared"> {
  const numbers = (await operations.list(folder))
    .map(({ name }) => Number(NAME.exec(name)?.[1] ?? Number.NaN))
    .filter((number) => !Number.isNaN(number))
    .toSorted((a, b) => b - a);
  const names = numbers.map((number) => `anchor-${number}`);
  for (const name of names) {
    const bytes = await operations.read(join(folder, name), ANCHOR_BYTES_MAX);
    // It was there a moment ago: there is a newer one, and not none.
    if (bytes === null) return "cleared";
    const anchor = parseAnchor(Buffer.from(bytes).toString());
    // Half a file is what a crash leaves before the file was durable, so before anything was signed on its strength.
    if (anchor === null) continue;
    if (anchor.origin !== origin) throw new Error(`the anchor of another log lies in ${folder}`);
    return { anchor, number: numbers[0] ?? 0, names };
  }
  return { anchor: null, number: numbers[0] ?? 0, names };
}

function parseAnchor(text: string): Anchor | null {
  if (!text.endsWith("}\n")) return null;
  try {
    const parsed = anchorSchema.safeParse(JSON.parse(text));
    return parsed.success ? { ...parsed.data, root: Buffer.from(parsed.data.root, "base64") } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const isSame = (a: Anchor | null, b: Anchor | null): boolean =>
  a === b || (a !== null && b !== null && a.size === b.size && Buffer.from(a.root).equals(b.root));

// A name is made once (O_EXCL), so of two signers that saw the same anchor one gets the next number. One that took an
// older number because it saw half a file finds the higher one when it looks again, and gives way.
async function replace(
  operations: FileOperations,
  folder: string,
  before: Anchor | null,
  next: Anchor,
): Promise<boolean> {
  const found = await newest(operations, folder, next.origin);
  if (!isSame(found.anchor, before)) return false;
  if (isSame(found.anchor, next)) return true;
  const number = found.number + 1;
  const file = join(folder, `anchor-${number}`);
  const text = `${JSON.stringify({ origin: next.origin, size: next.size, root: Buffer.from(next.root).toString("base64") })}\n`;
  try {
    await operations.create(file, Buffer.from(text));
    await operations.sync(file);
  } catch (error) {
    // Another one was faster, or went further and has cleared this one away.
    if (["EEXIST", "ENOENT"].includes(systemCode(error) ?? "")) return false;
    throw error;
  }
  await operations.sync(folder);
  if ((await newest(operations, folder, next.origin)).number !== number) return false;
  for (const name of found.names) await operations.remove(join(folder, name));
  return true;
}
