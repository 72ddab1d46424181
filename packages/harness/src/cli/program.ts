// The command line's grammar. It only says what there is; commands/ does it.

import type { DocumentId, RunId } from "@assent/contract";
import { Command, Option } from "commander";
import { WORKER_RUNS_MAX } from "../base/limits.ts";
import { ok } from "../base/result.ts";
import {
  collectLabels,
  collectRunIds,
  collectStates,
  type GateId,
  parseGateId,
  parseDocumentId,
  parseIdempotencyKey,
  parseDays,
  parseLimit,
  parsePort,
  parseRunId,
  parseRunsAtOnce,
  parseStep,
} from "./argument.ts";
import { addAudit } from "./audit-grammar.ts";
import { approve, type ApproveFlags, confirm, deny, type DenyFlags } from "./commands/approve.ts";
import { type ArtifactFlags, showArtifacts } from "./commands/artifacts.ts";
import { demo, type DemoFlags } from "./commands/demo.ts";
import { type DeadLetterFlags, listDeadLetters, redrive, type RedriveFlags } from "./commands/dlq.ts";
import {
  addDocument,
  type AddDocumentFlags,
  listDocuments,
  removeDocument,
  searchDocuments,
} from "./commands/documents.ts";
import type { PageFlags } from "../client/client.ts";
import { addSpending } from "./program-spending.ts";
import {
  authorize,
  checkPolicies,
  type DiffFlags,
  diffPolicies,
  explainDecision,
  type PolicySetFlags,
  showPolicies,
  testPolicies,
  type TrialFlags,
  tryPolicies,
} from "./commands/policy.ts";
import { type RunFlags, runTask } from "./commands/run.ts";
import { cancelRun, listRuns, type RunsFlags, showRun } from "./commands/runs.ts";
import { server, up, type UpFlags, worker, type WorkerFlags } from "./commands/up.ts";
import { watchRun } from "./commands/watch.ts";
import { DEFAULT_URL } from "./connection.ts";
import { DEFAULT_HOME, type Perform } from "./context.ts";
import { addEscalations, addPrecedents, addQuality, addRetention } from "./program-memory.ts";
import { addMcp } from "./program-mcp.ts";
import { addPlan } from "./program-plan.ts";
import { EXAMPLES, EXIT_CODES_TOPIC, JSON_TOPIC } from "./help.ts";
import { addKeys } from "./program-keys.ts";
import { addSigningKeys } from "./program-signing-keys.ts";
import { addWebhooks } from "./program-webhooks.ts";
import type { Io } from "./world.ts";

export function createProgram(perform: Perform, io: Io, version: string): Command {
  const program = new Command("assent")
    .description("Runs AI agents that act only with assent: by policy, by precedent, or by a person.")
    .version(version, "-V, --version")
    .option("--url <url>", `the server (else ASSENT_URL, the home's credentials.json, ${DEFAULT_URL})`)
    .option("--token <key>", "the key to show it; ASSENT_TOKEN keeps it out of process listings")
    .option("--home <folder>", "where a server of this machine keeps everything", DEFAULT_HOME)
    .option("--json", "JSON on standard output, see `assent help json`")
    .option("--no-color", "plain text; so does NO_COLOR")
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      // Said at the end of parsing, in the form of every other error.
      outputError: () => undefined,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText("after", EXAMPLES);
  addServing(program, perform);
  addRuns(program, perform);
  addDeadLetters(program, perform);
  addDecisions(program, perform);
  addEvidence(program, perform);
  addPrecedents(program, perform);
  addEscalations(program, perform);
  addQuality(program, perform);
  addRetention(program, perform);
  addPolicy(program, perform);
  addDocuments(program, perform);
  addSpending(program, perform);
  addMcp(program, perform);
  addPlan(program, perform);
  addKeys(program, perform);
  addSigningKeys(program, perform);
  addWebhooks(program, perform);
  addTopics(program, perform);
  return program;
}

function addServing(program: Command, perform: Perform): void {
  const config = ["--config <file>", "agents, workspaces and models, where not the default"] as const;
  const model = ["--model <provider/model>", "the model that agents use"] as const;
  program
    .command("up")
    .description("start Assent here and serve until Ctrl-C")
    .option("--port <port>", "0 for any free one", parsePort, 4200)
    .option("--host <address>", "where to listen", "127.0.0.1")
    .option(...config)
    .option(...model)
    .option("--demo", "at the first start, run the demo task up to its gate")
    .action(async (flags: UpFlags) => await perform(async (context) => await up(context, flags)));
  program
    .command("server")
    .description("the API alone: workers on the same database do the work (docs/fleet.md)")
    .option("--port <port>", "0 for any free one", parsePort, 4200)
    .option("--host <address>", "where to listen", "127.0.0.1")
    .option(...config)
    .option(...model)
    .action(async (flags: UpFlags) => await perform(async (context) => await server(context, flags)));
  program
    .command("worker")
    .description("a worker alone: as many as there is work for, on as many machines")
    .option(
      "--runs <count>",
      "runs that it advances at the same time, 1 to 64",
      parseRunsAtOnce,
      WORKER_RUNS_MAX,
    )
    .option(...config)
    .option(...model)
    .action(async (flags: WorkerFlags) => await perform(async (context) => await worker(context, flags)));
  program
    .command("demo")
    .description("do the whole job once, unattended: a run, a gate, a decision, artifacts, audit trail")
    .option(...config)
    .option(...model)
    .action(async (flags: DemoFlags) => await perform(async (context) => await demo(context, flags)));
}

