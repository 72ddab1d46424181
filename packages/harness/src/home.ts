// What an installation keeps beside its database, in its home folder: its secret, and the operator's own key.

import { createHmac, hkdfSync } from "node:crypto";
import {
  accessSync,
  chmodSync,
  constants,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { err, ok, type Result } from "./base/result.ts";
import type { ConfigRefusal } from "./config.ts";
import { makeFolder } from "./make-folder.ts";
import type { Random } from "./ports.ts";

export type Secrets = {
  /** For hashing keys, for sealing cursors: derived apart, so that one says nothing about another. */
  readonly keys: Uint8Array;
  readonly cursors: Uint8Array;
  /** For answers that show a secret, while they are kept for repeats. */
  readonly answers: Uint8Array;
  /** For the keys of sealed payloads, beside the sealing key. */
  readonly sealing: Uint8Array;
  /** What shared secrets for signing requests are derived from. */
  readonly signing: Uint8Array;
  /** The secret itself: only redaction is told, so that it can keep it out of everything. */
  readonly raw: string;
  /** Tells whether a database belongs to this secret, without telling the secret. */
  readonly check: Uint8Array;
};

const SECRET = "secret";
const SECRET_CHARS_MIN = 32;
const SECRET_BYTES = 32;

/**
 * The installation's secret: from the environment, else from the home folder, where it is made at the first start.
 * Processes that share a database must share it; a start with another one is refused.
 */
export function readSecrets(
  home: string,
  given: string | undefined,
  random: Random,
): Result<Secrets, ConfigRefusal> {
  if (given !== undefined && given.length < SECRET_CHARS_MIN)
    return err({
      code: "secret_too_short",
      detail: `ASSENT_SECRET has fewer than ${SECRET_CHARS_MIN} characters.`,
      remedy: "Use a long random value, such as the output of `openssl rand -hex 32`.",
    });
  const kept = given === undefined ? keepSecret(join(home, SECRET), random) : ok(given);
  if (!kept.ok) return kept;
  const secret = kept.value;
  // An empty file is what a disk that was full leaves, or a mount that went wrong; anybody can derive what it gives.
  if (secret.trim().length < SECRET_CHARS_MIN)
    return err({
      code: "secret_too_short",
      detail: `${join(home, SECRET)} has fewer than ${SECRET_CHARS_MIN} characters.`,
      remedy:
        "Restore it from a backup; where nothing was ever stored under it, remove it, and a new one is made.",
    });
  const derive = (purpose: string): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", secret, "assent", `assent/${purpose}/v1`, SECRET_BYTES));
  return ok({
    keys: derive("keys"),
    cursors: derive("cursors"),
    answers: derive("answers"),
    sealing: derive("sealing"),
    signing: derive("signing"),
    raw: secret,
    check: createHmac("sha256", derive("installation")).update("check").digest(),
  });
}

// Written beside and linked into place: of two first starts one wins, and both read the same.
function keepSecret(file: string, random: Random): Result<string, ConfigRefusal> {
  try {
    return ok(readIfThere(file) ?? makeSecret(file, random));
  } catch (error) {
    if (!UNUSABLE.has(codeOf(error))) throw error;
    return refuseHome(file, error);
  }
}

function makeSecret(file: string, random: Random): string {
  const fresh = `${file}.${Buffer.from(random.bytes(8)).toString("hex")}.tmp`;
  writeFileSync(fresh, Buffer.from(random.bytes(SECRET_BYTES)).toString("hex"), { mode: 0o600, flush: true });
  try {
    linkSync(fresh, file);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    rmSync(fresh);
  }
  return readFileSync(file, "utf8");
}

const credentialsSchema = z.strictObject({ url: z.string(), key: z.string() });
export type Credentials = z.infer<typeof credentialsSchema>;

const CREDENTIALS = "credentials.json";

/** Null when there are none yet, or the file is not what was written. */
export function readCredentials(home: string): Credentials | null {
  const text = readIfThere(join(home, CREDENTIALS));
  if (text === null) return null;
  try {
    const parsed = credentialsSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** That the operator's key can be read, or made: before a database is made for it. */
export function checkCredentials(home: string): Result<null, ConfigRefusal> {
  try {
    readCredentials(home);
    return ok(null);
  } catch (error) {
    if (!UNUSABLE.has(codeOf(error))) throw error;
    return refuseHome(join(home, CREDENTIALS), error);
  }
}

/**
 * The operator's key: the one that is kept, else a new one, which is in its file before anything opens with it. Processes of
 * one home take turns, or each would make its own.
 * @returns whether any server of this home has said yet where it serves
 */
export function keepOperatorKey(
  home: string,
  make: () => string,
  random: Random,
): { readonly key: string; readonly isAnnounced: boolean } {
  const kept = readCredentials(home);
  if (kept !== null) return { key: kept.key, isAnnounced: kept.url !== NOWHERE };
  const key = make();
  writeCredentials(home, { url: NOWHERE, key }, random);
  return { key, isAnnounced: false };
}

/** Until a server serves. */
const NOWHERE = "";

/** For the command line of whoever owns the home folder, and nobody else. */
export function writeCredentials(home: string, credentials: Credentials, random: Random): void {
  const fresh = join(home, `${CREDENTIALS}.${Buffer.from(random.bytes(8)).toString("hex")}.tmp`);
  writeFileSync(fresh, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(fresh, join(home, CREDENTIALS));
}

/** Makes the home folder. The embedded database, which may run as another user, needs to pass through it. */
export function makeHome(home: string): Result<null, ConfigRefusal> {
  try {
    if (makeFolder(home)) chmodSync(home, 0o711);
    accessSync(home, constants.W_OK | constants.X_OK);
    return ok(null);
  } catch (error) {
    return refuseHome(home, error);
  }
}

/** Another's, or no file at all: a folder, a link to itself. */
const UNUSABLE: ReadonlySet<string> = new Set(["EACCES", "EISDIR", "ELOOP"]);

/** For what a process finds in its home and may not use, such as the files of a start as another user. */
export function refuseHome(path: string, error: unknown): Result<never, ConfigRefusal> {
  return err({
    code: "home_unusable",
    detail: `${path} cannot be made, read or written (${codeOf(error)}).`,
    remedy: "Name another folder with --home, or mend its permissions.",
  });
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
