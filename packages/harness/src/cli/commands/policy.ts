// Rules before they are used, and decisions after they were made. Rules are judged here, by the very code that the
// server decides with; only what happened is asked of the server.

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Decision, RunId } from "@assent/contract";
import { z } from "zod";
import { err, ok, type Result } from "../../base/result.ts";
import { type DecisionRecord, decisionRecordSchema } from "../../core/decide/decision-record.ts";
import { policyCasesSchema, runPolicyCase } from "../../core/decide/policy-case.ts";
import { diffDecisions, type PolicyDiff } from "../../core/decide/policy-diff.ts";
import type { Policies, PolicyRefusal } from "../../core/decide/policy-point.ts";
import type { Context, Outcome } from "../context.ts";
import { type Failure, failureOfClient, usageFailure } from "../failure.ts";
import { table } from "../output/table.ts";
import { visibleJson, visibleLine } from "../output/visible.ts";

export type PolicySetFlags = { readonly set?: "default" | "strict" };
export type TrialFlags = { readonly days: number };
export type DiffFlags = { readonly days: number; readonly records?: string };

type Opened = { readonly folder: string; readonly policies: Policies };

/** Whether a set would be loaded. Exit 1 where not, with the file and the place. */
export async function checkPolicies(
  context: Context,
  folder: string | undefined,
  flags: PolicySetFlags,
): Outcome {
  const opened = await openFolder(context, folder, flags);
  if (!opened.ok) return showRefusal(context, opened.error);
  const { policies } = opened.value;
  context.show({ loads: true, version: policies.version, rules: policies.rules }, () => [
    ...table(
      ["RULE", "EFFECT", "WHY"],
      policies.rules.map(({ id, effect, assent, description }) => [
        id,
        assent === null ? effect : "forbid unless approved",
        description ?? "",
      ]),
    ),
    `${policies.rules.length} rules load; their version is ${policies.version}.`,
  ]);
  return ok("ok");
}

/** Runs every `*.test.json` of the folder against its rules. */
export async function testPolicies(
  context: Context,
  folder: string | undefined,
  flags: PolicySetFlags,
): Outcome {
  const opened = await openFolder(context, folder, flags);
  if (!opened.ok) return showRefusal(context, opened.error);
  const read = readCases(opened.value.folder);
  if (!read.ok) return read;
  const results = read.value.map(({ file, test }) => ({
    file,
    name: test.name,
    fault: runPolicyCase(opened.value.policies, test),
  }));
  const failures = results.filter(({ fault }) => fault !== null);
  context.show({ version: opened.value.policies.version, cases: results.length, failures }, () => [
    ...failures.map(({ file, name, fault }) => visibleLine(`FAILED ${file}: ${name}: ${fault ?? ""}`)),
    `${results.length - failures.length} of ${results.length} cases hold.`,
  ]);
  return ok(failures.length === 0 ? "ok" : "failed");
}

/** What the server decides by. */
export async function showPolicies(context: Context): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const loaded = await client.value.getPolicies();
  if (!loaded.ok) return err(failureOfClient(loaded.error));
  const { version, rules } = loaded.value;
  context.show(loaded.value, () => [
    ...table(
      ["RULE", "EFFECT", "SAYS"],
      rules.map(({ id, effect, description, asks }) => [
        id,
        asks === null ? effect : `asks ${asks.quorum === 1 ? "a person" : `${asks.quorum} people`}`,
        description ?? "",
      ]),
    ),
    `Version ${version}; \`--json\` has their text.`,
  ]);
  return ok("ok");
}

/** Which rules decided one step of a run, as it was journaled. */
export async function explainDecision(context: Context, run: RunId, seq: number): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const found = await client.value.getRun(run);
  if (!found.ok) return err(failureOfClient(found.error));
  const step = found.value.steps.find((one) => one.seq === seq);
  if (step === undefined)
    return err(
      usageFailure("step_unknown", `${run} has no step ${seq}`, "List its steps with `assent show`."),
    );
  if (step.decision === null)
    return err(
      usageFailure(
        "step_undecided",
        `step ${seq} of ${run} is a ${step.kind} step: no rule decides on it`,
        "Name a tool step; `assent show` lists them.",
      ),
    );
  const { decision } = step;
  // A gate has no arguments of its own: those that people were asked about.
  const asked = found.value.approvals.find((approval) => approval.step === seq)?.action.arguments;
  const args = step.arguments ?? asked;
  const record = { run_id: run, step: seq, tool: step.name, arguments: args, decision };
  context.show(record, () => explanationLines(step.name, decision, args));
  return ok("ok");
}

