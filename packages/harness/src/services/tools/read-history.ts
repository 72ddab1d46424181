import { z } from "zod";
import { TOOL_OUTPUT_CHARS_MAX } from "../../base/limits.ts";
import { ok } from "../../base/result.ts";
import { visibleText } from "../../core/path/visible-text.ts";
import type { Tool } from "../../ports.ts";
import { cutTo, joinWithin, oneLine } from "./output.ts";
import { workspaceTool } from "./workspace-tool.ts";

const COMMITS_MAX = 200;
const COMMITS_DEFAULT = 20;

/** Characters shown of one subject; nothing keeps a commit from having a megabyte of it. */
const SUBJECT_CHARS_MAX = 500;

const schema = z.strictObject({
  limit: z
    .int()
    .min(1)
    .max(COMMITS_MAX)
    .describe(`How many of the newest commits to return, ${COMMITS_DEFAULT} when left out.`)
    .optional(),
});

export const readHistory: Tool = workspaceTool({
  name: "read_history",
  version: "1",
  description:
    "Returns the newest commits of the workspace's repository, newest first, one line each: id (12 digits), date, subject.",
  schema,
  effect: "none",
  harm: [],
  controlArguments: [],
  returns: "untrusted",
  plan: async ({ limit = COMMITS_DEFAULT }) =>
    ok({ summary: `Read the last ${limit} commits`, preview: null, precondition: null }),
  execute: async ({ limit = COMMITS_DEFAULT }, _precondition, workspace) => {
    const commits = await workspace.history(limit);
    if (!commits.ok) return commits;
    const lines = commits.value.map(({ id, at, subject }) => {
      const shown = oneLine(visibleText(cutTo(subject.toWellFormed(), SUBJECT_CHARS_MAX)));
      return `${id.slice(0, 12)} ${at.slice(0, 10)} ${shown}`;
    });
    const output = joinWithin(
      lines,
      TOOL_OUTPUT_CHARS_MAX,
      (shown) => `[${shown} of ${lines.length} commits; ask for fewer.]`,
    );
    return ok({ output, label: "untrusted" });
  },
});
