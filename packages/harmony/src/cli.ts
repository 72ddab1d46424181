// The command `harmony`. Here are only words: what was typed, what is printed, the exit code. What a command does is in
// commands.ts.

import { resolve as resolvePath } from "node:path";
import { Command, CommanderError } from "commander";
import { actorOf, type Acting } from "./acting.ts";
import { choice, count, findRoot, readInput, readText, share, wholeNumber } from "./cli-arguments.ts";
import * as commands from "./commands.ts";
import { COMPLETED_SHELLS, completionFor } from "./completion.ts";
import { registerMerge } from "./domains/merge/command.ts";
import { FsMergeWorkspace } from "./domains/merge/fs-workspace.ts";
import { openFsStore } from "./fs-store.ts";
import type { Act } from "./memory.ts";
import type { AgentProvenance } from "./provenance.ts";
import type { HarmonyStore } from "./store.ts";
import { findSwallowed } from "./swallowed-options.ts";
import { VERSION } from "./version.ts";
import { EscalationStatus, PolicyAction, PolicyScope, ResolutionStrategy } from "./vocabulary.ts";

/** All that the command knows of the world. */
export type CliContext = {
  readonly cwd: string;
  /** `HARMONY_AGENT`, `HARMONY_MODEL` and `HARMONY_AS` say who is acting. */
  readonly env: { readonly [name: string]: string | undefined };
  readonly now: () => Date;
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
};

type GlobalOptions = Acting & { readonly root?: string };
type Opened = {
  readonly root: string;
  readonly store: HarmonyStore;
  readonly actor: AgentProvenance;
  readonly notes: () => commands.DomainNotes;
};
type Run = (memory: Opened, act: Act) => Promise<commands.Output>;

const GC_DAYS_DEFAULT = 60;
const LIMIT_DEFAULT = 50;

class Program {
  readonly root: Command = new Command("harmony");
  readonly context: CliContext;
  exitCode: number = commands.EXIT.DONE;

  constructor(context: CliContext) {
    this.context = context;
  }

  open(): Opened {
    const options = this.root.opts<GlobalOptions>();
    const { cwd, env } = this.context;
    const root = options.root === undefined ? findRoot(cwd) : resolvePath(cwd, options.root);
    const notes = (): FsMergeWorkspace => new FsMergeWorkspace(root);
    return { root, store: openFsStore(root), actor: actorOf(options, env), notes };
  }

  /** Runs a command and prints what it says, one line of error or one JSON document. */
  async carryOut(name: string, json: boolean, run: Run): Promise<void> {
    const opened = this.open();
    const output = await run(opened, { at: this.context.now(), actor: opened.actor }).catch(commands.refusal);
    this.exitCode = output.exitCode;
    const failed = "error" in output.json;
    if (json) {
      const schema = `assent.harmony/${failed ? "error" : name}/v1`;
      this.context.writeOut(`${JSON.stringify({ schema, ...output.json }, null, 2)}\n`);
    } else if (failed) this.context.writeError(`harmony ${name}: ${output.lines.join(" ")}\n`);
    else this.context.writeOut(`${output.lines.join("\n")}\n`);
  }

  command(name: string, about: string): Command {
    return this.root.command(name).description(about).option("-j, --json", "print one JSON document");
  }
}

type Json = { readonly json?: boolean };

function registerPatterns(program: Program): void {
  const { cwd } = program.context;
  program
    .command("record", "remember a conflict between two files")
    .argument("<ours>")
    .argument("<theirs>")
    .argument("[base]")
    .option("--path <path>", "where it was met", "")
    .option("--domain <name>", "domain", "merge")
    .option("--scope <name>", "whose memory", "")
    .option("--type <type>", "conflict type")
    .action(
      async (ours: string, theirs: string, base: string | undefined, o: Json & commands.RecordOptions) => {
        await program.carryOut("record", o.json === true, async ({ store }, act) => {
          const files = [ours, theirs, ...(base === undefined ? [] : [base])];
          return await commands.record(
            store,
            files.map((file) => readInput(cwd, file)),
            o,
            act,
          );
        });
      },
    );
  program
    .command("list", "patterns, newest first")
    .option("--domain <name>")
    .option("--scope <name>")
    .option("--type <type>")
    .option("--limit <count>", "at most so many", count)
    .action(async ({ json, ...o }: Json & commands.ListOptions) => {
      await program.carryOut("list", json === true, async ({ store }) => await commands.list(store, o));
    });
  program
    .command("show", "one pattern, escalation or resolution")
    .argument("<id>")
    .action(async (id: string, o: Json) => {
      await program.carryOut("show", o.json === true, async ({ store }) => await commands.show(store, id));
    });
  program
    .command("best", "the best answer in force to a pattern")
    .argument("<pattern>")
    .action(async (id: string, o: Json) => {
      await program.carryOut("best", o.json === true, async ({ store }) => await commands.best(store, id));
    });
}

