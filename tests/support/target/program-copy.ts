// Other versions of the program than this checkout's: one out of its history, and one that goes beyond it.

import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  existsSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const MIGRATIONS = "packages/harness/src/adapters/postgres/migrations";
const PROGRAM = "packages/harness/bin/assent.mjs";
const ARCHIVE_BYTES_MAX = 500_000_000;

/** This checkout's own. */
export const PRESENT_PROGRAM: string = join(ROOT, PROGRAM);

const git = (...args: readonly string[]): Buffer =>
  execFileSync("git", ["-C", ROOT, ...args], { maxBuffer: ARCHIVE_BYTES_MAX });

/** The commit before the one that added the newest migration: the last program of the version before. */
function olderCommit(): string {
  const added = git("log", "-1", "--diff-filter=A", "--format=%H", "--", `${MIGRATIONS}/*.sql`)
    .toString()
    .trim();
  if (added === "") throw new Error("there is no history: this needs a clone with its commits");
  return git("rev-parse", `${added}^`).toString().trim();
}

// Packages find each other's source beside them, and everything else where this checkout has it.
function linkModules(folder: string): void {
  const modules = join(ROOT, "node_modules");
  mkdirSync(join(folder, "node_modules", "@assent"), { recursive: true });
  for (const name of readdirSync(modules))
    if (name !== "@assent" && !name.startsWith("."))
      symlinkSync(join(modules, name), join(folder, "node_modules", name));
  for (const name of readdirSync(join(folder, "packages"))) {
    symlinkSync(join(folder, "packages", name), join(folder, "node_modules", "@assent", name));
    const own = join(ROOT, "packages", name, "node_modules");
    if (existsSync(own)) symlinkSync(own, join(folder, "packages", name, "node_modules"));
  }
}

/** @param commit the last one of the version before, where none is named. @returns the program's file, below `folder` */
export function checkOutOlderProgram(folder: string, commit: string = olderCommit()): string {
  const archive = git("archive", "--format=tar", commit, "packages", "package.json");
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  linkModules(folder);
  return join(folder, PROGRAM);
}

/** A program with one more migration, and messages that this checkout's does not understand. @returns its file */
export function writeNewerProgram(folder: string): string {
  cpSync(join(ROOT, "packages"), join(folder, "packages"), {
    recursive: true,
    filter: (source) => !/\/(?:node_modules|dist)(?:\/|$)/.test(source),
  });
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  linkModules(folder);
  raiseMessageVersion(join(folder, "packages/harness/src"));
  // What the migrations make lies beside them.
  const migrations = readdirSync(join(folder, MIGRATIONS)).filter((name) => name.endsWith(".sql"));
  const newest = migrations.toSorted().at(-1) ?? "0000";
  const next = String(Number(newest.slice(0, 4)) + 1).padStart(4, "0");
  writeFileSync(
    join(folder, MIGRATIONS, `${next}_of_the_next_version.sql`),
    "alter table assent.runs add column of_the_next_version integer;\n",
  );
  return join(folder, PROGRAM);
}

function raiseMessageVersion(source: string): void {
  const declared = /(export const MESSAGE_VERSION = )(\d+)/;
  const files = readdirSync(source, { recursive: true, encoding: "utf8" })
    .map((name) => join(source, name))
    .filter((file) => file.endsWith(".ts") && declared.test(readFileSync(file, "utf8")));
  const [file] = files;
  if (file === undefined || files.length !== 1)
    throw new Error(`MESSAGE_VERSION is in ${files.length} files`);
  const text = readFileSync(file, "utf8");
  rmSync(file);
  writeFileSync(
    file,
    text.replace(declared, (_, before: string, version: string) => `${before}${Number(version) + 1}`),
  );
}
