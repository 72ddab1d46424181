// `assent audit …`: what there is to say about the evidence.

import type { RunId } from "@assent/contract";
import { type Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { parseRunId } from "./argument.ts";
import type { CopyFlags, EntryFlags, EpochFlags, EraseFlags, VerifyFlags } from "./commands/audit-log.ts";
import type { RekeyFlags } from "./commands/audit-sealing.ts";
import type { WitnessFlags } from "./commands/witness.ts";
import { err } from "../base/result.ts";
import type { Context, Outcome } from "./context.ts";
import { usageFailure } from "./failure.ts";

// Every command of `assent` reads this grammar, and few are of the evidence: what carries those out is loaded by them, with
// verification and all of the tamper-evident log, a third of what a command takes to start.
const onLog = async (): Promise<typeof import("./commands/audit-log.ts")> =>
  await import("./commands/audit-log.ts");

type Perform = (command: (context: Context) => Outcome) => Promise<void>;

function parsePlace(text: string): number {
  const place = /^(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(place)) throw new InvalidArgumentError("Give a whole number.");
  return place;
}

const timeSchema = z.iso.datetime({ offset: true });

/** RFC 3339, section 5.6: of a time without its offset nobody knows when that is. */
function parseTime(text: string): Date {
  if (!timeSchema.safeParse(text).success)
    throw new InvalidArgumentError("Give a time as RFC 3339 has it, such as 2026-11-21T18:00:00Z.");
  return new Date(text);
}

const collect = (text: string, previous: readonly string[] | undefined): readonly string[] => [
  ...(previous ?? []),
  text,
];

const isRun = (text: string): boolean => /^run_[0-9a-f]{32}$/.test(text);

export function addAudit(program: Command, perform: Perform): void {
  const audit = program.command("audit").description("the evidence: logs, proofs, copies, verification");
  addReading(audit, perform);
  addVerifying(audit, perform);
  addManaging(audit, perform);
  addSigning(audit, perform);
  addWitnessing(audit, perform);
}

function addReading(audit: Command, perform: Perform): void {
  const epoch = [
    "--epoch <n>",
    "which log; the newest where it matters, else the first",
    parsePlace,
  ] as const;
  audit
    .command("log")
    .description("list the tenant's logs, how far they are signed, and their keys")
    .action(
      async () =>
        await perform(async (context) => {
          const { showLogs } = await onLog();
          return await showLogs(context);
        }),
    );
  audit
    .command("show")
    .description("show one entry and what opens it")
    .argument("<entry>", "its place, from 0", parsePlace)
    .option(...epoch)
    .action(
      async (index: number, flags: EntryFlags) =>
        await perform(async (context) => {
          const { showEntry } = await onLog();
          return await showEntry(context, index, flags);
        }),
    );
  audit
    .command("prove")
    .description("get the proof that a run's event is in the log")
    .argument("<run>", "its id", parseRunId)
    .argument("<version>", "the event's version", parsePlace)
    .action(
      async (run: RunId, version: number) =>
        await perform(async (context) => {
          const { proveEvent } = await onLog();
          return await proveEvent(context, run, version);
        }),
    );
  const copy =
    (what: "export" | "mirror") =>
    async (folder: string, flags: CopyFlags): Promise<void> =>
      await perform(async (context) => {
        const { copyAudit } = await onLog();
        return await copyAudit(context, folder, flags, what);
      });
  audit
    .command("export")
    .description("copy a log into a folder, with what opens its entries")
    .argument("<folder>", "where to")
    .option(...epoch)
    .option("--open", "what is sealed in payloads as well; no erasure reaches it there")
    .action(copy("export"));
  audit
    .command("mirror")
    .description("copy a log into a folder, without payloads; a copy that is there is only ever continued")
    .argument("<folder>", "where to")
    .option(...epoch)
    .action(copy("mirror"));
}

const refuse = (detail: string, remedy: string): Awaited<Outcome> =>
  err(usageFailure("verify_what", detail, remedy));

const OF_A_COPY = {
  now: "--now",
  later: "--later",
  published: "--published",
  policy: "--policy",
  cosignedWithin: "--cosigned-within",
} as const satisfies Partial<Record<keyof VerifyFlags, string>>;
const OF_A_LOG = { key: "--key", remembered: "--remembered" } as const;

/** Of what somebody asks for that is not looked at there: silence would say that it was. */
function refuseUnheeded(
  flags: VerifyFlags,
  of: { readonly [F in keyof VerifyFlags]?: string },
  remedy: string,
): Awaited<Outcome> | null {
  const name = Object.entries(of).find(([flag]) => Object.hasOwn(flags, flag))?.[1];
  if (name === undefined) return null;
  return refuse(
    `${name} is for a copy of a log.`,
    name === OF_A_COPY.now ? "Times of a database or a run are not held to a clock." : remedy,
  );
}

async function verify(context: Context, what: string | undefined, flags: VerifyFlags): Outcome {
  if ((flags.db === true) !== (what === undefined) || (flags.state === true && flags.db !== true))
    return refuse(
      "It verifies a folder, a run, or with --db the database.",
      "Give one of them; --state goes with --db.",
    );
  if (what === undefined) return await verifyInDatabase(context, flags);
  if (isRun(what)) return await verifyRunOf(context, what, flags);
  // Of a run's id that is not whole; no export is called so.
  if (what.startsWith("run_") && flags.key === undefined)
    return refuse(
      `${what} is no run's id: \`run_\` and 32 hex digits.`,
      "See `assent runs`; a folder of that name is verified with --key.",
    );
  if (flags.cosignedWithin !== undefined && flags.policy === undefined)
    return refuse(
      "--cosigned-within is about witnesses, and none are named.",
      "Name them with --policy; without it nobody is asked who cosigned the log, or when.",
    );
  const { verifyExport } = await onLog();
  return await verifyExport(context, what, flags);
}

async function verifyInDatabase(context: Context, flags: VerifyFlags): Outcome {
  const unheeded = refuseUnheeded(flags, OF_A_COPY, "Export the log, and verify the copy with it.");
  if (unheeded !== null) return unheeded;
  const { verifyDatabase } = await import("./commands/audit-database.ts");
  return await verifyDatabase(context, flags);
}

async function verifyRunOf(context: Context, run: string, flags: VerifyFlags): Outcome {
  const remedy = "A run's trail is what the server says: export the log, and verify the copy with it.";
  const unheeded = refuseUnheeded(flags, { ...OF_A_COPY, ...OF_A_LOG }, remedy);
  if (unheeded !== null) return unheeded;
  const { verifyAudit } = await import("./commands/audit.ts");
  return await verifyAudit(context, parseRunId(run));
}

function addVerifying(audit: Command, perform: Perform): void {
  audit
    .command("verify")
    .description(
      "verify an exported log offline; given a run's id, that run's trail at the server; with --db, the database itself",
    )
    .argument("[folder-or-run]", "an export's folder, or a run's id; nothing with --db")
    .option("--key <vkey>", "key that you pinned; may be repeated (rotation)", collect)
    .option("--remembered <file>", "a checkpoint that you kept: finds what was cut or rewritten since")
    .option("--policy <file>", "C2SP tlog-policy: logs, witnesses, quorum")
    .option(
      "--published",
      "a server publishes the log in that folder: tiles are there before their checkpoint",
    )
    .option(
      "--later <folder>",
      "a copy of the log that follows this one, with its --key: erasures are recorded there; may be repeated, the newest first",
      collect,
    )
    .option("--cosigned-within <minutes>", "how old the newest cosignature may be", parsePlace)
    .option(
      "--now <time>",
      "of a copy: what time it is, as RFC 3339 has it, where this machine's clock is wrong; the verdict says so",
      parseTime,
    )
    .option(
      "--db",
      "the logs in the database of --home or DATABASE_URL, against each other and every memory of them",
    )
    .option("--state", "with --db: rebuild states from the events, and name every row that differs")
    .action(async (what: string | undefined, flags: VerifyFlags) => {
      await perform(async (context) => await verify(context, what, flags));
    });
  audit
    .command("receipt")
    .description("verify offline the proof that came with a decision")
    .argument("<file>", "the receipt, or the answer that held it")
    .option("--key <vkey>", "key that you pinned; may be repeated", collect)
    .action(
      async (file: string, flags: VerifyFlags) =>
        await perform(async (context) => {
          const { verifyReceipt } = await onLog();
          return await verifyReceipt(context, file, flags);
        }),
    );
}

function addManaging(audit: Command, perform: Perform): void {
  audit
    .command("erase")
    .description("erase the payload of one entry; the entry and every proof stay")
    .argument("<entry>", "its place, from 0", parsePlace)
    .requiredOption("--reason <text>", "the legal basis; it stays in the log")
    .option("--epoch <n>", "which log", parsePlace)
    .action(
      async (index: number, flags: EraseFlags) =>
        await perform(async (context) => {
          const { erasePayload } = await onLog();
          return await erasePayload(context, index, flags);
        }),
    );
  audit
    .command("prune")
    .description(
      "take away entries that are older than `evidence.retention_days`; the tree and every proof stay",
    )
    .action(
      async () =>
        await perform(async (context) => {
          const { pruneLogs } = await import("./commands/audit-pruning.ts");
          return await pruneLogs(context);
        }),
    );
  audit
    .command("rekey")
    .description("change the sealing key, so that backups of before lose what was erased")
    .option("--status", "only say how far erasures have come, backups included")
    .option("--lost", "the sealing key is lost: begin with a new one, and give up what rests on it")
    .action(
      async (flags: RekeyFlags) =>
        await perform(async (context) => {
          const { changeSealing } = await import("./commands/audit-sealing.ts");
          return await changeSealing(context, flags);
        }),
    );
}

function addSigning(audit: Command, perform: Perform): void {
  audit
    .command("epoch")
    .description("begin a new log after a restored backup or a lost key")
    .requiredOption("--reason <text>", "why the old one cannot go on")
    .option("--anyway", "though nothing that the server knows calls for one; it is refused without")
    .action(
      async (flags: EpochFlags) =>
        await perform(async (context) => {
          const { beginEpoch } = await onLog();
          return await beginEpoch(context, flags);
        }),
    );
  const rotate = audit.command("rotate").description("rotate the key that signs checkpoints");
  rotate
    .command("add")
    .description("let a new key sign beside the old one")
    .action(
      async () =>
        await perform(async (context) => {
          const { rotateSigner } = await onLog();
          return await rotateSigner(context, "add");
        }),
    );
  rotate
    .command("retire")
    .description("forget the old key, once verifiers know the new one")
    .action(
      async () =>
        await perform(async (context) => {
          const { rotateSigner } = await onLog();
          return await rotateSigner(context, "retire");
        }),
    );
}

function addWitnessing(audit: Command, perform: Perform): void {
  audit
    .command("cosign")
    .description("show a copy to the witnesses of a policy, and keep what they sign in its checkpoint")
    .argument("<folder>", "an export or a mirror")
    .requiredOption("--policy <file>", "C2SP tlog-policy: logs, and witnesses with their URLs")
    .action(
      async (folder: string, flags: { policy: string }) =>
        await perform(async (context) => {
          const { cosignCopy } = await import("./commands/cosign.ts");
          return await cosignCopy(context, folder, flags);
        }),
    );
  audit
    .command("witness")
    .description("run a witness (C2SP tlog-witness): cosigns checkpoints that only grow")
    .requiredOption("--state <folder>", "where its key and the last checkpoint of each log are kept")
    .requiredOption("--name <name>", "its name, as a schema-less URL")
    .option("--log <vkey>", "a log that it knows; may be repeated", collect)
    .option("--port <port>", "where to listen; 0 for any free one", parsePlace, 4210)
    .option("--host <address>", "on which address", "127.0.0.1")
    .action(
      async (flags: WitnessFlags) =>
        await perform(async (context) => {
          const { serveWitness } = await import("./commands/witness.ts");
          return await serveWitness(context, flags);
        }),
    );
}