type ResolveOptions = Json & {
  readonly strategy?: string;
  readonly text?: string;
  readonly file?: string;
  readonly rationale?: string;
};

function registerAnswers(program: Program): void {
  const { cwd } = program.context;
  program
    .command("resolve", "answer an escalation or a pattern")
    .argument("<id>", "escalation or pattern")
    .addOption(choice("--strategy <strategy>", "what to do", ResolutionStrategy))
    .option("--text <text>", "the text that resolves it")
    .option("--file <file>", "the file with that text")
    .option("--rationale <why>", "why", "")
    .action(async (id: string, o: ResolveOptions) => {
      await program.carryOut("resolve", o.json === true, async ({ store }, act) => {
        const result = o.file === undefined ? o.text : readText(cwd, o.file);
        const strategy = o.strategy ?? (result === undefined ? undefined : ResolutionStrategy.TEXT);
        if (strategy === undefined) throw new commands.UsageError("say --strategy, --text or --file");
        const given = { strategy, rationale: o.rationale ?? "", ...(result === undefined ? {} : { result }) };
        return await commands.resolve(store, id, given, act);
      });
    });
  program
    .command("forget", "forget a pattern and its answers")
    .argument("<pattern>")
    .action(async (id: string, o: Json) => {
      await program.carryOut(
        "forget",
        o.json === true,
        async ({ store, notes }, act) => await commands.forget(store, id, act, notes),
      );
    });
  program
    .command("revoke", "take an answer out of force, and see what it had decided")
    .argument("<resolution>")
    .requiredOption("--reason <why>", "why")
    .action(async (id: string, o: Json & { readonly reason: string }) => {
      const run: Run = async ({ store }, act) => await commands.revoke(store, id, o.reason, act);
      await program.carryOut("revoke", o.json === true, run);
    });
  program
    .command("clear", "forget everything but the audit")
    .option("--yes", "yes, everything")
    .action(async (o: Json & { readonly yes?: boolean }) => {
      const run: Run = async ({ store, notes }, act) =>
        await commands.clear(store, o.yes === true, act, notes);
      await program.carryOut("clear", o.json === true, run);
    });
  program
    .command("gc", "forget patterns long unseen that were never answered")
    .option("--days <days>", "unseen for so many days", wholeNumber, GC_DAYS_DEFAULT)
    .action(async (o: Json & { readonly days: number }) => {
      await program.carryOut(
        "gc",
        o.json === true,
        async ({ store, notes }, act) => await commands.gc(store, o.days, act, notes),
      );
    });
}

function registerPolicies(program: Program): void {
  program
    .command("policy-add", "write down what is to be done")
    .addOption(choice("--scope <scope>", "tried in this order", PolicyScope).default(PolicyScope.REPO))
    .addOption(choice("--action <action>", "what to do", PolicyAction).makeOptionMandatory())
    .option("--path-glob <glob>", "only for these paths")
    .option("--domain <name>", "only in this domain")
    .option("--type <type>", "only for this conflict type")
    .option("--min-confidence <share>", "only with a precedent worth at least this, 0 to 1", share)
    .option("--priority <number>", "lower is tried first within the scope", wholeNumber)
    .option("--comment <why>", "why", "")
    .action(async ({ json, ...o }: Json & commands.PolicyOptions) => {
      const run: Run = async ({ store }, act) => await commands.policyAdd(store, o, act);
      await program.carryOut("policy-add", json === true, run);
    });
  program.command("policy-list", "policies in the order in which they are tried").action(async (o: Json) => {
    await program.carryOut(
      "policy-list",
      o.json === true,
      async ({ store }) => await commands.policyList(store),
    );
  });
  program
    .command("policy-remove", "remove a policy")
    .argument("<policy>")
    .action(async (id: string, o: Json) => {
      const run: Run = async ({ store }, act) => await commands.policyRemove(store, id, act);
      await program.carryOut("policy-remove", o.json === true, run);
    });
}

