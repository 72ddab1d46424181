// Builds the web console where what is built is not of the present sources; else does nothing, which takes milliseconds. For
// setup.mjs, and for tests that were started without it: plain JavaScript without dependencies, for any node.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const CONSOLE = join(ROOT, "packages", "console");
const BUILT = join(CONSOLE, "dist");
/** Says which sources the files beside it are of. Vite empties the folder, so it never outlives them. */
const STAMP = ".built-from";
const NOT_SOURCES = /^(?:dist|node_modules|\.dist-)/;
/** What ends up in the built files, or makes them. */
const TOOLS = ["vite", "rolldown", "react", "react-dom", "scheduler"];

/** @returns null, or why it could not be built */
export function buildConsole(say = () => undefined) {
  const wanted = digestOfSources();
  const stamp = join(BUILT, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return null;
  const startedAt = Date.now();
  // Beside it and then in its place: a server that starts meanwhile finds the whole of one or of the other.
  const made = join(CONSOLE, `.dist-${process.pid}`);
  const vite = join(ROOT, "node_modules", "vite", "bin", "vite.js");
  const args = [vite, "build", "--logLevel", "warn", "--outDir", made, "--emptyOutDir"];
  const { status, stderr, error } = spawnSync(insideNode(), args, { cwd: CONSOLE, encoding: "utf8" });
  if (status !== 0) {
    rmSync(made, { recursive: true, force: true });
    return `vite could not build it: ${(stderr || error?.message || "").trim()}`;
  }
  writeFileSync(join(made, STAMP), wanted);
  rmSync(BUILT, { recursive: true, force: true });
  renameSync(made, BUILT);
  say(`built the web console in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`);
  return null;
}

function digestOfSources() {
  const hash = createHash("sha256");
  const files = readdirSync(CONSOLE, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(CONSOLE.length + 1))
    .filter((path) => !NOT_SOURCES.test(path))
    .toSorted();
  for (const path of files) {
    const bytes = readFileSync(join(CONSOLE, path));
    hash.update(`${path} ${bytes.length}\n`).update(bytes);
  }
  for (const name of TOOLS) hash.update(`${name} ${versionOf(name)}\n`);
  return `${hash.digest("hex")}\n`;
}

function versionOf(name) {
  const manifest = join(ROOT, "node_modules", name, "package.json");
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : "none";
}

/** The repository's own, where the one that runs this is older. */
function insideNode() {
  const inside = join(ROOT, "node_modules", ".bin", process.platform === "win32" ? "node.cmd" : "node");
  return existsSync(inside) ? inside : process.execPath;
}
