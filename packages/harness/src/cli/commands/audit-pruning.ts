// Retention from the command line.

import type { AuditLog } from "@assent/contract";
import { err, ok } from "../../base/result.ts";
import type { Context, Outcome } from "../context.ts";
import { failureOfClient } from "../failure.ts";

/** Takes away what is older than the installation keeps. The server works on it for some seconds at a time. */
export async function pruneLogs(context: Context): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  for (;;) {
    const pruned = await client.value.pruneAudit();
    if (!pruned.ok) return err(failureOfClient(pruned.error));
    const { stopped, unfinished } = pruned.value;
    // Nothing goes before its record is signed.
    if (unfinished && stopped !== null)
      return err({
        exit: "failed",
        ...stopped,
        remedy: "See `assent audit log`; nothing more was taken away.",
      });
    if (unfinished) continue;
    context.show(pruned.value, () => pruned.value.data.map(prunedLine));
    return ok("ok");
  }
}

const prunedLine = ({ epoch, size, minimum_index: minimum }: AuditLog): string =>
  minimum === 0
    ? `Log ${epoch}: nothing of its ${size} entries is as old as that.`
    : `Log ${epoch}: of its ${size} entries those below ${minimum} are gone; the tree stays, and an entry says so.`;
