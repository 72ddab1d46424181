// The sealing key from the command line: how far erasures have come, and its change.

import type { Sealing } from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";
import type { Client } from "../../client/client.ts";
import type { Context, Outcome } from "../context.ts";
import { type Failure, failureOfClient, usageFailure } from "../failure.ts";

export type RekeyFlags = { readonly status?: boolean; readonly lost?: boolean };

export async function changeSealing(context: Context, flags: RekeyFlags): Outcome {
  if (flags.status === true && flags.lost === true)
    return err(usageFailure("rekey_what", "--status changes nothing.", "Give one of --status and --lost."));
  const client = await context.openClient();
  if (!client.ok) return client;
  const sealing =
    flags.status === true ? await readSealing(client.value) : await rekey(client.value, flags.lost === true);
  if (!sealing.ok) return sealing;
  context.show(sealing.value, () => sealingLines(sealing.value, flags.status !== true));
  return ok("ok");
}

async function readSealing(client: Client): Promise<Result<Sealing, Failure>> {
  const sealing = await client.getAuditSealing();
  return sealing.ok ? sealing : err(failureOfClient(sealing.error));
}

// The server works on it for some seconds at a time; what it has done stays done.
async function rekey(client: Client, lost: boolean): Promise<Result<Sealing, Failure>> {
  for (;;) {
    const sealing = await client.rekeyAudit({ lost });
    if (!sealing.ok) return err(failureOfClient(sealing.error));
    if (!sealing.value.changing) return sealing;
  }
}

const sealingLines = (sealing: Sealing, changed: boolean): string[] => [
  ...(changed
    ? ["The sealing key was changed, and the one before is destroyed. Destroy every copy of it, too."]
    : []),
  sealing.generation === null
    ? "Nothing was sealed yet."
    : `Sealing key ${sealing.generation}${sealing.held ? "" : ", which this server does not have"}: ${sealing.kept} sealed texts, ${sealing.erased} erased.`,
  ...(sealing.uncovered === 0
    ? []
    : [
        `${sealing.uncovered} of the erased can still be opened with a backup of before and the sealing key (since ${sealing.uncovered_since ?? ""}): \`assent audit rekey\`.`,
      ]),
  ...(sealing.changing
    ? ["A change of the sealing key is not finished: `assent audit rekey` goes on with it."]
    : []),
];
