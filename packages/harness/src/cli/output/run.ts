import type { Artifact, AuditEvent, Run, RunSummary, Step } from "@assent/contract";
import type { Paint } from "./paint.ts";
import { fields, table } from "./table.ts";
import { absoluteTime, bothTimes, relativeTime } from "./time.ts";
import { clip, indent, visibleLine, visibleText } from "./visible.ts";
import { inWords, stateInColour } from "./words.ts";

const TASK_CHARS_MAX = 60;
const DATA_CHARS_MAX = 120;

export function runTable(runs: readonly RunSummary[], now: Date): string[] {
  if (runs.length === 0) return ["No runs."];
  return table(
    ["RUN", "STATE", "AGENT", "CREATED", "TASK"],
    runs.map((run) => [
      run.id,
      inWords(run.status),
      run.agent,
      relativeTime(run.created_at, now),
      clip(run.task, TASK_CHARS_MAX),
    ]),
  );
}

export function runLines(run: Run, now: Date, paint: Paint): string[] {
  const labels = Object.entries(run.labels).map(([name, value]) => `${name}=${value}`);
  return [
    `${paint("bold", "Run")} ${run.id}: ${stateInColour(run.status, paint)}`,
    ...fields([
      ["agent", `${run.agent} with ${run.model}`],
      ["asked by", `${run.requested_by.name} (${run.requested_by.kind})`],
      ...(run.workspace === null
        ? []
        : [["workspace", `${run.workspace.name} at ${run.workspace.commit}`] as const]),
      ...(labels.length === 0 ? [] : [["labels", labels.join(" ")] as const]),
      ["created", bothTimes(run.created_at, now)],
      ...(run.finished_at === null ? [] : [["ended", bothTimes(run.finished_at, now)] as const]),
      ...(run.reason === null ? [] : [["reason", `${run.reason.detail} (${run.reason.code})`] as const]),
      ["tokens", `${run.usage.input_tokens} in, ${run.usage.output_tokens} out`],
      ...chargesOf(run.usage.charged),
    ]),
    paint("bold", "Task"),
    indent(visibleText(run.task), "  "),
    ...(run.answer === null
      ? []
      : [paint("bold", "Answer (by the model)"), indent(visibleText(run.answer), "  ")]),
    ...section("Steps", run.steps.length, stepTable(run.steps), paint),
    ...section("Taken back", run.rollback === undefined ? 0 : 1, rollbackLines(run.rollback), paint),
    ...section("Approvals", run.approvals.length, approvalTable(run), paint),
    ...section("Artifacts", run.artifacts.length, artifactTable(run.artifacts), paint),
  ];
}

function section(title: string, count: number, lines: readonly string[], paint: Paint): string[] {
  return count === 0 ? [] : [paint("bold", title), ...lines.map((line) => `  ${line}`)];
}

function stepTable(steps: readonly Step[]): string[] {
  return table(
    ["STEP", "KIND", "NAME", "STATE", "STARTED"],
    steps.map((step) => [
      String(step.seq),
      step.kind,
      step.name,
      step.error === null
        ? inWords(step.state)
        : `${inWords(step.state)}: ${clip(step.error.detail, DATA_CHARS_MAX)} (${step.error.code})`,
      absoluteTime(step.started_at),
    ]),
  );
}

function rollbackLines(rollback: Run["rollback"]): string[] {
  if (rollback === undefined) return [];
  const steps = rollback.taken_back.map((step) => `step ${step}`).join(", ");
  return [
    ...(steps === "" ? [] : [steps]),
    ...(rollback.ended ? [] : ["still under way"]),
    ...(rollback.due ?? []).map(({ step, tool, by }) =>
      visibleLine(`due: step ${step} (${tool}), ${by === "driver" ? "by its driver" : "by the harness"}`),
    ),
    ...rollback.left.map(({ step, tool, code, detail }) =>
      visibleLine(`NOT step ${step} (${tool}): ${clip(detail, DATA_CHARS_MAX)} (${code})`),
    ),
  ];
}

function approvalTable(run: Run): string[] {
  return table(
    ["APPROVAL", "STATE", "SUMMARY"],
    run.approvals.map((approval) => [approval.id, inWords(approval.status), approval.summary]),
  );
}

export function artifactTable(artifacts: readonly Artifact[]): string[] {
  if (artifacts.length === 0) return ["No artifacts."];
  return table(
    ["ARTIFACT", "NAME", "BYTES", "TYPE", "SHA-256"],
    artifacts.map((artifact) => [
      artifact.id,
      artifact.name,
      String(artifact.size_bytes),
      artifact.media_type,
      artifact.sha256,
    ]),
  );
}

/** What people want to know of an event. Digests and counters are in the event itself: `watch --json` has it all. */
const TOLD: ReadonlySet<string> = new Set([
  "step",
  "step_kind",
  "name",
  "tool",
  "subject",
  "verdict",
  "answer",
  "approval_id",
  "reason",
  "error",
]);

/** One event, one line. */
export function eventLine(event: AuditEvent): string {
  const data = Object.entries(event.data)
    .filter(([name, value]) => TOLD.has(name) && ["string", "number", "boolean"].includes(typeof value))
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(" ");
  const who = event.actor === null ? "" : ` by ${event.actor.name}`;
  return visibleLine(
    `${String(event.version).padStart(4)}  ${absoluteTime(event.at)}  ${inWords(event.kind)}${who}${data === "" ? "" : `  ${clip(data, DATA_CHARS_MAX)}`}`,
  );
}

// Only where it is more than the line of tokens says.
function chargesOf(charged: Run["usage"]["charged"]): (readonly [name: string, value: string])[] {
  if (charged === undefined || (charged.retries === 0 && charged.cost_usd === 0)) return [];
  const { input_tokens, output_tokens, cost_usd, calls, retries } = charged;
  return [
    ["charged", `${input_tokens} in, ${output_tokens} out, ${cost_usd} USD`],
    ["calls", `${calls}, ${retries} of them repetitions`],
  ];
}