function addRuns(program: Command, perform: Perform): void {
  program
    .command("run")
    .description("give an agent a task")
    .argument("<agent>", "for example maintainer")
    .argument("<task...>", "what is to be done")
    .option("--workspace <name>", "the workspace that the run gets a private copy of")
    .option("--model <provider/model>", "one of the models that the agent may use")
    .option("--label <name=value>", "a mark to find the run by; may be repeated", collectLabels)
    .option("--key <idempotency-key>", "the same key and task again give the same run", parseIdempotencyKey)
    .option("--wait", "follow it until it ends or comes to a gate")
    .action(
      async (agent: string, task: string[], flags: RunFlags) =>
        await perform(async (context) => await runTask(context, agent, task, flags)),
    );
  program
    .command("runs")
    .description("list runs, newest first")
    .option("--status <state>", "only in this state; may be repeated", collectStates)
    .option("--agent <agent>", "only of this agent")
    .option("--label <name=value>", "only with this label", collectLabels)
    .option("--limit <n>", "at most so many", parseLimit)
    .option("--cursor <cursor>", "go on where a list ended")
    .action(async (flags: RunsFlags) => await perform(async (context) => await listRuns(context, flags)));
  program
    .command("show")
    .description("show a run with its steps, approvals and artifacts")
    .argument("<run>", "its id", parseRunId)
    .action(async (id: RunId) => await perform(async (context) => await showRun(context, id)));
  program
    .command("watch")
    .description("follow a run's events until it ends")
    .argument("<run>", "its id", parseRunId)
    .action(async (id: RunId) => await perform(async (context) => await watchRun(context, id)));
  program
    .command("cancel")
    .description("call a run off")
    .argument("<run>", "its id", parseRunId)
    .action(async (id: RunId) => await perform(async (context) => await cancelRun(context, id)));
}

function addDeadLetters(program: Command, perform: Perform): void {
  const dlq = program
    .command("dlq")
    .description("runs whose attempts are exhausted, and how to redrive them");
  const agent = ["--agent <agent>", "only of this agent"] as const;
  const label = ["--label <name=value>", "only with this label", collectLabels] as const;
  dlq
    .command("list")
    .description("list dead letters, newest first, with what they died of")
    .option(...agent)
    .option(...label)
    .option("--limit <n>", "at most so many", parseLimit)
    .option("--cursor <cursor>", "go on where a list ended")
    .action(
      async (flags: DeadLetterFlags) =>
        await perform(async (context) => await listDeadLetters(context, flags)),
    );
  dlq
    .command("show")
    .description("show a dead letter with its whole history")
    .argument("<run>", "its id", parseRunId)
    .action(async (id: RunId) => await perform(async (context) => await showRun(context, id)));
  dlq
    .command("redrive")
    .description("make a new run of each, judged anew; the dead letter stays as it is")
    .argument("[run...]", "their ids; or none, and a filter", collectRunIds)
    .option("--all", "all there are")
    .option(...agent)
    .option(...label)
    .option("--reason <text>", "only with this in their reason")
    .option("--repeat-effects", "also where what it did stands and may happen again: you have looked")
    .action(
      async (ids: readonly RunId[] | undefined, flags: RedriveFlags) =>
        await perform(async (context) => await redrive(context, ids ?? [], flags)),
    );
}

function addDecisions(program: Command, perform: Perform): void {
  const gate = ["<approval>", "its id, or that of a run with one open approval", parseGateId] as const;
  program
    .command("approve")
    .description("show exactly what waits, ask, and approve it")
    .argument(...gate)
    .option("--args <file>", "approve with these arguments (JSON) in place of the agent's; - reads input")
    .option("--comment <text>", "for the record")
    .option("--remember", "give this answer again, without asking, to exactly this question, for 90 days")
    .option("--remember-days <n>", "the same, for so many days", parseDays)
    .option("--yes", "do not ask; needed where there is no terminal")
    .action(
      async (id: GateId, flags: ApproveFlags) =>
        await perform(async (context) => await approve(context, id, flags)),
    );
  program
    .command("deny")
    .description("refuse what waits; the agent is told the reason")
    .argument(...gate)
    .requiredOption("--reason <text>", "why")
    .option("--remember", "refuse exactly this, without asking, for 90 days")
    .option("--remember-days <n>", "the same, for so many days", parseDays)
    .action(
      async (id: GateId, flags: DenyFlags) =>
        await perform(async (context) => await deny(context, id, flags)),
    );
  program
    .command("confirm")
    .description("for a call whose outcome is unknown: it did happen")
    .argument(...gate)
    .requiredOption("--comment <text>", "what is known of its outcome")
    .option("--yes", "do not ask; needed where there is no terminal")
    .action(
      async (id: GateId, flags: { comment: string; yes?: boolean }) =>
        await perform(async (context) => await confirm(context, id, flags)),
    );
}