/** What another set would have decided over the last days. */
export async function diffPolicies(context: Context, folder: string, flags: DiffFlags): Outcome {
  const opened = await openFolder(context, folder, {});
  if (!opened.ok) return showRefusal(context, opened.error);
  const since = new Date(context.deps.clock.now().getTime() - flags.days * DAY_MS);
  const records =
    flags.records === undefined
      ? await recordsOfServer(context, since)
      : await recordsOfFile(context, flags.records, since);
  if (!records.ok) return records;
  const diff = diffDecisions(records.value, opened.value.policies);
  context.show({ ...diff, since: since.toISOString() }, () => diffLines(diff, flags.days));
  return ok("ok");
}

/** The same, worked out by the server, which says where it stopped. Exit 1 where the rules would not load. */
export async function tryPolicies(context: Context, file: string, { days }: TrialFlags): Outcome {
  const text = await readInput(context, file);
  if (!text.ok) return text;
  const client = await context.openClient();
  if (!client.ok) return client;
  const tried = await client.value.tryPolicies({ text: text.value, days });
  if (!tried.ok) return err(failureOfClient(tried.error));
  const trial = tried.value;
  if (!trial.loads) {
    const { line, column, detail, code } = trial.fault;
    const place = line === null ? file : `${file}:${line}:${column ?? 1}`;
    context.show(trial, () => [visibleLine(`${place}: ${detail} (${code})`)]);
    return ok("failed");
  }
  const { other_reasons: otherReasons, changes_more: more } = trial;
  const changes = trial.changes.map(({ run_id: run, ...change }) => ({ ...change, run }));
  context.show(trial, () => [
    ...diffLines({ ...trial, otherReasons, changes }, days, changes.length + more),
    ...(more === 0 ? [] : [`${more} of these are not listed.`]),
    ...(trial.complete ? [] : ["There are more decisions than one trial judges: these were the newest."]),
    "Nothing was changed: rules are loaded from files, by `policies` of the configuration.",
  ]);
  return ok("ok");
}

/** One request in Cedar's own terms, from a file: for the language itself, not for the harness's rules. */
export async function authorize(context: Context, file: string): Outcome {
  const text = await readInput(context, file);
  if (!text.ok) return text;
  const { evaluateCedar, parseCedarRequest } = await import("../../adapters/cedar/evaluate.ts");
  const request = parseCedarRequest(text.value);
  if (!request.ok)
    return err(
      usageFailure(
        "request_invalid",
        `${file} is no Cedar request: ${request.error}`,
        "See docs/policies.md.",
      ),
    );
  const outcome = evaluateCedar(request.value);
  context.show(outcome, () => [visibleJson(outcome, 2)]);
  return ok(outcome.decision === "allow" ? "ok" : "failed");
}

const DAY_MS = 86_400_000;

async function openFolder(
  context: Context,
  folder: string | undefined,
  flags: PolicySetFlags,
): Promise<Result<Opened, PolicyRefusal>> {
  // Loaded only here: the other commands need no Cedar.
  const { openCedarPolicies } = await import("../../adapters/cedar/policies.ts");
  const { shippedPolicyFolder } = await import("../../adapters/cedar/policy-folder.ts");
  const path =
    folder === undefined ? shippedPolicyFolder(flags.set ?? "default") : resolve(context.deps.cwd, folder);
  const policies = openCedarPolicies({ folder: path });
  return policies.ok ? ok({ folder: path, policies: policies.value }) : policies;
}

function showRefusal(context: Context, refusal: PolicyRefusal): Result<"failed", never> {
  const { file, line, column, detail, code } = refusal;
  const place = line === null ? file : `${file}:${line}:${column ?? 1}`;
  context.show({ loads: false, refusal }, () => [visibleLine(`${place}: ${detail} (${code})`)]);
  return ok("failed");
}

