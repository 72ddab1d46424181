import { sha256Hex } from "../../digest.ts";
import { fieldsOf, type RunReading, TERMINAL_STATES, textOf } from "../../run-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import type { EndingBench, EndingPoint } from "../../target.ts";
import { lookUntil } from "../../wait.ts";
import {
  approveUntilEnd,
  awaitStatus,
  type DownloadedArtifact,
  downloadArtifacts,
  kindsOf,
  openApprovals,
  readEvents,
  readRunOf,
  submitGatedTask,
} from "../moves.ts";

/** What can befall a store of artifacts, by the names under which a target arms it. */
export const STORE_FAULTS = ["artifact_store_refuses", "artifact_store_truncates"] as const;

export const artifactWriterAtomicCommitAndRollback: Scenario = {
  id: "harness_integration/artifact_writer_atomic_commit_and_rollback",
  title: "A run has succeeded only when every byte of its artifacts is there",
  tier: 1,
  phase: "integration",
  why: "Corrupted artifacts and inconsistent run status: whoever trusts `succeeded` works on with half a file.",
  remedy:
    "Write to a temporary name, sync, rename, sync the folder; only then commit the rows and the state, in one transaction. Verify the digest at every read.",
  needs: ["submit", "approve", "artifacts"],
  invariants: ["complete-or-nothing"],
  warnings: ["an artifact could not be stored"],
  implies: { events: ["artifact_committed", "run_succeeded"] },
  seed: "backend/tests/harness_integration/test_artifact_writer_atomic_commit_and_rollback.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    const whole = await succeedComplete(context);
    await context.part("a store that fails", ["faults"], async () => {
      for (const fault of STORE_FAULTS) checkNothingLost(context, whole, await failStore(context, fault));
    });
    await context.part("a process that dies as soon as it has ended a run", ["kill"], async () => {
      await killAtTheEnd(context);
    });
    await context.part("a process that dies while it ends a run", ["kill", "held_end"], async () => {
      for (const point of ["stored", "recorded"] as const) await killWhileEnding(context, point);
    });
  },
};

async function succeedComplete(context: ScenarioContext): Promise<readonly DownloadedArtifact[]> {
  const client = context.client("requester");
  const id = await submitGatedTask(context, client);
  await approveUntilEnd(context, client, context.client("approver"), id);
  return await checkComplete(context, id);
}

/** The run has succeeded, and what can be fetched is what it says. */
async function checkComplete(context: ScenarioContext, id: string): Promise<readonly DownloadedArtifact[]> {
  const client = context.client("requester");
  const run = await readRunOf(context, client, id);
  context.check("the run succeeds", run.status === "succeeded", run.status);
  context.check("a run that succeeded has artifacts", run.artifacts.length > 0);
  const downloaded = await downloadArtifacts(context, client, run);
  for (const { artifact, bytes } of downloaded) {
    context.check(
      `the bytes of ${artifact.name} are complete`,
      sha256Hex(bytes) === artifact.sha256 &&
        (artifact.sizeBytes === null || artifact.sizeBytes === bytes.byteLength),
      { sizeBytes: artifact.sizeBytes, fetched: bytes.byteLength },
    );
  }
  return downloaded;
}

const namesOf = (artifacts: readonly DownloadedArtifact[]): string =>
  artifacts
    .map(({ artifact }) => artifact.name)
    .toSorted()
    .join();

const isPiece = (bytes: Uint8Array, whole: Uint8Array): boolean =>
  bytes.byteLength < whole.byteLength &&
  Buffer.from(bytes).equals(Buffer.from(whole.subarray(0, bytes.byteLength)));

/** A digest that fits the bytes does not say that they are all: it may be of what a store has kept of them. */
function checkNothingLost(
  context: ScenarioContext,
  whole: readonly DownloadedArtifact[],
  after: readonly DownloadedArtifact[],
): void {
  context.check(
    "a store that failed once leaves each artifact, and each once",
    namesOf(after) === namesOf(whole),
    { without: namesOf(whole), after: namesOf(after) },
  );
  const pieces = after.filter(({ artifact, bytes }) =>
    whole.some((other) => other.artifact.name === artifact.name && isPiece(bytes, other.bytes)),
  );
  context.check(
    "and none of them is the beginning of what it is without that",
    pieces.length === 0,
    namesOf(pieces),
  );
}

