import { expect, test } from "vitest";
import type { Tool } from "../../ports.ts";
import { createTools, workspaceTools } from "./registry.ts";

const named = (name: string): Tool => {
  const [first] = workspaceTools;
  if (first === undefined) throw new Error("there are tools");
  return { ...first, manifest: { ...first.manifest, name } };
};

test("tools are found by name, and by nothing else", () => {
  const tools = createTools(workspaceTools);
  expect(tools.list()).toEqual(workspaceTools);
  for (const tool of workspaceTools) expect(tools.get(tool.manifest.name)).toBe(tool);
  for (const name of ["", "Read_file", "read_file ", "constructor", "__proto__", "toString"])
    expect(tools.get(name)).toBeUndefined();
});

test("a name that two tools share, or that is none, is refused", () => {
  expect(() => createTools([named("a"), named("b"), named("a")])).toThrow("two tools are named a");
  for (const name of ["", "A", "1a", "a-b", "a b", "a\u200b", "a".repeat(65)])
    expect(() => createTools([named(name)])).toThrow("lower-case words");
});

test("every manifest says what the rules rest on", () => {
  expect(
    workspaceTools.map(({ manifest }) => [
      manifest.name,
      manifest.effect,
      manifest.harm.join(),
      manifest.controlArguments.join(),
      manifest.returns,
    ]),
  ).toEqual([
    ["list_files", "none", "", "path", "untrusted"],
    ["read_file", "none", "", "path", "untrusted"],
    ["search_files", "none", "", "path", "untrusted"],
    ["read_history", "none", "", "", "untrusted"],
    ["write_file", "idempotent", "write", "path", "trusted"],
    ["edit_file", "idempotent", "write", "path", "trusted"],
    ["delete_file", "idempotent", "write,destructive", "path", "trusted"],
  ]);
});

test.each(workspaceTools.map((tool) => [tool.manifest.name, tool] as const))(
  "%s publishes the schema that it checks by, and needs a workspace",
  async (_, tool) => {
    const { inputSchema } = tool.manifest;
    expect(inputSchema).toMatchObject({ type: "object", additionalProperties: false });
    const context = {
      workspace: null,
      effectId: `sha256:${"0".repeat(64)}`,
      signal: new AbortController().signal,
    } as const;
    const known = { path: "a", query: "q", content: "", old_text: "a", new_text: "b" };
    const properties = Object.keys(inputSchema["properties"] ?? {});
    const args = Object.fromEntries(Object.entries(known).filter(([name]) => properties.includes(name)));
    expect(await tool.plan(args, context)).toMatchObject({ ok: false, error: { code: "no_workspace" } });
    expect(await tool.execute(args, null, context)).toMatchObject({ error: { code: "no_workspace" } });
    for (const wrong of [
      { ...args, more: 1 },
      { ...args, path: 1, limit: "x" },
      { ...args, path: "", limit: 0 },
    ])
      for (const done of [await tool.plan(wrong, context), await tool.execute(wrong, null, context)])
        expect(done).toMatchObject({ ok: false, error: { code: "arguments_invalid" } });
  },
);
