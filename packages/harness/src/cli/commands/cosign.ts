// Shows a copied log to witnesses, and adds to its checkpoint what they sign: from then on a fork needs their help.

import { resolve } from "node:path";
import {
  addCosignatures,
  decodeTile,
  formatAddCheckpoint,
  hashesOfLevel,
  openCheckpoint,
  type OpenedCheckpoint,
  parseDecimal,
  parsePolicy,
  type Policy,
  type PolicyWitness,
  proveConsistency,
  readerOfTiles,
  TILE_WIDTH,
  tilePath,
} from "@assent/tlog";
import { err, ok, type Result } from "../../base/result.ts";
import type { Context, Outcome } from "../context.ts";
import { type Failure, usageFailure } from "../failure.ts";
import { visibleLine } from "../output/visible.ts";
import { finishMove } from "../verify/incoming.ts";
import { openLogFolder, writeLogFile } from "../verify/log-folder.ts";
import { readText } from "./audit-log.ts";

/** A witness that does not answer must not keep a whole round waiting. */
const WITNESS_TIMEOUT_MS = 10_000;

/** What it needs of a command's context. */
export type CosignContext = {
  readonly deps: Pick<Context["deps"], "cwd" | "fetch">;
  readonly show: Context["show"];
};

type Shown = { readonly witness: string; readonly cosigned: boolean; readonly detail: string };

export async function cosignCopy(
  context: CosignContext,
  folder: string,
  flags: { readonly policy: string },
): Outcome {
  const target = resolve(context.deps.cwd, folder);
  const text = readText(context, flags.policy);
  if (!text.ok) return text;
  const policy = parsePolicy(text.value);
  if (!policy.ok)
    return err(usageFailure("policy_invalid", policy.error, "See https://c2sp.org/tlog-policy."));
  if (!policy.value.witnesses.some(({ url }) => url !== null))
    return err(
      usageFailure(
        "policy_invalid",
        "policy: it says of no witness where it is",
        "Name one as `witness <name> <key> <URL>`.",
      ),
    );
  finishMove(target);
  const opened = openCopy(target, policy.value);
  if (!opened.ok) return opened;
  let { note } = opened.value;
  const shown: Shown[] = [];
  for (const witness of policy.value.witnesses) {
    if (witness.url === null) continue;
    const asked = await ask(context, target, { ...opened.value, note }, witness, witness.url);
    shown.push({ witness: witness.name, cosigned: asked.ok, detail: asked.ok ? "cosigned" : asked.error });
    if (asked.ok) note = asked.value;
  }
  writeLogFile(target, "checkpoint", note);
  context.show({ data: shown }, () => shown.map((one) => visibleLine(`${one.witness}: ${one.detail}`)));
  return ok(shown.every(({ cosigned }) => cosigned) ? "ok" : "failed");
}

type Copy = { readonly note: string; readonly checkpoint: OpenedCheckpoint };

function openCopy(folder: string, policy: Policy): Result<Copy, Failure> {
  const bytes = openLogFolder(folder).read("checkpoint");
  const note = bytes === null ? "" : Buffer.from(bytes).toString();
  for (const [origin, logs] of Map.groupBy(policy.logs, ({ key }) => key.name)) {
    const keys = logs.map(({ key }) => key);
    const checkpoint = openCheckpoint(note, origin, keys);
    if (checkpoint.ok) return ok({ note, checkpoint: checkpoint.value });
  }
  return err(
    usageFailure(
      "checkpoint_invalid",
      "The folder's checkpoint is of no log of the policy.",
      "Export or mirror it first.",
    ),
  );
}

// First from nothing; a witness that knows the log answers with the size that it knows, and gets the proof from there.
async function ask(
  context: CosignContext,
  folder: string,
  { note, checkpoint }: Copy,
  witness: PolicyWitness,
  url: string,
): Promise<{ readonly ok: true; readonly value: string } | { readonly ok: false; readonly error: string }> {
  let oldSize = 0;
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const proof = proveConsistency(readerOf(folder, checkpoint.size), oldSize, checkpoint.size);
    const answer = await post(context, url, formatAddCheckpoint({ oldSize, proof, checkpoint: note }));
    if (answer === null) return { ok: false, error: "it does not answer" };
    if (answer.status === 409) {
      oldSize = parseDecimal(answer.body.trim()) ?? Number.POSITIVE_INFINITY;
      if (oldSize > checkpoint.size)
        return { ok: false, error: `it has cosigned ${answer.body.trim()} entries, more than this copy has` };
      continue;
    }
    if (answer.status !== 200)
      return { ok: false, error: `it refuses: ${answer.body.trim()} (${answer.status})` };
    const added = addCosignatures(note, answer.body, [witness.key]);
    if (!added.ok) return added;
    return added.value.added.length === 0
      ? { ok: false, error: "its answer has no line of the key that the policy names" }
      : { ok: true, value: added.value.note };
  }
  return { ok: false, error: "its size changes while it is asked" };
}

async function post(
  context: CosignContext,
  url: string,
  body: string,
): Promise<{ readonly status: number; readonly body: string } | null> {
  try {
    const response = await context.deps.fetch(
      new URL("add-checkpoint", url.endsWith("/") ? url : `${url}/`),
      {
        method: "POST",
        body,
        signal: AbortSignal.timeout(WITNESS_TIMEOUT_MS),
      },
    );
    return { status: response.status, body: await response.text() };
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

function readerOf(folder: string, size: number): ReturnType<typeof readerOfTiles> {
  const source = openLogFolder(folder);
  return readerOfTiles((level, index) => {
    const tile = Math.floor(index / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, hashesOfLevel(level, size) - tile * TILE_WIDTH);
    const bytes = source.read(tilePath({ level, index: tile, width }));
    const hash = bytes === null ? undefined : decodeTile(bytes, width)?.[index % TILE_WIDTH];
    if (hash === undefined) throw new Error(`the copy lacks ${tilePath({ level, index: tile, width })}`);
    return hash;
  });
}
