// What this home knows of its demo run, kept so that a killed process is continued and never submits twice.

import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type RunId, runIdSchema, type RunRequest, runRequestSchema } from "@assent/contract";
import { z } from "zod";
import { err, ok, type Result } from "../../base/result.ts";
import { type Failure, usageFailure } from "../failure.ts";

const demoRecordSchema = z.strictObject({
  v: z.literal(1),
  idempotency_key: z.string().min(1),
  // The whole request: repeated under the same key it must be the same.
  request: runRequestSchema,
  run_id: runIdSchema.nullable(),
  finished: z.boolean(),
});

export type DemoRecord = {
  readonly v: 1;
  readonly idempotency_key: string;
  readonly request: RunRequest;
  readonly run_id: RunId | null;
  readonly finished: boolean;
};

const fileOf = (home: string): string => join(home, "demo.json");

/** @returns null where no demo was ever begun in this home */
export async function readDemoRecord(home: string): Promise<Result<DemoRecord | null, Failure>> {
  let text: string;
  try {
    text = await readFile(fileOf(home), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return ok(null);
    throw error;
  }
  try {
    return ok(demoRecordSchema.parse(JSON.parse(text)));
  } catch {
    return err(
      usageFailure(
        "demo_record_malformed",
        `${fileOf(home)} is not what this program writes`,
        "Remove it; the next start begins a new demo run.",
      ),
    );
  }
}

/** Atomic: a process that is killed meanwhile leaves the old record or the new one. */
export async function writeDemoRecord(home: string, record: DemoRecord): Promise<void> {
  await mkdir(home, { recursive: true });
  const beside = `${fileOf(home)}.${randomBytes(6).toString("hex")}.part`;
  await writeFile(beside, `${JSON.stringify(record)}\n`, { flag: "wx", mode: 0o600, flush: true });
  await rename(beside, fileOf(home));
}