function registerEscalations(program: Program): void {
  program
    .command("escalations", "questions that wait for a person")
    .addOption(choice("--status <status>", "which", { ...EscalationStatus, ALL: "all" }).default("open"))
    .option("--limit <count>", "at most so many", count)
    .action(async ({ json, ...o }: Json & { readonly status: string; readonly limit?: number }) => {
      await program.carryOut(
        "escalations",
        json === true,
        async ({ store }) => await commands.listWaiting(store, o),
      );
    });
  program
    .command("escalate", "put a pattern before a person")
    .argument("<pattern>")
    .requiredOption("--reason <why>", "why")
    .action(async (id: string, o: Json & { readonly reason: string }) => {
      const run: Run = async ({ store }, act) => await commands.escalate(store, id, o.reason, act);
      await program.carryOut("escalate", o.json === true, run);
    });
  program
    .command("audit", "what happened, newest first")
    .option("--type <event>", "only this event")
    .option("--pattern <id>", "only of this pattern")
    .option("--limit <count>", "at most so many", count, LIMIT_DEFAULT)
    .action(async ({ json, ...o }: Json & commands.AuditOptions) => {
      await program.carryOut("audit", json === true, async ({ store }) => await commands.audit(store, o));
    });
  program.command("status", "what is remembered here").action(async (o: Json) => {
    await program.carryOut(
      "status",
      o.json === true,
      async ({ store, root }) => await commands.showStatus(store, root),
    );
  });
}

function registerCompletion(program: Program): void {
  program.root
    .command("completion")
    .description("print a completion script")
    .addArgument(program.root.createArgument("<shell>").choices([...COMPLETED_SHELLS]))
    .action((shell: string) => {
      const words = program.root.commands.map((command) => ({
        name: command.name(),
        about: command.description(),
        options: command.options.flatMap(({ long }) => long ?? []),
      }));
      program.context.writeOut(completionFor(shell, words) ?? "");
    });
}

function build(context: CliContext): Program {
  const program = new Program(context);
  const { writeOut, writeError } = context;
  program.root
    .description("Decision memory: what was decided once is not asked again.")
    .version(VERSION, "-V, --version")
    .option(
      "-C, --root <folder>",
      "the folder that holds .muse (default: nearest above, else the repository)",
    )
    .option("--as <name>", "the person who acts (else HARMONY_AS)")
    .option("--agent <id>", "the agent that acts (else HARMONY_AGENT)")
    .option("--model <id>", "the model that the agent speaks for (else HARMONY_MODEL)")
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 refused or undecided, 2 wrongly called, 3 no such record, 4 decided already",
    )
    .configureOutput({ writeOut, writeErr: writeError })
    .exitOverride();
  registerPatterns(program);
  registerAnswers(program);
  registerPolicies(program);
  registerEscalations(program);
  registerMerge(program.root, {
    open: () => program.open(),
    cwd: context.cwd,
    now: context.now,
    writeOut,
    writeError,
    setExitCode: (code) => {
      program.exitCode = code;
    },
  });
  registerCompletion(program);
  for (const command of program.root.commands)
    command.exitOverride().configureOutput({ writeOut, writeErr: writeError });
  return program;
}

const isJson = (word: string): boolean => word === "--json" || word === "-j";

/** Runs one command line (without the program's name) and returns its exit code. */
export async function runCli(words: readonly string[], context: CliContext): Promise<number> {
  const json = words.some(isJson);
  // Who asks for JSON gets one document and nothing else, also where the words themselves are wrong.
  const program = build(json ? { ...context, writeError: () => undefined } : context);
  const tell = (code: string, message: string): void => {
    if (json) {
      const document = { schema: "assent.harmony/error/v1", error: { code, message } };
      context.writeOut(`${JSON.stringify(document, null, 2)}\n`);
    } else if (code !== "usage") context.writeError(`harmony: ${message}\n`);
  };
  try {
    const swallowed = findSwallowed(program.root, words);
    if (swallowed !== null) program.root.error(`error: ${swallowed}`);
    await program.root.parseAsync(words.every(isJson) ? ["status", ...words] : [...words], { from: "user" });
    return program.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return commands.EXIT.DONE;
      // Commander has told it, on the error stream.
      tell("usage", error.message.replace(/^error: /, ""));
      return commands.EXIT.USAGE;
    }
    tell("failure", error instanceof Error ? error.message : String(error));
    return commands.EXIT.REFUSED;
  }
}
