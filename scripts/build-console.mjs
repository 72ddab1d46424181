// Builds the web console where what is built is not of the present sources; else does nothing, which takes milliseconds. For
// setup.mjs, and for tests that were started without it: plain JavaScript without dependencies, for any node.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** Says which sources the files beside it are of. Vite empties the folder, so it never outlives them. */
const STAMP = ".built-from";
const NOT_SOURCES = /^(?:dist|node_modules|\.dist-)/;
/** What ends up in the built files, or makes them. */
const TOOLS = ["vite", "rolldown", "react", "react-dom", "scheduler"];

/**
 * @param say where a line for people goes
 * @param root the repository's, or one that looks like it
 * @returns null, or why it could not be built; what was built before stands then
 */
export function buildConsole(say = () => undefined, root = ROOT) {
  const folder = join(root, "packages", "console");
  const modules = join(root, "node_modules");
  const built = join(folder, "dist");
  const stamp = join(built, STAMP);
  const wanted = digestOfSources(folder, modules);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return null;
  const startedAt = Date.now();
  // Beside it and then in its place: a server that starts meanwhile finds the whole of one or of the other.
  const made = join(folder, `.dist-${process.pid}`);
  const vite = join(modules, "vite", "bin", "vite.js");
  const args = [vite, "build", "--logLevel", "warn", "--outDir", made, "--emptyOutDir"];
  const env = { ...process.env, NO_COLOR: "1" };
  delete env.FORCE_COLOR;
  const options = { cwd: folder, encoding: "utf8", env, shell: process.platform === "win32" };
  const { status, stderr, error } = spawnSync(insideNode(modules), args, options);
  if (status !== 0) {
    rmSync(made, { recursive: true, force: true });
    return `vite could not build it: ${(stderr || error?.message || "").trim()}`;
  }
  writeFileSync(join(made, STAMP), wanted);
  rmSync(built, { recursive: true, force: true });
  renameSync(made, built);
  say(`built the web console in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`);
  return null;
}

function digestOfSources(folder, modules) {
  const hash = createHash("sha256");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .filter((path) => !NOT_SOURCES.test(path))
    .toSorted();
  for (const path of files) {
    const bytes = readFileSync(join(folder, path));
    hash.update(`${path} ${bytes.length}\n`).update(bytes);
  }
  for (const name of TOOLS) hash.update(`${name} ${versionOf(name, modules)}\n`);
  return `${hash.digest("hex")}\n`;
}

function versionOf(name, modules) {
  const manifest = join(modules, name, "package.json");
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : "none";
}

/** The repository's own, where the one that runs this is older. */
function insideNode(modules) {
  const inside = join(modules, ".bin", process.platform === "win32" ? "node.cmd" : "node");
  return existsSync(inside) ? inside : process.execPath;
}
