// Calls of tools outside that may be repeated: with a pause, a few times, and not at all while the tool is failing. Only
// what does no harm twice: a call with effect `once` is never repeated, whatever it answered (invariant 2, at-most-once);
// that a tool is asked what it is before the call, is.
// Whose breakers those are: services/tool-doors.ts.

import { err, type Result } from "../base/result.ts";
import type { Ending } from "../core/resilience/breaker.ts";
import type { PassingError } from "../core/resilience/passing.ts";
import { pauseMs } from "../core/resilience/pause.ts";
import type { StepError } from "../core/run/journal.ts";
import type { Plan, Random, Tool, ToolContext, ToolResult, Tools } from "../ports.ts";
import { type ToolCaller, type DoorPorts, type Entered, enterTool } from "./tool-doors.ts";

/** Calls of one step, the first included: what fails so often fails for longer than a step should wait. */
const CALLS_MAX = 4;
/** A longer pause would hold a worker: the model is told instead. */
const PAUSE_MS_MAX = 5_000;

/** Nothing was sent, or a page did not come. What else passes a tool says of itself. */
const PASSING: ReadonlySet<string> = new Set(["not_sent", "fetch_failed", "fetch_timed_out"]);

type Ports = DoorPorts & { readonly random: Random };

export function retriedTools(tools: Tools, ports: Ports): Tools {
  const wrapped = new WeakMap<Tool, Tool>();
  const wrap = (tool: Tool): Tool => {
    const known = wrapped.get(tool) ?? retriedTool(tool, ports);
    wrapped.set(tool, known);
    return known;
  };
  return {
    ...tools,
    get: (name) => {
      const tool = tools.get(name);
      return tool === undefined ? undefined : wrap(tool);
    },
    list: () => tools.list().map(wrap),
  };
}

/** They look like tools outside to a rule, and ask nobody but our own database. */
const INSIDE: ReadonlySet<string> = new Set(["search_documents"]);

function retriedTool(tool: Tool, ports: Ports): Tool {
  const { name, effect } = tool.manifest;
  if (tool.scope !== "world" || INSIDE.has(name)) return tool;
  const caller = (args: Readonly<Record<string, unknown>>, { tenant }: ToolContext): ToolCaller => ({
    tool: name,
    peer: tool.peerOf?.(args) ?? null,
    tenant: tenant ?? null,
  });
  return {
    ...tool,
    plan: async (args, context) => {
      const plan = async (): Promise<Result<Plan, StepError>> => await tool.plan(args, context);
      return tool.asksToPlan === true
        ? await repeated(caller(args, context), plan, context, ports)
        : await plan();
    },
    execute: async (args, precondition, context) => {
      const call = async (): Promise<Result<ToolResult, StepError>> =>
        await tool.execute(args, precondition, context);
      return effect === "once"
        ? bare(await call())
        : await repeated(caller(args, context), call, context, ports);
    },
  };
}

async function repeated<T>(
  caller: ToolCaller,
  call: () => Promise<Result<T, StepError>>,
  context: ToolContext,
  ports: Ports,
): Promise<Result<T, StepError>> {
  return bare(await untilItPasses(caller, call, context, ports));
}

async function untilItPasses<T>(
  caller: ToolCaller,
  call: () => Promise<Result<T, StepError>>,
  context: ToolContext,
  ports: Ports,
): Promise<Result<T, StepError>> {
  const { clock, random, settings } = ports;
  let last: Result<T, StepError> | null = null;
  for (let calls = 1; ; calls += 1) {
    // A cancellation that was confirmed in the pause is heard of here: the signal tells of it seconds later.
    if (last !== null && (await context.isStillHeld?.()) === false) return last;
    const entered = await enterTool(ports, caller, calls > 1, context.signal);
    // Many at once are no sign of trouble: how many a tool takes is the tool's to say, by 429.
    const isBusy = !entered.ok && entered.error.code === "provider_busy" && calls === 1;
    if (!entered.ok && !isBusy)
      return (
        last ??
        err({
          code: "not_sent",
          detail: `It fails too often and is left alone for a while; nothing was sent.`,
        })
      );
    const result = await leaving(entered.ok ? entered.value : null, call, context);
    const passes = passesOf(result);
    if (result.ok || passes === null || calls >= CALLS_MAX || context.signal.aborted) return result;
    last = result;
    const chance = random.bytes(4).reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 32;
    const waitMs = pauseMs(calls, chance, passes.retryAfterMs, settings.retries);
    if (waitMs > PAUSE_MS_MAX) return result;
    await clock.sleep(waitMs, context.signal);
    if (context.signal.aborted) return result;
  }
}

// Whoever went in goes out, also where the tool breaks off: its place would be taken for good.
async function leaving<T>(
  entered: Entered | null,
  call: () => Promise<Result<T, StepError>>,
  context: ToolContext,
): Promise<Result<T, StepError>> {
  let ending: Ending = { ended: "unknown" };
  try {
    const result = await call();
    ending = endingOf(result, passesOf(result), context);
    return result;
  } finally {
    await entered?.leave(ending);
  }
}

function passesOf(result: Result<unknown, StepError>): PassingError["passes"] {
  if (result.ok) return null;
  if (isPassing(result.error)) return result.error.passes;
  return PASSING.has(result.error.code) ? { retryAfterMs: null } : null;
}

const isPassing = (error: StepError): error is PassingError => "passes" in error;

function endingOf(
  result: Result<unknown, StepError>,
  passes: PassingError["passes"],
  { signal }: ToolContext,
): Ending {
  if (result.ok || passes === null) return { ended: "answered" };
  if (signal.aborted) return { ended: "unknown" };
  return { ended: "failed", code: result.error.code, retryAfterMs: passes.retryAfterMs };
}

/** As the journal keeps it. */
function bare<T>(result: Result<T, StepError>): Result<T, StepError> {
  if (result.ok || !isPassing(result.error)) return result;
  const { code, detail } = result.error;
  return err({ code, detail });
}
