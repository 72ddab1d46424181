// Kills a process at its k-th file operation while it stores an artifact, and looks at what it left.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openArtifactFiles } from "../../../packages/harness/src/adapters/files/artifact-files.ts";
import { sha256Hex } from "../../../packages/harness/src/base/digest.ts";

const CHILD = fileURLToPath(new URL("storing-child.ts", import.meta.url));
const TEXT = "what must be complete or nothing";

export type Killed = {
  /** What the child said last: where it was killed, or that it ended by itself. */
  readonly said: string;
  /** What lies under the digest, as a reader sees it. */
  readonly seen: "nothing" | "whole" | "damaged";
  /** A later process stores it, sweeps what was left, and finds it whole. */
  readonly mended: boolean;
};

export async function killWhileStoring(k: number, when: "before" | "after"): Promise<Killed> {
  const folder = mkdtempSync(join(tmpdir(), "assent-killed-"));
  try {
    const said = await store(folder, k, when);
    const random = { bytes: (count: number): Uint8Array => randomBytes(count) };
    const sha256 = sha256Hex(new TextEncoder().encode(TEXT));
    const seen = await openArtifactFiles({ folder, random })
      .get(sha256)
      .then(
        (bytes) => (bytes === null ? ("nothing" as const) : ("whole" as const)),
        () => "damaged" as const,
      );
    const again = openArtifactFiles({ folder, random });
    await again.put(new TextEncoder().encode(TEXT));
    const whole = Buffer.from((await again.get(sha256)) ?? []).toString() === TEXT;
    return { said, seen, mended: whole && readdirSync(join(folder, "staging")).length === 0 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function store(folder: string, k: number, when: string): Promise<string> {
  const child = spawn(
    process.execPath,
    ["--conditions=assent-source", CHILD, folder, TEXT, String(k), when],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(child, "close");
  return said.trim();
}
