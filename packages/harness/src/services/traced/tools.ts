import { ASSENT, ERROR_TYPE, GEN_AI } from "../../core/telemetry/names.ts";
import type { Clock, Telemetry, Tool, Tools } from "../../ports.ts";
import { inSpan } from "./span.ts";

type Ports = { readonly telemetry: Telemetry; readonly clock: Clock; readonly withContent: boolean };

/** The same tools, each of whose executions is a span and a measurement. Their manifests are untouched. */
export function tracedTools(tools: Tools, ports: Ports): Tools {
  const byName = new Map<string, readonly [tool: Tool, traced: Tool]>();
  const wrap = (tool: Tool): Tool => {
    const known = byName.get(tool.manifest.name);
    // A tool that is another now is wrapped anew.
    if (known?.[0] === tool) return known[1];
    const traced = tracedTool(tool, ports);
    byName.set(tool.manifest.name, [tool, traced]);
    return traced;
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

function tracedTool(tool: Tool, { telemetry, clock, withContent }: Ports): Tool {
  const { name } = tool.manifest;
  return {
    ...tool,
    execute: async (args, precondition, context) => {
      const attributes = {
        [GEN_AI.operation]: "execute_tool",
        [GEN_AI.tool]: name,
        [ASSENT.effect]: context.effectId,
        ...(withContent ? { [GEN_AI.toolArguments]: JSON.stringify(args) } : {}),
      };
      return await inSpan(
        telemetry,
        `execute_tool ${name}`,
        { kind: "internal", attributes },
        async (span) => {
          const startedAt = clock.now().getTime();
          const result = await tool.execute(args, precondition, context);
          const seconds = (clock.now().getTime() - startedAt) / 1_000;
          const failed = result.ok ? {} : { [ERROR_TYPE]: result.error.code };
          telemetry.record("gen_ai.execute_tool.duration", seconds, { [GEN_AI.tool]: name, ...failed });
          span.set(failed);
          if (!result.ok) span.fail(result.error.code);
          else if (withContent) span.set({ [GEN_AI.toolResult]: result.value.output });
          return result;
        },
      );
    },
  };
}
