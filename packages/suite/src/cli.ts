// assent-suite: proves any harness that speaks the three endpoints.

import { writeFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { parseBody, parsePort, parseReadable, parseUrl, parseUrls, parseWritable } from "./arguments.ts";
import { CAPABILITIES } from "./capability.ts";
import { SCENARIOS } from "./catalogue.ts";
import { addDrillCommand } from "./drills/drill-command.ts";
import type { Trial } from "./evidence.ts";
import { type Observed, observe } from "./foreign-observation.ts";
import type { NotOffered } from "./offered.ts";
import { EXIT, type Refusal, refusalOf, refusalOfPort } from "./preflight.ts";
import { isOfProfile, type Profile, PROFILE_NAMES, PROFILES } from "./profiles.ts";
import { isReportKind, type ReportKind, REPORTS } from "./reports/reports.ts";
import { closingLine, failureReport, trialLine } from "./reports/summary.ts";
import { runTrials } from "./runner.ts";
import { PACE, type Scenario } from "./scenario.ts";
import { SECURITY_SET } from "./security-set.ts";
import { foreignTarget, type ObservationBench, type Role, SPOKEN, type Spoken } from "./target.ts";
import { VERSION } from "./version.ts";

const SEED_MAX = 2 ** 31;

type Options = {
  readonly token?: string;
  readonly approverToken?: string;
  readonly otherToken?: string;
  readonly otherTenantToken?: string;
  readonly auditorToken?: string;
  readonly adminToken?: string;
  readonly otherTenantAdminToken?: string;
  readonly otherTenantAuditorToken?: string;
  readonly also: readonly string[];
  readonly runBody: unknown;
  readonly only: readonly string[];
  readonly profile?: Profile;
  readonly tier?: number;
  readonly seed: number;
  readonly without: readonly Spoken[];
  readonly waitSeconds: number;
  readonly holdSeconds: number;
  readonly report: readonly { readonly kind: ReportKind; readonly file: string }[];
  readonly observe: Observed;
  readonly requireComplete: boolean;
};

/** Whose key each option gives. */
const keysOf = (options: Options): { readonly [role in Role]?: string | undefined } => ({
  requester: options.token,
  approver: options.approverToken ?? options.token,
  other_principal: options.otherToken,
  other_tenant: options.otherTenantToken,
  auditor: options.auditorToken,
  admin: options.adminToken,
  other_admin: options.otherTenantAdminToken,
  other_auditor: options.otherTenantAuditorToken,
});

const print = (text: string): void => {
  console.log(text);
};

function parseNumber(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

function parseTier(text: string): number {
  if (!/^[0-3]$/.test(text)) throw new InvalidArgumentError("It must be 0, 1, 2 or 3.");
  return Number(text);
}

function parseReport(text: string, before: Options["report"] = []): Options["report"] {
  const [, kind = "", file] = /^(\w+)=(.+)$/.exec(text) ?? [];
  if (!isReportKind(kind) || file === undefined)
    throw new InvalidArgumentError(`It must be one of ${Object.keys(REPORTS).join(", ")}, =, and a file.`);
  return [...before, { kind, file: parseWritable(file) }];
}

const UNOBSERVED: Observed = { otlpPort: null, metrics: [], logFile: null };

function parseObserve(text: string, before: Observed = UNOBSERVED): Observed {
  const [, what, value = ""] = /^(otlp|metrics|log)=(.+)$/.exec(text) ?? [];
  if (what === "log") return { ...before, logFile: parseReadable(value) };
  if (what === "metrics") return { ...before, metrics: [...before.metrics, parseUrl(value)] };
  if (what !== "otlp") throw new InvalidArgumentError("It must be otlp=<port>, metrics=<url> or log=<file>.");
  return { ...before, otlpPort: parsePort(value) };
}

function parseWithout(text: string): Spoken[] {
  return text.split(",").map((name) => {
    const spoken = SPOKEN.find((known) => known === name);
    if (spoken === undefined) throw new InvalidArgumentError(`It must be of: ${SPOKEN.join(", ")}.`);
    return spoken;
  });
}

function parseOnly(text: string, before: readonly string[] = []): string[] {
  if (!SCENARIOS.some(({ id }) => id === text))
    throw new InvalidArgumentError(`There is no such scenario; see assent-suite list.`);
  return [...before, text];
}

function exitCode(trials: readonly Trial[], requireComplete: boolean): number {
  const has = (...verdicts: readonly string[]): boolean =>
    trials.some(({ verdict }) => verdicts.includes(verdict));
  if (has("FAIL", "ERROR")) return EXIT.failed;
  // A report in which nothing passed has shown nothing.
  if (has("INCONCLUSIVE") || !has("PASS")) return EXIT.incomplete;
  const partly = trials.some(({ parts }) => parts.some(({ lacks }) => lacks.length > 0));
  return requireComplete && (has("SKIP") || partly) ? EXIT.incomplete : EXIT.ok;
}

/** A set says which tiers it is of; without one, those of a pull request. */
const tierOf = ({ tier, profile }: Options): number => tier ?? (profile === undefined ? 1 : 3);

/** Takes in what the harness tells of itself, until it is disposed of; null where it tells nothing. */
async function watch({
  observe: observed,
  auditorToken,
  token,
}: Options): Promise<(AsyncDisposable & { readonly bench: ObservationBench }) | Refusal | null> {
  if (observed.otlpPort === null && observed.metrics.length === 0 && observed.logFile === null) return null;
  try {
    const { bench, stop } = await observe(observed, auditorToken ?? token ?? null);
    return { bench, [Symbol.asyncDispose]: stop };
  } catch (error) {
    return refusalOfPort(error, `--observe otlp=${observed.otlpPort}`);
  }
}

function refuse({ exit, message }: Refusal): number {
  console.error(`assent-suite: ${message}`);
  return exit;
}

async function prove(url: string, options: Options): Promise<number> {
  const urls = [url, ...options.also];
  const { token, approverToken, otherToken, otherTenantToken, auditorToken, without } = options;
  const { adminToken, otherTenantAdminToken, otherTenantAuditorToken } = options;
  const missing: NotOffered[] = [];
  const refused = await refusalOf({
    urls,
    lacks: (found) => {
      if (!without.includes(found.capability)) missing.push(found);
    },
    keys: {
      "--token": token,
      "--approver-token": approverToken,
      "--other-token": otherToken,
      "--other-tenant-token": otherTenantToken,
      "--auditor-token": auditorToken,
      "--admin-token": adminToken,
      "--other-tenant-admin-token": otherTenantAdminToken,
      "--other-tenant-auditor-token": otherTenantAuditorToken,
    },
    requester: without.includes("submit") ? null : (token ?? null),
    runBody: options.runBody,
    cancels: !without.includes("cancel"),
    metrics: options.observe.metrics,
    metricsKey: auditorToken ?? token ?? null,
  });
  if (refused !== null) return refuse(refused);
  const watching = await watch(options);
  if (watching !== null && "exit" in watching) return refuse(watching);
  await using watched = watching;
  const target = foreignTarget({
    urls,
    ...(watched === null ? {} : { observation: watched.bench }),
    keys: keysOf(options),
    runBody: options.runBody,
    without: [...options.without, ...missing.map(({ capability }) => capability)],
  });
  const chosen = SCENARIOS.filter(
    (scenario) =>
      scenario.tier <= tierOf(options) &&
      (options.only.length === 0 || options.only.includes(scenario.id)) &&
      (options.profile === undefined || isOfProfile(options.profile, scenario)),
  );
  print(`seed ${options.seed}, ${chosen.length} scenarios against ${target.name}`);
  for (const { capability, why } of missing) print(`not offered, and not looked at: ${capability} (${why})`);
  const pace = { waitMsMax: options.waitSeconds * 1_000, holdMs: options.holdSeconds * 1_000 };
  const startedAt = new Date();
  const trials = await runTrials(chosen, target, { seed: options.seed, pace }, (trial) =>
    print(trialLine(trial)),
  );
  const reported = { trials, scenarios: chosen, startedAt, endedAt: new Date() };
  for (const { kind, file } of options.report) writeFileSync(file, REPORTS[kind](reported));
  for (const trial of trials)
    if (trial.verdict !== "PASS" && trial.verdict !== "SKIP")
      print(
        `\n${failureReport(
          trial,
          SCENARIOS.find(({ id }) => id === trial.scenario),
        )}`,
      );
  print(closingLine(trials));
  return exitCode(trials, options.requireComplete);
}

function listScenarios({ profile }: { readonly profile?: Profile }): void {
  if (profile !== "security") {
    for (const { id, tier, title, needs } of SCENARIOS.filter(
      (scenario) => profile === undefined || isOfProfile(profile, scenario),
    ))
      print(`${id}\n  tier ${tier}: ${title}\n  needs ${needs.join(", ")}`);
    return;
  }
  for (const { id, title, demand, scenarios } of SECURITY_SET) {
    print(`${id}: ${title}\n  ${demand}`);
    for (const name of scenarios) print(`  ${name}`);
  }
}

const profileOption = (): Option =>
  new Option(
    "--profile <name>",
    `only the scenarios of this set: ${Object.entries(PROFILES)
      .map(([name, what]) => `${name} (${what})`)
      .join("; ")}`,
  ).choices(PROFILE_NAMES);

function explanation(scenario: Scenario): string {
  return [
    `${scenario.id} (tier ${scenario.tier}, ${scenario.phase})`,
    scenario.title,
    "",
    `why it matters: ${scenario.why}`,
    `a correct harness: ${scenario.remedy}`,
    `plan: ${scenario.seed}`,
    `invariants: ${scenario.invariants.join(", ")}`,
    "needs:",
    ...scenario.needs.map((need) => `  ${need}: ${CAPABILITIES[need]}`),
  ].join("\n");
}

function createProgram(end: (code: number) => void): Command {
  const program = new Command("assent-suite")
    .description(
      "Proves a harness that speaks POST /api/harness/run, POST /api/harness/approve and GET …/runs/{id}.",
    )
    .version(VERSION, "-V, --version")
    .exitOverride()
    .addHelpText(
      "after",
      "\nExit: 0 all held; 1 something failed; 2 usage; 3 target unreachable; 4 something could not be found out.",
    );
  addRunCommand(program, end);
  addDrillCommand(program, { print, refuse }, end);
  program.command("list").description("list the scenarios").addOption(profileOption()).action(listScenarios);
  program
    .command("explain")
    .description("say what a scenario does and why")
    .argument("<id>", "scenario", (text: string) => parseOnly(text)[0] ?? "")
    .action((id: string) => {
      const scenario = SCENARIOS.find((each) => each.id === id);
      if (scenario !== undefined) print(explanation(scenario));
    });
  return program;
}

function addRunCommand(program: Command, end: (code: number) => void): void {
  program
    .command("run", { isDefault: true })
    .description("run scenarios against a harness")
    .argument("<url>", "base URL of the harness", parseUrl)
    .option("--token <key>", "bearer key of who submits runs")
    .option("--approver-token <key>", "bearer key of who approves (default: --token)")
    .option("--other-token <key>", "bearer key of another principal of the same tenant")
    .option("--other-tenant-token <key>", "bearer key of a principal of another tenant")
    .option("--auditor-token <key>", "bearer key of who reads the tenant's audit log")
    .option("--admin-token <key>", "bearer key of who may do everything in the tenant")
    .option("--other-tenant-admin-token <key>", "bearer key of who may do everything in another tenant")
    .option("--other-tenant-auditor-token <key>", "bearer key of who reads another tenant's audit log")
    .option("--also <url>", "another server on the same state; may be repeated", parseUrls, [])
    .addOption(
      new Option(
        "--run-body <json>",
        "body of a run that stops at a gate and leaves a patch; @file reads a file",
      )
        .argParser(parseBody)
        .default({
          agent: "maintainer",
          task: "Write a changelog entry for the newest commits.",
          // As `npm start` serves it in Assent's own repository.
          workspace: "assent",
        }),
    )
    .option("--only <id>", "only this scenario; may be repeated", parseOnly, [])
    .addOption(profileOption())
    .option("--tier <n>", "scenarios up to this tier (default: 1; with --profile: all of it)", parseTier)
    .option(
      "--observe <what=where>",
      "otlp=<port> to take spans on, metrics=<url>, log=<file>; may be repeated",
      parseObserve,
      UNOBSERVED,
    )
    .option("--seed <n>", "decides everything that is left to chance", parseNumber, Date.now() % SEED_MAX)
    .option("--without <names>", `what the harness does not offer, of ${SPOKEN.join(",")}`, parseWithout, [])
    .option(
      "--wait-seconds <n>",
      "how long the harness may take to its next state",
      parseNumber,
      PACE.waitMsMax / 1_000,
    )
    .option(
      "--hold-seconds <n>",
      "how long is watched that nothing happens unapproved",
      parseNumber,
      PACE.holdMs / 1_000,
    )
    .option(
      "--report <kind=file>",
      `${Object.keys(REPORTS).join(", ")}, =, and a file; may be repeated`,
      parseReport,
      [],
    )
    .option("--require-complete", "exit 4 where anything was skipped", false)
    .action(async (url: string, options: Options) => {
      end(await prove(url, options));
    });
}

/** @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const program = createProgram((ended) => {
    code = ended;
  });
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  return code;
}
