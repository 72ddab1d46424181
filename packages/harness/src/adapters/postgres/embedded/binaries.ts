// Makes sure that whoever the server runs as can execute the binaries. They lie in node_modules, which may lie in a
// home that is closed to everybody else; then a copy that only root can change serves in their place.

import { randomBytes } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { prepareSystemFolder } from "./places.ts";
import { type Binaries, postgresOf } from "./platform.ts";
import { ELSEWHERE, type EmbeddedRefusal, errorCode, refuse } from "./refusal.ts";
import { ok, type Result } from "../../../base/result.ts";
import { type Identity, runTool } from "./tool.ts";

/** The binaries as the server's user can run them: the given ones, or a copy in the system's folder. */
export async function reachBinaries(
  binaries: Binaries,
  identity: Identity | undefined,
  systemFolder: string,
  onProgress: (line: string) => void,
): Promise<Result<Binaries, EmbeddedRefusal>> {
  const direct = await tryBinaries(binaries, identity);
  if (direct.ok || identity === undefined || direct.error.reason !== "binaries_unreachable") return direct;
  const prepared = prepareSystemFolder(systemFolder);
  if (!prepared.ok) return prepared;
  const copy: Binaries = { ...binaries, folder: join(systemFolder, `postgres-bin-${binaries.version}`) };
  if (!existsSync(copy.folder)) {
    onProgress(`Postgres's user cannot reach ${binaries.folder}: copying the binaries to ${copy.folder}`);
    copyAside(binaries.folder, copy.folder);
  }
  return await tryBinaries(copy, identity);
}

async function tryBinaries(
  binaries: Binaries,
  identity: Identity | undefined,
): Promise<Result<Binaries, EmbeddedRefusal>> {
  const run = await runTool(postgresOf(binaries), ["--version"], { identity });
  if (!run.started) {
    return refuse(
      "binaries_unreachable",
      `the Postgres binaries cannot be executed: ${run.errno} at ${postgresOf(binaries)}`,
      `make that path executable for uid ${identity?.uid ?? process.getuid?.()}, ${ELSEWHERE}`,
    );
  }
  if (run.exitCode === 0) return ok(binaries);
  // The loader lacks the right to read a library: to us that is the same as a binary out of reach.
  if (run.output.includes("Permission denied")) {
    return refuse(
      "binaries_unreachable",
      `the Postgres libraries cannot be read beside ${postgresOf(binaries)}`,
      `make them readable for uid ${identity?.uid ?? process.getuid?.()}, ${ELSEWHERE}`,
      run.output.trim(),
    );
  }
  return refuse(
    "binaries_broken",
    `the Postgres binaries do not run here: ${postgresOf(binaries)}`,
    // With install scripts off, the links between its libraries are missing.
    `run: npm rebuild --ignore-scripts=false; ${ELSEWHERE}`,
    run.output.trim(),
  );
}

// Renamed into place when complete: two of us may copy at once, and neither may run half a copy.
function copyAside(from: string, to: string): void {
  const draft = `${to}.${randomBytes(8).toString("hex")}`;
  try {
    copyTree(from, draft, false);
    renameSync(draft, to);
  } catch (error) {
    if (errorCode(error) !== "ENOTEMPTY" && errorCode(error) !== "EEXIST") throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

// Modes are set, not copied: under a umask of 077 the original is closed to others all the way down.
function copyTree(from: string, to: string, executable: boolean): void {
  mkdirSync(to);
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) copyTree(source, target, entry.name === "bin");
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else {
      copyFileSync(source, target);
      chmodSync(target, executable ? 0o755 : 0o644);
    }
  }
}
