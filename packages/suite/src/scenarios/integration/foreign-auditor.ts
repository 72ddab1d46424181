// The auditor of another tenant: sees and verifies the log of their own, in which nothing of ours is, and can do nothing
// with ours. Logs are numbered alike in all tenants, so that both ask for the same paths.

import { findingsOf, type LogCopy, readLeaf, sizeOfCheckpoint } from "../../log-copy.ts";
import { fieldsOf, isProblem, readRun } from "../../run-reading.ts";
import type { ScenarioContext } from "../../scenario.ts";
import { lookUntil } from "../../wait.ts";
import { ask, copyLog, type Log, pinLog, rowsOf } from "./log-moves.ts";

/** Their log before anything happened in ours. */
export type Neighbour = { readonly log: Log; readonly before: LogCopy; readonly run: string };

export type Ours = {
  readonly log: Log;
  readonly copy: LogCopy;
  readonly runs: readonly string[];
};

const subjectsOf = ({ entries }: LogCopy): ReadonlySet<string> =>
  new Set(entries.map(({ leaf }) => readLeaf(leaf)?.subject ?? ""));

/** Something happens in the other tenant, so that there is a log. @returns null where the target lacks what it takes */
export async function openNeighbour(context: ScenarioContext): Promise<Neighbour | null> {
  let neighbour: Neighbour | null = null;
  await context.part("the auditor of another tenant", ["second_auditor", "second_tenant"], async () => {
    const client = context.client("other_tenant");
    const answer = await client.submit(context.target.gatedTask.body, context.unique("neighbour"));
    const run = readRun(answer.json)?.id ?? "";
    context.check("another tenant has runs of its own", answer.status === 202 && run !== "", answer.status);
    await lookUntil(
      async () => (await ask(context, "other_auditor", "/api/harness/audit/logs")).json,
      (json) => rowsOf(fieldsOf(json)["data"]).length > 0,
      { timeoutMs: context.pace.waitMsMax, signal: context.signal },
    );
    const log = await pinLog(context, "other_auditor");
    const { seen, satisfied } = await lookUntil(
      async () => await copyLog(context, log),
      (copy) => subjectsOf(copy).has(run),
      { timeoutMs: context.pace.waitMsMax, signal: context.signal },
    );
    context.check("another tenant's auditor finds that tenant's run in its log", satisfied, [run]);
    neighbour = { log, before: seen, run };
  });
  return neighbour;
}

/** What they are shown under our paths is theirs, and what we did is nowhere in it. */
export async function checkNeighbour(
  context: ScenarioContext,
  neighbour: Neighbour | null,
  ours: Ours,
): Promise<void> {
  if (neighbour === null) return;
  const { log, before } = neighbour;
  const names = [ours.log.pin.origin, ...ours.runs];
  for (const path of ["/api/harness/audit/logs", `${ours.log.path}/checkpoint`, `${ours.log.path}/entries`]) {
    const { text } = await ask(context, "other_auditor", path);
    context.check(
      "nothing that another tenant's auditor reads is of our log",
      names.every((name) => !text.includes(name)),
      { path },
    );
  }
  for (const run of ours.runs) {
    const proof = await ask(context, "other_tenant", `/api/harness/runs/${run}/events/1/proof`);
    context.check(
      "and no proof of an event of ours is theirs",
      proof.status === 404 && isProblem(proof),
      proof.status,
    );
  }
  context.check(
    "logs of two tenants go by two names, and neither verifies as the other",
    log.pin.origin !== ours.log.pin.origin &&
      sizeOfCheckpoint(ours.copy.note, log.pin) === null &&
      sizeOfCheckpoint(before.note, ours.log.pin) === null,
    [log.pin.origin, ours.log.pin.origin],
  );
  const after = await copyLog(context, log);
  context.check(
    "their log still verifies, and continues",
    findingsOf(after, log.pin, before.note).length === 0,
  );
  const leaves = new Set(ours.copy.entries.map(({ leaf }) => leaf).filter((leaf) => leaf !== ""));
  context.check(
    "and has no entry of ours",
    after.entries.every(({ leaf }) => !leaves.has(leaf)) &&
      ours.runs.every((run) => !subjectsOf(after).has(run)),
  );
  context.check("as ours has none of theirs", !subjectsOf(ours.copy).has(neighbour.run));
}