type FiledCase = {
  readonly file: string;
  readonly test: z.infer<typeof policyCasesSchema>["cases"][number];
};

function readCases(folder: string): Result<FiledCase[], Failure> {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".test.json"))
    .toSorted();
  const cases: FiledCase[] = [];
  for (const file of files) {
    const parsed = parseWith(policyCasesSchema, readFileSync(join(folder, file), "utf8"));
    if (!parsed.ok)
      return err(usageFailure("cases_invalid", `${file}: ${parsed.error}`, "See docs/policies.md."));
    cases.push(...parsed.value.cases.map((test) => ({ file, test })));
  }
  // A set without tests must not look like one whose tests hold.
  if (cases.length === 0)
    return err(
      usageFailure("cases_missing", `there is no *.test.json in ${folder}`, "See docs/policies.md."),
    );
  return ok(cases);
}

function explanationLines(tool: string, decision: Decision, args: unknown): string[] {
  return [
    visibleLine(`${tool}: ${decision.verdict.replace("_", " ")}`),
    ...decision.reasons.map(({ code, policy, detail }) =>
      visibleLine(`  ${policy ?? "(no rule)"}: ${detail} (${code})`),
    ),
    ...(args === undefined ? [] : ["Arguments", visibleJson(args, 2)]),
  ];
}

function diffLines(diff: PolicyDiff, days: number, others = diff.changes.length): string[] {
  return [
    ...(diff.changes.length === 0
      ? []
      : table(
          ["RUN", "STEP", "TOOL", "WAS", "WOULD BE"],
          diff.changes.map(({ run, step, tool, before, after }) => [
            run,
            String(step),
            tool,
            `${before.verdict} (${before.policies.join(", ")})`,
            `${after.verdict} (${after.policies.join(", ")})`,
          ]),
        )),
    `${diff.judged} decisions of the last ${days} days: ${others} would be others, ` +
      `${diff.otherReasons} the same for other reasons, ${diff.unchanged} unchanged.`,
  ];
}

async function recordsOfServer(context: Context, since: Date): Promise<Result<DecisionRecord[], Failure>> {
  const client = await context.openClient();
  if (!client.ok) return client;
  const records: DecisionRecord[] = [];
  let cursor: string | null = null;
  do {
    const page = await client.value.listDecisions(since, cursor);
    if (!page.ok) return err(failureOfClient(page.error));
    for (const item of page.value.data) {
      const record = decisionRecordSchema.safeParse(item);
      if (!record.success) return err(notARecord("the server", records.length + 1, record.error));
      records.push(record.data);
    }
    cursor = page.value.next_cursor;
  } while (cursor !== null);
  return ok(records);
}

async function recordsOfFile(
  context: Context,
  file: string,
  since: Date,
): Promise<Result<DecisionRecord[], Failure>> {
  const text = await readInput(context, file);
  if (!text.ok) return text;
  const records: DecisionRecord[] = [];
  for (const [index, line] of text.value.split("\n").entries()) {
    if (line.trim() === "") continue;
    const record = parseWith(decisionRecordSchema, line);
    if (!record.ok)
      return err(
        usageFailure(
          "record_invalid",
          `line ${index + 1} of ${file} is no decision record: ${record.error}`,
          "Give JSON lines, one record each.",
        ),
      );
    if (new Date(record.value.at) >= since) records.push(record.value);
  }
  return ok(records);
}

function notARecord(source: string, place: number, error: z.ZodError): Failure {
  return {
    exit: "unreachable",
    code: "answer_unexpected",
    detail: `record ${place} of ${source} is no decision record: ${sentenceOf(error)}`,
    remedy: "Check that server and command line are of the same version.",
  };
}

async function readInput(context: Context, file: string): Promise<Result<string, Failure>> {
  if (file === "-") return ok(await context.io.readInput());
  try {
    return ok(readFileSync(resolve(context.deps.cwd, file), "utf8"));
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return err(
      usageFailure("file_unreadable", detail, "Name a file that can be read, or - for standard input."),
    );
  }
}

function parseWith<T>(schema: z.ZodType<T>, text: string): Result<T, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? ok(parsed.data) : err(sentenceOf(parsed.error));
}

function sentenceOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.map(String).join(".")}: ${message}`).join("; ");
}
