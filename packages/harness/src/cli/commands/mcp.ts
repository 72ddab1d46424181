// The tools of MCP servers: what is declared, what their servers say now, and an operator's word that this is what
// agents may have. Works on files and servers alone; no harness has to run.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { err, ok, type Result } from "../../base/result.ts";
import type { Review, ReviewedTool } from "../../mcp-review.ts";
import type { Context, Outcome } from "../context.ts";
import { type Failure, usageFailure } from "../failure.ts";
import { table } from "../output/table.ts";
import { indent, visibleJson, visibleLine, visibleText } from "../output/visible.ts";

export type McpFlags = { readonly config?: string };
export type McpPinFlags = McpFlags & { readonly server?: string; readonly yes?: boolean };

/** What is declared and pinned; no server is started or asked. */
export async function listMcp(context: Context, flags: McpFlags): Outcome {
  const review = await open(context, flags, () => false);
  if (!review.ok) return review;
  const { tools, unasked } = review.value;
  context.show({ data: tools.map(recordOf), unasked }, () => [...toolTable(tools), ...unaskedLines(unasked)]);
  return ok("ok");
}

/** Asks every server; exit 1 where anything that was pinned is not the same to the byte. */
export async function checkMcp(context: Context, flags: McpFlags): Outcome {
  const review = await open(context, flags, () => true);
  if (!review.ok) return review;
  const { tools, unasked } = review.value;
  const silent = new Set(unasked.map(({ server }) => server));
  const wrong = tools.filter(({ state }) => state !== "same" && state !== "undeclared");
  const changed = wrong.filter(({ server }) => !silent.has(server));
  context.show({ data: tools.map(recordOf), unasked }, () => [
    ...toolTable(tools),
    ...wrong.flatMap(differenceLines),
    ...unaskedLines(unasked),
    ...(changed.length === 0
      ? []
      : [
          `${changed.length} of ${tools.length} tools are not what was pinned; their calls are refused. \`assent mcp pin\` shows them for you to agree to.`,
        ]),
    ...(wrong.length === 0 ? ["Every tool is what was pinned."] : []),
  ]);
  return ok(wrong.length === 0 ? "ok" : "failed");
}

/** Shows what is new or has changed, asks, and pins it. */
export async function pinMcp(context: Context, flags: McpPinFlags): Outcome {
  if (flags.yes !== true && !context.canAsk)
    return err(
      usageFailure(
        "cannot_ask",
        "nobody can be asked here whether these tools may be used",
        "Run it on a terminal, or look at `assent mcp check` and add --yes.",
      ),
    );
  const isOurs = (server: string): boolean => flags.server === undefined || flags.server === server;
  const review = await open(context, flags, isOurs);
  if (!review.ok) return review;
  const ours = review.value.tools.filter(({ server }) => isOurs(server));
  const unasked = review.value.unasked.filter(({ server }) => isOurs(server));
  if (flags.server !== undefined && ours.length + unasked.length === 0)
    return err(noServer(flags.server, review.value.tools));
  const [unusable] = ours.filter(({ state, fault }) => fault !== null && state !== "undeclared");
  if (unusable !== undefined)
    return err(
      usageFailure("mcp_tool_invalid", unusable.fault ?? "", "Mend its declaration, or take it out."),
    );
  const chosen = ours.filter(({ state, live }) => live !== null && (state === "new" || state === "changed"));
  const left = ours.filter(
    (one) => !chosen.includes(one) && ["missing", "unknown", "new"].includes(one.state),
  );
  context.say(chosen.flatMap(pinLines));
  const agreed = chosen.length === 0 || flags.yes === true || (await agree(context, chosen.length));
  if (!agreed) {
    context.show({ pinned: [], left: left.map(recordOf) }, () => ["Nothing was pinned."]);
    return ok("waiting");
  }
  if (chosen.length > 0) review.value.pin(chosen);
  context.show(
    { file: review.value.pinsFile, pinned: chosen.map(recordOf), left: left.map(recordOf), unasked },
    () => [
      ...unaskedLines(unasked),
      ...left.map((one) =>
        visibleLine(`${nameOf(one)} is ${one.state}: it could not be asked for, and is not pinned.`),
      ),
      `${chosen.length} pinned in ${review.value.pinsFile}. A running harness takes them up when it is started again.`,
    ],
  );
  return ok(left.length === 0 ? "ok" : "failed");
}

