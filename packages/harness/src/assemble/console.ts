// Reads the built web console into memory, once at the start: what is served later is what stood there then.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Console, ConsoleFile } from "../api/console-files.ts";
import { sha256Hex } from "../base/digest.ts";

const PAGE = "index.html";

/** Of what is built, all that is served; anything else (a stamp, a map) stays where it is. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".md": "text/markdown; charset=utf-8",
  ".svg": "image/svg+xml",
};

// As Vite names what it bundles: eight characters of base64url, before the extension.
const HASHED = /-[A-Za-z0-9_-]{8}\.(?:css|js)$/;

/** @param isWanted whether the configuration wants it served */
export function openConsole(isWanted: boolean): Console {
  if (!isWanted) return { state: "off" };
  const folder = findBuilt();
  return folder === null ? { state: "not_built" } : readConsole(folder);
}

/** @param folder as `npm run build` leaves it; one without a page was not built */
export function readConsole(folder: string): Console {
  const files = new Map<string, ConsoleFile>();
  for (const name of namesIn(folder)) {
    const mediaType = MEDIA_TYPES[extname(name)];
    if (mediaType === undefined) continue;
    const bytes = readFileSync(join(folder, name));
    files.set(name, { bytes, mediaType, etag: `"${sha256Hex(bytes)}"`, isHashed: HASHED.test(name) });
  }
  const page = files.get(PAGE);
  if (page === undefined) return { state: "not_built" };
  files.delete(PAGE);
  return { state: "built", page, files };
}

/** Where the package has its built files; null where the package is not installed. */
function findBuilt(): string | null {
  try {
    return join(dirname(fileURLToPath(import.meta.resolve("@assent/console/package.json"))), "dist");
  } catch (error) {
    if (isCode(error, "ERR_MODULE_NOT_FOUND")) return null;
    throw error;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);
  } catch (error) {
    if (isCode(error, "ENOENT")) return [];
    throw error;
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
