// Runs a program in the sandbox. No shell stands between: the model gives program and arguments, and a shell is only
// there when it is the program.

import { z } from "zod";
import { PREVIEW_CHARS_MAX, TOOL_OUTPUT_CHARS_MAX } from "../../base/limits.ts";
import { err, ok } from "../../base/result.ts";
import { visibleText } from "../../core/path/visible-text.ts";
import { quotedPath } from "../../core/path/workspace-path.ts";
import type { CappedText, Plan, Sandbox, SandboxEnd, SandboxOutcome, Tool } from "../../ports.ts";
import { folderPath } from "./folder-path.ts";
import { cutTo, joinWithin } from "./output.ts";
import { pathSchema, textSchema, workspaceTool } from "./workspace-tool.ts";

const ARGUMENTS_MAX = 256;
const ARGUMENT_CHARS_MAX = 32_000;
/** Below the time of a whole tool call, in which the copying has to fit too. */
const TIMEOUT_SECONDS_MAX = 90;
const TIMEOUT_SECONDS_DEFAULT = 60;
/** An approver reads a summary at one glance; the preview holds all of it. */
const SUMMARY_CHARS_MAX = 200;

const schema = z.strictObject({
  argv: z
    .array(textSchema(ARGUMENT_CHARS_MAX))
    .min(1)
    .max(ARGUMENTS_MAX)
    .describe('Program and arguments, for example ["npm", "test"]; no shell expands them.'),
  cwd: pathSchema.describe("The folder to run in; the workspace's root when left out.").optional(),
  timeout_s: z
    .int()
    .min(1)
    .max(TIMEOUT_SECONDS_MAX)
    .describe(`Seconds until it is ended, ${TIMEOUT_SECONDS_DEFAULT} when left out.`)
    .optional(),
});

/**
 * `once`, although nothing but the run's own copy changes: what a program does a second time on its own results is
 * anybody's guess, so a call whose outcome is not known is a person's to judge.
 */
export function createCommandTool(sandbox: Sandbox): Tool {
  return workspaceTool({
    name: "command",
    version: "3",
    description:
      "Runs a program on the workspace's files, in a sandbox without network. What it changes and removes is taken over when it ends by itself (links, git's folder and files that tools execute are not). Returns exit code, output and what changed.",
    schema,
    effect: "once",
    // What a program removes or overwrites is taken over. It has no network and no money.
    harm: ["write", "destructive"],
    controlArguments: ["argv", "cwd"],
    returns: "untrusted",
    plan: async ({ argv, cwd, timeout_s: timeoutSeconds = TIMEOUT_SECONDS_DEFAULT }) => {
      const folder = folderPath(cwd);
      if (!folder.ok) return folder;
      if (argv[0] === "") return err({ code: "arguments_invalid", detail: "The program has no name." });
      const plan = planOf(argv, folder.value, timeoutSeconds);
      if ((plan.preview ?? "").length > PREVIEW_CHARS_MAX)
        return err({
          code: "preview_too_large",
          detail: `The command is longer than ${PREVIEW_CHARS_MAX} characters; nobody could review it.`,
        });
      return ok(plan);
    },
    execute: async (
      { argv, cwd, timeout_s: timeoutSeconds = TIMEOUT_SECONDS_DEFAULT },
      _precondition,
      workspace,
      context,
    ) => {
      const folder = folderPath(cwd);
      if (!folder.ok) return folder;
      const limits = { wallClockMs: timeoutSeconds * 1_000 };
      const outcome = await sandbox.run(
        { argv, cwd: folder.value, limits, signal: context.signal },
        workspace,
      );
      return outcome.ok ? ok({ output: describe(outcome.value), label: "untrusted" }) : outcome;
    },
  });
}

// JSON quotes every argument, so that its borders are seen and nothing in it looks like the next.
function planOf(argv: readonly string[], folder: string, timeoutSeconds: number): Plan {
  const quoted = argv.map((text) => visibleText(JSON.stringify(text)));
  const line = quoted.join(" ");
  const where = folder === "" ? "" : ` in ${quotedPath(folder)}`;
  const short =
    line.length > SUMMARY_CHARS_MAX
      ? `${cutTo(line, SUMMARY_CHARS_MAX)}… (${argv.length} arguments, see below)`
      : line;
  const preview = `${quoted.map((text, index) => `argv[${index}] ${text}`).join("\n")}\ncwd ${folder === "" ? "/" : quotedPath(folder)}\ntimeout ${timeoutSeconds} s\n`;
  return { summary: `Run${where}: ${short}`, preview, precondition: null };
}

/** What the harness says comes first, so that no output can stand where it would be taken for ours. */
function describe(outcome: SandboxOutcome): string {
  const changes = [
    ...outcome.written.map((path) => `changed ${quotedPath(path)}`),
    ...outcome.removed.map((path) => `removed ${quotedPath(path)}`),
    ...outcome.leftOver.map(
      ({ path, because }) => `not taken over${path === "" ? "" : ` ${quotedPath(path)}`}: ${because}`,
    ),
    ...outcome.unseen.map((path) => `not in the sandbox (a link, or too large): ${quotedPath(path)}`),
  ];
  const said = joinWithin(
    [endOf(outcome.end), ...changes],
    CHANGES_CHARS_MAX,
    (shown) => `[${shown - 1} of ${changes.length} changes shown.]`,
  );
  return `${said}\n--- stdout\n${shownOf(outcome.stdout)}\n--- stderr\n${shownOf(outcome.stderr)}`;
}

const CHANGES_CHARS_MAX = 12_000;
const STREAM_CHARS_MAX = (TOOL_OUTPUT_CHARS_MAX - CHANGES_CHARS_MAX) / 2 - 200;

function shownOf({ text, bytesDropped }: CappedText): string {
  const seen = visibleText(text.replaceAll("\r\n", "\n"));
  if (seen.length <= STREAM_CHARS_MAX && bytesDropped === 0) return seen;
  return `${cutTo(seen, STREAM_CHARS_MAX)}\n[The output is cut here; there was more.]`;
}

function endOf(end: SandboxEnd): string {
  switch (end.how) {
    case "exited":
      return `It ended with exit code ${end.code}.`;
    case "timed_out":
      return "It took too long and was ended; nothing that it changed was taken over.";
    case "aborted":
      return "It was called off; nothing that it changed was taken over.";
    case "limit":
      return `It went over its limit of ${end.limit} and was ended; nothing that it changed was taken over.`;
    default:
      return end satisfies never;
  }
}