async function failStore(context: ScenarioContext, fault: string): Promise<readonly DownloadedArtifact[]> {
  const { faults } = context.target;
  if (faults === undefined) throw new Error("the capability faults was not there");
  const client = context.client("requester");
  const before = await faults.fired(fault);
  await faults.arm(fault, 1);
  const id = await submitGatedTask(context, client);
  const answered = approveUntilEnd(context, client, context.client("approver"), id);
  // From the first look to the last: never a success without its bytes.
  const watched = watch(context, id);
  await Promise.all([answered, watched]);
  context.precondition(`${fault} struck`, (await faults.fired(fault)) > before);
  return await checkComplete(context, id);
}

async function watch(context: ScenarioContext, id: string): Promise<void> {
  const client = context.client("requester");
  await lookUntil(
    async () => {
      const run = await readRunOf(context, client, id);
      if (run.status === "succeeded") await checkComplete(context, id);
      return run;
    },
    (run) => TERMINAL_STATES.includes(run.status),
    { timeoutMs: context.pace.waitMsMax * 2, signal: context.signal },
  );
}

async function killAtTheEnd(context: ScenarioContext): Promise<void> {
  const client = context.client("requester");
  const id = await submitGatedTask(context, client);
  await approveUntilEnd(context, client, context.client("approver"), id);
  // Whatever was not durable by then is gone with the process.
  await context.target.kill?.("server");
  await checkComplete(context, id);
}

/** All bytes are there, and whoever was to say so is gone: the run is ended by somebody else, and once. */
async function killWhileEnding(context: ScenarioContext, point: EndingPoint): Promise<void> {
  const { ending, sink, gatedTask } = context.target;
  if (ending === undefined) throw new Error("the capability held_end was not there");
  const client = context.client("requester");
  const from = sink?.calls().length ?? 0;
  await ending.holdAt(point);
  try {
    const id = await submitGatedTask(context, client);
    await approveUntilHeld(context, ending, id);
    const before = await readRunOf(context, client, id);
    notYet(context, before);
    await notToldYet(context, id);
    await context.target.kill?.("server");
    await ending.letGo();
    // The server has another address since.
    await awaitStatus(context, context.client("requester"), id, TERMINAL_STATES);
    await checkComplete(context, id);
    const effects =
      sink
        ?.calls()
        .slice(from)
        .filter(({ outcome }) => outcome === "applied").length ?? 0;
    context.check("and what it did is not done again", effects === gatedTask.sinkEffects, { point, effects });
  } finally {
    await ending.letGo();
  }
}

function notYet(context: ScenarioContext, { status }: RunReading): void {
  const isEnded = TERMINAL_STATES.includes(status);
  context.check("a run has not ended before all of its end is written", !isEnded, status);
}

/** Whoever reads events or lists in the place of the run is told no sooner. */
async function notToldYet(context: ScenarioContext, id: string): Promise<void> {
  const client = context.client("requester");
  await context.part("what events say of a run that is being ended", ["events"], async () => {
    const told = kindsOf(await readEvents(context, client, id), "run_succeeded");
    context.check("no event says that it has succeeded before all is written", told.length === 0, told);
  });
  await context.part("what lists say of a run that is being ended", ["list"], async () => {
    const rows = fieldsOf((await client.listRuns("limit=100")).json)["data"];
    const listed = (Array.isArray(rows) ? rows.map(fieldsOf) : []).find((row) => row["id"] === id);
    const status = textOf(listed?.["status"]);
    context.check(
      "no list says that it has ended before all is written",
      !TERMINAL_STATES.includes(status),
      listed,
    );
  });
}

async function approveUntilHeld(context: ScenarioContext, ending: EndingBench, id: string): Promise<void> {
  const [requester, approver] = [context.client("requester"), context.client("approver")];
  const answered = new Set<string>();
  for (;;) {
    const { seen, satisfied } = await lookUntil(
      async () => ({ held: await ending.held(), run: await readRunOf(context, requester, id) }),
      ({ held, run }) =>
        held > 0 ||
        TERMINAL_STATES.includes(run.status) ||
        openApprovals(run).some((open) => !answered.has(open.id)),
      { timeoutMs: context.pace.waitMsMax, signal: context.signal },
    );
    context.check("the run goes on after each answer", satisfied, seen.run.status);
    if (seen.held > 0) return;
    notYet(context, seen.run);
    for (const open of openApprovals(seen.run).filter(({ id: each }) => !answered.has(each))) {
      answered.add(open.id);
      const yes = { approval_id: open.id, decision: "approve", action_digest: open.actionDigest };
      const answer = await approver.approve(yes);
      context.check("the shown action can be approved", answer.status === 200, answer.json);
    }
  }
}
