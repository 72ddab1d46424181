import type { Approval, Comparison, Run } from "@assent/contract";
import { paintDiff } from "./diff.ts";
import type { Paint } from "./paint.ts";
import { fields } from "./table.ts";
import { bothTimes } from "./time.ts";
import { indent, visibleJson, visibleLine } from "./visible.ts";
import { inWords } from "./words.ts";

/** Everything a person needs to decide, nothing shortened: what is not shown cannot be approved. */
export function approvalLines(approval: Approval, run: Run, now: Date, paint: Paint): string[] {
  const { action } = approval;
  const harm = action.harm.length === 0 ? "none" : action.harm.join(", ");
  return [
    `${paint("bold", titleOf(approval))} ${approval.id}`,
    ...fields([
      ["summary", approval.summary],
      ["tool", `${action.tool} ${action.tool_version} (effect ${action.effect}, harm ${harm})`],
      ["manifest", action.manifest_digest],
      ["agent", `${run.agent} with ${run.model}`],
      ["run", approval.run_id],
      ["state", inWords(approval.status)],
      ["asked", bothTimes(approval.requested_at, now)],
      ["expires", bothTimes(approval.expires_at, now)],
      ["digest", approval.action_digest],
      ...approval.decision.reasons.map((reason) => ["because", `${reason.detail} (${reason.code})`] as const),
      ...requirementFields(approval),
      ...(approval.comment === null ? [] : [["comment", approval.comment] as const]),
    ]),
    paint("bold", "Arguments, exactly"),
    indent(visibleJson(action.arguments, 2), "  "),
    ...originLines(approval, paint),
    ...(approval.edited_arguments === null
      ? []
      : [
          paint("bold", "Arguments as edited, exactly"),
          indent(visibleJson(approval.edited_arguments, 2), "  "),
        ]),
    ...adviceLines(approval, paint),
    ...(approval.preview === null
      ? ["The tool cannot show beforehand what would change."]
      : [
          paint("bold", "What would change, exactly"),
          indent(approval.preview === "" ? "(nothing)" : paintDiff(approval.preview, paint), "  "),
        ]),
  ];
}

/** Who chose each value, in words: an approver must not have to guess what a stranger's text put there. */
function originLines({ labels }: Approval, paint: Paint): string[] {
  const entries = Object.entries(labels);
  if (entries.length === 0) return [];
  return [
    paint("bold", "Where they come from"),
    ...fields(
      entries.map(([pointer, { origin, sources }]) => {
        const places = [...new Set(sources.map(({ source }) => source))].join(", ");
        const words = { trusted: "the requester", untrusted: "UNTRUSTED TEXT", model: "the model" }[origin];
        return [pointer, places === "" ? words : `${words} (${places})`] as const;
      }),
    ),
  ];
}

/** Earlier answers are evidence about past decisions, no standing authority. */
function adviceLines({ advice }: Approval, paint: Paint): string[] {
  if (advice.length === 0) return [];
  return [
    paint("bold", "Answered before, as advice only"),
    ...fields(
      advice.flatMap(({ decision, decided_by, explanation, comparison }) => [
        [visibleLine(decision), `${decided_by ?? "somebody"}: ${explanation}`] as const,
        ...(comparison === undefined ? [] : comparedFields(comparison)),
      ]),
    ),
  ];
}

function comparedFields(comparison: Comparison): (readonly [string, string])[] {
  return [
    ...(comparison.revoked_at === null ? [] : [["", `taken back on ${comparison.revoked_at}`] as const]),
    ...(comparison.rationale === "" ? [] : [["", `they said: ${comparison.rationale}`] as const]),
    ["", `what differs: ${comparison.differs}`],
    ...comparison.arguments.flatMap(({ pointer, difference, value, is_text: isText }) =>
      value === null || (difference !== "value" && difference !== "left_out")
        ? []
        : [["", `  ${pointer} was ${isText ? JSON.stringify(value) : value}`] as const],
    ),
  ];
}

function requirementFields({ requirement, votes }: Approval): (readonly [string, string])[] {
  const { approvers, quorum, separate_duties } = requirement;
  return [
    ...(quorum > 1 ? [["wants", `${quorum} different people; ${votes} so far`] as const] : []),
    ...(approvers === null ? [] : [["of", approvers.join(", ")] as const]),
    ...(separate_duties ? [["not", "whoever asked for the run"] as const] : []),
  ];
}

function titleOf(approval: Approval): string {
  if (isAboutLostCopy(approval)) return "Copy lost";
  return approval.subject === "in_doubt" ? "Outcome unknown" : "Approval";
}

/** The call is known to have happened; what it did in the run's copy of its workspace is gone. */
export const isAboutLostCopy = ({ decision }: Approval): boolean =>
  decision.reasons.some(({ code }) => code === "workspace_not_restored");

/** What each answer to an approval means; for a call in doubt it is not what the words suggest. */
export function answerLines(approval: Approval, command: string): string[] {
  if (isAboutLostCopy(approval))
    return [
      "The run's copy of its workspace is lost, and this call is not made again by itself. How is the run to go on?",
      `  make it again, on a fresh copy   ${command} approve ${approval.id}`,
      `  go on without what it did        ${command} confirm ${approval.id} --comment "why"`,
      `  end the run                      ${command} deny ${approval.id} --reason "why"`,
    ];
  if (approval.subject === "in_doubt")
    return [
      "The call was made and a crash hid its outcome. What do you know of it?",
      `  it did not happen, try again   ${command} approve ${approval.id}`,
      `  it did happen                  ${command} confirm ${approval.id} --comment "what is known"`,
      `  give it up                     ${command} deny ${approval.id} --reason "why"`,
    ];
  return [
    `  approve  ${command} approve ${approval.id} --yes`,
    `  deny     ${command} deny ${approval.id} --reason "why"`,
  ];
}

export function decidedLine(approval: Approval): string {
  const who = approval.decided_by === null ? "" : ` by ${approval.decided_by.name}`;
  return visibleLine(`Approval ${approval.id}: ${inWords(approval.status)}${who}.`);
}