function addEvidence(program: Command, perform: Perform): void {
  program
    .command("artifacts")
    .description("list a run's artifacts, or download and verify them")
    .argument("<run>", "its id", parseRunId)
    .option("--out <folder>", "download into this folder")
    .option("--force", "overwrite files that are there")
    .action(
      async (id: RunId, flags: ArtifactFlags) =>
        await perform(async (context) => await showArtifacts(context, id, flags)),
    );
  addAudit(program, perform);
}

function addPolicy(program: Command, perform: Perform): void {
  const policy = program.command("policy").description("the rules: check, test and compare them");
  const shipped = new Option("--set <name>", "a set that comes with Assent, in place of a folder").choices([
    "default",
    "strict",
  ]);
  policy
    .command("loaded")
    .description("the rules that the server decides by, as it has loaded them")
    .action(async () => await perform(async (context) => await showPolicies(context)));
  policy
    .command("check")
    .description("validate a folder of rules against the schema")
    .argument("[folder]", "where the *.cedar files are")
    .addOption(shipped)
    .action(
      async (folder: string | undefined, flags: PolicySetFlags) =>
        await perform(async (context) => await checkPolicies(context, folder, flags)),
    );
  policy
    .command("test")
    .description("run the *.test.json files of a folder against its rules")
    .argument("[folder]", "where the *.cedar files are")
    .addOption(shipped)
    .action(
      async (folder: string | undefined, flags: PolicySetFlags) =>
        await perform(async (context) => await testPolicies(context, folder, flags)),
    );
  policy
    .command("explain")
    .description("say which rules decided a call of a run, and why")
    .argument("<run>", "its id", parseRunId)
    .argument("<step>", "the step's place in the run, from 1", parseStep)
    .action(
      async (run: RunId, step: number) =>
        await perform(async (context) => await explainDecision(context, run, step)),
    );
  policy
    .command("diff")
    .description("say what other rules would have decided")
    .argument("<folder>", "where the other *.cedar files are")
    .option("--days <n>", "over the last so many days", parseDays, 7)
    .option("--records <file>", "decision records as JSON lines, in place of the server's; - reads input")
    .action(
      async (folder: string, flags: DiffFlags) =>
        await perform(async (context) => await diffPolicies(context, folder, flags)),
    );
  policy
    .command("trial")
    .description("the same of one file's rules, worked out by the server within its limits")
    .argument("<file>", "the whole set in Cedar; - reads input")
    .option("--days <n>", "over the last so many days", parseDays, 7)
    .action(
      async (file: string, flags: TrialFlags) =>
        await perform(async (context) => await tryPolicies(context, file, flags)),
    );
  policy
    .command("authorize")
    .description("evaluate one request in Cedar's own terms")
    .argument("<file>", "policies, entities, schema and request as JSON; - reads input")
    .action(async (file: string) => await perform(async (context) => await authorize(context, file)));
}

function addDocuments(program: Command, perform: Perform): void {
  const documents = program.command("documents").description("what agents may search");
  documents
    .command("add")
    .description("add a text; agents find its passages from now on")
    .argument("<file>", "UTF-8 text or Markdown; - reads input")
    .option("--name <name>", "what people call it; else the file's name")
    .option("--source <text>", "where it was taken from")
    .action(
      async (file: string, flags: AddDocumentFlags) =>
        await perform(async (context) => await addDocument(context, file, flags)),
    );
  documents
    .command("list")
    .description("list documents, newest first")
    .option("--limit <n>", "at most so many", parseLimit)
    .option("--cursor <cursor>", "go on where a list ended")
    .action(
      async (flags: PageFlags) => await perform(async (context) => await listDocuments(context, flags)),
    );
  documents
    .command("search")
    .description("find passages, as the tool search_documents does")
    .argument("<words...>", "a question or some words")
    .option("--limit <n>", "at most so many", parseLimit)
    .action(
      async (words: string[], flags: { limit?: number }) =>
        await perform(async (context) => await searchDocuments(context, words, flags)),
    );
  documents
    .command("remove")
    .description("remove a document with all its passages")
    .argument("<document>", "its id", parseDocumentId)
    .action(async (id: DocumentId) => await perform(async (context) => await removeDocument(context, id)));
}

// `assent help <topic>` looks for a command of that name.
function addTopics(program: Command, perform: Perform): void {
  for (const [name, text] of [
    ["exit-codes", EXIT_CODES_TOPIC],
    ["json", JSON_TOPIC],
  ] as const) {
    program
      .command(name, { hidden: true })
      .configureHelp({ formatHelp: () => text })
      .action(
        async () =>
          await perform(async (context) => {
            context.io.out(text);
            return await Promise.resolve(ok("ok"));
          }),
      );
  }
}