// A misspelt name would pin nothing and say that all is well.
function noServer(name: string, tools: readonly ReviewedTool[]): Failure {
  const known = [...new Set(tools.map(({ server }) => server))].join(", ");
  return usageFailure(
    "mcp_server_unknown",
    visibleLine(`no server ${name} declares a tool`),
    `There are: ${known === "" ? "none" : known}.`,
  );
}

async function agree(context: Context, count: number): Promise<boolean> {
  const answer = await context.io.ask(`Pin ${count} as shown? [y/N] `, new AbortController().signal);
  return answer !== null && /^y(?:es)?$/iu.test(answer.trim());
}

async function open(
  context: Context,
  { config }: McpFlags,
  asks: (server: string) => boolean,
): Promise<Result<Review, Failure>> {
  const file = resolve(context.deps.cwd, config ?? "assent.config.json");
  if (!existsSync(file))
    return err(
      usageFailure("config_missing", `there is no ${file}`, "Name the configuration with --config."),
    );
  // Loaded only here: the other commands need no MCP client.
  const { reviewMcp } = await import("../../mcp-review.ts");
  const { processEnvironment } = await import("../../config.ts");
  const review = await reviewMcp(file, processEnvironment(), asks);
  return review.ok ? review : err({ exit: "usage", ...review.error });
}

const nameOf = ({ server, tool }: ReviewedTool): string => `${server}/${tool}`;

function recordOf(one: ReviewedTool): object {
  const { server, tool, state, manifest, fault, live, pinned, difference } = one;
  return { server, tool, state, fault, manifest, pinned, live, difference };
}

function toolTable(tools: readonly ReviewedTool[]): readonly string[] {
  if (tools.length === 0)
    return ["The servers' tools are given to nobody: name them under mcp.servers.<name>.tools."];
  return table(
    ["TOOL", "AGENTS NAME IT", "EFFECT", "HARM", "RETURNS", "STATE"],
    tools.map((one) => [
      nameOf(one),
      one.manifest?.name ?? "",
      one.manifest?.effect ?? "",
      one.manifest?.harm.join(", ") ?? "",
      one.manifest?.returns ?? "",
      one.fault ?? one.state,
    ]),
  );
}

const unaskedLines = (unasked: Review["unasked"]): readonly string[] =>
  unasked.map(({ server, why }) =>
    visibleLine(`The MCP server ${server} could not be asked, so its calls are refused: ${why}`),
  );

function differenceLines(one: ReviewedTool): readonly string[] {
  if (one.difference.length === 0) return [];
  return [
    visibleLine(`${nameOf(one)} (${one.state})`),
    ...one.difference.map((line) => visibleLine(`  ${line}`)),
  ];
}

function pinLines(one: ReviewedTool): readonly string[] {
  const { live, manifest } = one;
  if (live === null || manifest === null) return [];
  return [
    visibleLine(`${nameOf(one)}, ${one.state}; agents name it ${manifest.name}`),
    visibleLine(
      `  effect ${manifest.effect}, harm ${manifest.harm.join(", ") || "none"}, returns ${manifest.returns}`,
    ),
    visibleLine(`  control arguments: ${manifest.controlArguments.join(", ") || "none"}`),
    ...one.difference.map((line) => visibleLine(`  changed ${line}`)),
    // All of it: what is not read here is never read again.
    indent(visibleText(live.description), "  | "),
    indent(visibleJson({ arguments: live.inputSchema, hints: live.annotations }, 2), "  | "),
  ];
}
