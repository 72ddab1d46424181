// The file in which a signing key is kept: made by `assent signing-keys create --out`, read where ASSENT_SIGNING_KEY
// names it.

import { readFile, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { err, ok, type Result } from "../base/result.ts";
import type { RequestSigningKey } from "../client/sign.ts";
import { type Failure, usageFailure } from "./failure.ts";

const fileSchema = z.discriminatedUnion("algorithm", [
  z.strictObject({ id: z.string(), algorithm: z.literal("ed25519"), private_key: z.string() }),
  z.strictObject({ id: z.string(), algorithm: z.literal("hmac-sha256"), secret: z.string() }),
]);

export async function readSigningKey(path: string): Promise<Result<RequestSigningKey, Failure>> {
  try {
    const file = fileSchema.parse(JSON.parse(await readFile(path, "utf8")));
    return ok(
      file.algorithm === "ed25519"
        ? { id: file.id, algorithm: file.algorithm, privateKey: file.private_key }
        : file,
    );
  } catch {
    return err(
      usageFailure(
        "signing_key_unreadable",
        `${path} is no signing key that can be read`,
        "Point ASSENT_SIGNING_KEY at a file that `assent signing-keys create --out` wrote.",
      ),
    );
  }
}

/** A file that is ours, for a key that is still to be made. */
export type KeyPlace = {
  keep(key: RequestSigningKey): Promise<Result<null, Failure>>;
  /** Nothing was made. */
  giveUp(): Promise<void>;
};

/**
 * Takes the name before anything is asked of the server: a key whose private half finds no place would be good there, and
 * nobody's. Never over a file that is there: it may be a key.
 */
export async function takePlace(path: string): Promise<Result<KeyPlace, Failure>> {
  try {
    await writeFile(path, "", { mode: 0o600, flag: "wx" });
  } catch (error) {
    return err(notWritten(path, error));
  }
  return ok({
    keep: async (key) => {
      const file =
        key.algorithm === "ed25519"
          ? { id: key.id, algorithm: key.algorithm, private_key: key.privateKey }
          : key;
      try {
        await writeFile(path, `${JSON.stringify(file, null, 2)}\n`, { flush: true });
        return ok(null);
      } catch (error) {
        return err(notWritten(path, error));
      }
    },
    giveUp: async () => {
      await rm(path, { force: true });
    },
  });
}

function notWritten(path: string, error: unknown): Failure {
  const why =
    error instanceof Error && "code" in error && error.code === "EEXIST"
      ? "is there already"
      : "cannot be written";
  return usageFailure("file_not_written", `${path} ${why}`, "Name another --out.");
}
