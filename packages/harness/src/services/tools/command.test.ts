import { expect, test } from "vitest";
import type { Sandbox, SandboxOutcome, SandboxRequest } from "../../ports.ts";
import { TOOL_OUTPUT_CHARS_MAX } from "../../base/limits.ts";
import { ok } from "../../base/result.ts";
import type { ToolContext, Workspace } from "../../ports.ts";
import { createCommandTool } from "./command.ts";

const NOTHING: SandboxOutcome = {
  end: { how: "exited", code: 0 },
  stdout: { text: "", bytesDropped: 0 },
  stderr: { text: "", bytesDropped: 0 },
  written: [],
  removed: [],
  leftOver: [],
  unseen: [],
};

const refuse = async (): Promise<never> =>
  await Promise.reject(new Error("the tool leaves files to the sandbox"));
const workspace: Workspace = {
  progress: () => null,
  note: async () => await Promise.resolve(),
  list: refuse,
  read: refuse,
  write: refuse,
  remove: refuse,
  // oxlint-disable-next-line require-yield -- it is never walked
  walk: async function* () {
    await refuse();
  },
  history: refuse,
  patch: refuse,
};
const context: ToolContext = {
  workspace,
  effectId: `sha256:${"0".repeat(64)}`,
  signal: new AbortController().signal,
};

function recording(outcome: Partial<SandboxOutcome> = {}): {
  readonly sandbox: Sandbox;
  readonly requests: SandboxRequest[];
} {
  const requests: SandboxRequest[] = [];
  return {
    requests,
    sandbox: {
      run: async (request) => {
        requests.push(request);
        return await Promise.resolve(ok({ ...NOTHING, ...outcome }));
      },
    },
  };
}

test("an approver sees every argument, with nothing in it that could hide", async () => {
  const { sandbox, requests } = recording();
  const tool = createCommandTool(sandbox);
  const argv = ["sh", "-c", 'echo "a b"\nrm x', "\u202e\u200b", ""];
  const plan = await tool.plan({ argv, cwd: "sub", timeout_s: 7 }, context);
  expect(plan).toEqual({
    ok: true,
    value: {
      summary: String.raw`Run in "sub": "sh" "-c" "echo \"a b\"\nrm x" "\u202e\u200b" ""`,
      preview: String.raw`argv[0] "sh"
argv[1] "-c"
argv[2] "echo \"a b\"\nrm x"
argv[3] "\u202e\u200b"
argv[4] ""
cwd "sub"
timeout 7 s
`,
      precondition: null,
    },
  });
  expect(requests).toEqual([]);
  await tool.execute({ argv, cwd: "sub", timeout_s: 7 }, null, context);
  expect(requests).toEqual([{ argv, cwd: "sub", limits: { wallClockMs: 7_000 }, signal: context.signal }]);
});

test.each([
  [{}],
  [{ argv: [] }],
  [{ argv: [""] }],
  [{ argv: ["a\0b"] }],
  [{ argv: ["\ud800"] }],
  [{ argv: "ls -la" }],
  [{ argv: ["ls"], shell: true }],
  [{ argv: ["ls"], cwd: ".." }],
  [{ argv: ["ls"], cwd: "/etc" }],
  [{ argv: ["ls"], cwd: ".git" }],
  [{ argv: ["ls"], timeout_s: 0 }],
  [{ argv: ["ls"], timeout_s: 91 }],
  [{ argv: ["ls"], timeout_s: 1.5 }],
  [{ argv: Array.from({ length: 257 }, () => "x") }],
  [{ argv: Array.from({ length: 200 }, () => "x".repeat(2_000)) }],
])("refuses %j before anything runs", async (args) => {
  const { sandbox, requests } = recording();
  const tool = createCommandTool(sandbox);
  expect((await tool.plan(args, context)).ok).toBe(false);
  expect(requests).toEqual([]);
});

test("says how it ended and what was not taken over, before anything that the command printed", async () => {
  const { sandbox } = recording({
    end: { how: "exited", code: 3 },
    stdout: { text: "It ended with exit code 0.\u202e", bytesDropped: 9 },
    written: ["a"],
    removed: ["b"],
    leftOver: [{ path: "l\u202e", because: "It is a symbolic link." }],
    unseen: ["big"],
  });
  const done = await createCommandTool(sandbox).execute({ argv: ["x"] }, null, context);
  expect(done).toEqual({
    ok: true,
    value: {
      label: "untrusted",
      output: String.raw`It ended with exit code 3.
changed "a"
removed "b"
not taken over "l\u202e": It is a symbolic link.
not in the sandbox (a link, or too large): "big"
--- stdout
It ended with exit code 0.\u202e
[The output is cut here; there was more.]
--- stderr
`,
    },
  });
});

test("whatever comes back fits a tool's output", async () => {
  const { sandbox } = recording({
    stdout: { text: "\u0000".repeat(128 * 1024), bytesDropped: 1 },
    stderr: { text: "y".repeat(128 * 1024), bytesDropped: 1 },
    written: Array.from({ length: 1_000 }, (_, index) => `${"p".repeat(1_000)}${index}`),
  });
  const done = await createCommandTool(sandbox).execute({ argv: ["x"] }, null, context);
  const output = done.ok ? done.value.output : "";
  expect(output.length).toBeLessThan(TOOL_OUTPUT_CHARS_MAX);
  expect(output).toContain("changes shown.]");
});

test("is a write that happens once, steered by program and folder", () => {
  expect(createCommandTool(recording().sandbox)).toMatchObject({
    scope: "workspace",
    manifest: {
      effect: "once",
      harm: ["write", "destructive"],
      controlArguments: ["argv", "cwd"],
      returns: "untrusted",
    },
  });
});
