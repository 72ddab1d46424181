// Dead letters: runs whose attempts are exhausted. They are runs like others, so reading them is reading runs.

import type { RunId, RunSummary } from "@assent/contract";
import type { ClientFailure } from "../../client/failure.ts";
import type { Client } from "../../client/client.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Context, Outcome } from "../context.ts";
import { type Failure, failureOfClient, usageFailure } from "../failure.ts";
import { visibleLine } from "../output/visible.ts";
import { listRuns, type RunsFlags } from "./runs.ts";

export type DeadLetterFlags = Omit<RunsFlags, "status">;

export const listDeadLetters = async (context: Context, flags: DeadLetterFlags): Outcome =>
  await listRuns(context, { ...flags, status: ["dead_lettered"] });

export type RedriveFlags = {
  readonly all?: boolean;
  readonly agent?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly reason?: string;
  readonly repeatEffects?: boolean;
};

type Redriven = { readonly dead_letter: RunId; readonly run: RunSummary };
type Left = { readonly dead_letter: RunId; readonly code: string; readonly detail: string };

/** Those that are named, or all that the filter fits. What cannot be redriven is said, and stops none of the others. */
export async function redrive(context: Context, ids: readonly RunId[], flags: RedriveFlags): Outcome {
  const isFiltered =
    flags.all === true || [flags.agent, flags.label, flags.reason].some((each) => each !== undefined);
  if (ids.length > 0 === isFiltered)
    return err(
      usageFailure("redrive_what", "name dead letters, or a filter and no names", "All of them: --all."),
    );
  const client = await context.openClient();
  if (!client.ok) return client;
  const chosen = ids.length > 0 ? ok(ids) : await findDeadLetters(client.value, flags);
  if (!chosen.ok) return chosen;
  const done = await redriveEach(client.value, chosen.value, flags);
  // Said also where it broke off: whoever repeats the command should know what stands.
  context.show(shown(done), () => linesOf(done));
  if (done.broken !== null) return err(brokenOff(done, done.broken));
  return ok(done.left.length > 0 ? "failed" : "ok");
}

type Done = {
  readonly redriven: readonly Redriven[];
  readonly left: readonly Left[];
  /** The server was lost at this one, and those behind it were not asked for. */
  readonly broken: {
    readonly at: RunId;
    readonly behind: readonly RunId[];
    readonly failure: ClientFailure;
  } | null;
};

async function redriveEach(
  client: Client,
  ids: readonly RunId[],
  { repeatEffects }: RedriveFlags,
): Promise<Done> {
  const redriven: Redriven[] = [];
  const left: Left[] = [];
  for (const [at, id] of ids.entries()) {
    const run = await client.redriveRun(id, repeatEffects === true ? { repeat_effects: true } : {});
    if (run.ok) redriven.push({ dead_letter: id, run: run.value });
    else if (run.error.kind === "refused")
      left.push({ dead_letter: id, code: run.error.problem.code, detail: run.error.problem.detail });
    else return { redriven, left, broken: { at: id, behind: ids.slice(at + 1), failure: run.error } };
  }
  return { redriven, left, broken: null };
}

const shown = ({ redriven, left, broken }: Done): object => ({
  redriven,
  left,
  ...(broken === null ? {} : { unknown: broken.at, not_asked: broken.behind }),
});

const linesOf = ({ redriven, left, broken }: Done): readonly string[] => [
  ...redriven.map(({ dead_letter, run }) => `${dead_letter} is redriven by ${run.id}.`),
  ...left.map(({ dead_letter, detail }) => visibleLine(`${dead_letter} is left: ${detail}`)),
  ...(broken === null ? [] : [`${broken.at} may be redriven or not: there was no answer.`]),
  ...(broken?.behind.map((id) => `${id} was not asked for.`) ?? []),
  ...(broken === null && redriven.length + left.length === 0 ? ["No dead letter fits."] : []),
];

function brokenOff({ redriven, left }: Done, { failure, at, behind }: NonNullable<Done["broken"]>): Failure {
  const { remedy, detail, ...rest } = failureOfClient(failure);
  const all = redriven.length + left.length + 1 + behind.length;
  return {
    ...rest,
    detail: `${detail}; ${redriven.length} of ${all} dead letters are redriven, ${left.length} left, and of ${at} it is not known`,
    remedy: `${remedy} Then run the same command again: no dead letter is redriven twice.`,
  };
}

async function findDeadLetters(
  client: Client,
  { agent, label, reason }: RedriveFlags,
): Promise<Result<readonly RunId[], Failure>> {
  const [mark, ...others] = Object.entries(label ?? {}).map(([name, value]) => ({ name, value }));
  if (others.length > 0)
    return err(usageFailure("labels_too_many", "runs are found by one label", "Name --label once."));
  const found: RunId[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Client["listRuns"]>> = await client.listRuns({
      states: ["dead_lettered"],
      limit: 100,
      ...(agent !== undefined && { agent }),
      ...(mark && { label: mark }),
      ...(cursor !== null && { cursor }),
    });
    if (!page.ok) return err(failureOfClient(page.error));
    for (const run of page.value.data)
      if (reason === undefined || run.reason?.code === reason || run.reason?.detail.includes(reason) === true)
        found.push(run.id);
    cursor = page.value.next_cursor;
  } while (cursor !== null);
  return ok(found);
}
