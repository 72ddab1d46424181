// The scripted provider: what it says follows from the transcript and from what the run's own tools returned.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openModels } from "../../../packages/harness/src/adapters/models/models.ts";
import type { Message } from "../../../packages/harness/src/core/prompt/message.ts";
import type { ModelOutcome, ToolCall } from "../../../packages/harness/src/core/run/journal.ts";
import type { ModelCall, Models } from "../../../packages/harness/src/ports.ts";
import { never } from "./wires.ts";

const EXAMPLES = fileURLToPath(new URL("../../../examples/", import.meta.url));

const callOf = (model: string, messages: readonly Message[]): ModelCall => ({
  model: `scripted/${model}`,
  system: "s",
  messages,
  tools: [],
  outputTokensMax: 100,
  temperature: null,
  seed: null,
});
const task: Message = { role: "user", text: "Write the changelog.", label: "trusted" };
const said = (outcome: ModelOutcome): Message => ({
  role: "assistant",
  text: outcome.text,
  toolCalls: outcome.toolCalls,
});
const resultOf = (call: ToolCall, text: string, isError: boolean = false): Message => ({
  role: "tool",
  callId: call.id,
  tool: call.tool,
  text,
  isError,
  label: "untrusted",
});

async function ask(models: Models, call: ModelCall): Promise<ModelOutcome> {
  const answer = await models.call(call, never());
  if (!answer.ok) throw new Error(answer.error.detail);
  return answer.value;
}

const workspaceOf =
  (history: string) =>
  (call: ToolCall): Message =>
    resultOf(
      call,
      { read_history: history, read_file: "# Changelog\n\n## Unreleased\n" }[call.tool] ?? "done",
    );

describe("examples/changelog", () => {
  const models = openModels({ streaming: true, scripted: { folder: EXAMPLES } });

  /** Plays the run through; `tools` stands for the workspace. */
  async function play(tools: (call: ToolCall) => Message): Promise<readonly ModelOutcome[]> {
    const messages: Message[] = [task];
    const outcomes: ModelOutcome[] = [];
    for (;;) {
      const outcome = await ask(models, callOf("changelog", messages));
      outcomes.push(outcome);
      if (outcome.toolCalls.length === 0) return outcomes;
      messages.push(said(outcome), ...outcome.toolCalls.map(tools));
    }
  }

  test("can be called", () => {
    expect(models.check("scripted/changelog")).toEqual({ ok: true, value: null });
  });

  test.each([
    ["aaaaaaaaaaaa 2026-11-01 First", ["- First (aaaaaaaaaaaa)"]],
    [
      "aaaaaaaaaaaa 2026-11-02 Two words\nbbbbbbbbbbbb 2026-11-01 A\n",
      ["- Two words (aaaaaaaaaaaa)", "- A (bbbbbbbbbbbb)"],
    ],
    [
      Array.from({ length: 9 }, (_, at) => `${String(at).repeat(12)} 2026-11-01 Commit ${at}`).join("\n"),
      [0, 1, 2, 3, 4].map((at) => `- Commit ${at} (${String(at).repeat(12)})`),
    ],
  ])("makes its entries of the real history", async (history, entries) => {
    const outcomes = await play(workspaceOf(history));
    expect(outcomes.flatMap((outcome) => outcome.toolCalls)).toEqual([
      { id: "call_history", tool: "read_history", arguments: { limit: 5 } },
      { id: "call_changelog", tool: "read_file", arguments: { path: "CHANGELOG.md" } },
      {
        id: "call_edit",
        tool: "edit_file",
        arguments: {
          path: "CHANGELOG.md",
          old_text: "## Unreleased",
          new_text: `## Unreleased\n\n${entries.join("\n")}`,
        },
      },
    ]);
    expect(outcomes.at(-1)?.text).toBe(`I added to CHANGELOG.md, under Unreleased:\n\n${entries.join("\n")}`);
  });

  test("does not claim an edit that was refused", async () => {
    const workspace = workspaceOf("aaaaaaaaaaaa 2026-11-01 First");
    const outcomes = await play((call) =>
      call.tool === "edit_file" ? resultOf(call, "denied", true) : workspace(call),
    );
    expect(outcomes.at(-1)?.text).toBe(
      "The edit of CHANGELOG.md was not made, so there is no changelog entry.",
    );
  });

  test("a call that is made again gets the same turn, from any process", async () => {
    const first = await ask(models, callOf("changelog", [task]));
    const again = await ask(
      openModels({ streaming: false, scripted: { folder: EXAMPLES } }),
      callOf("changelog", [task]),
    );
    expect(again).toEqual(first);
    expect(first.usage).toEqual({ inputTokens: Math.ceil((1 + task.text.length) / 4), outputTokens: 26 });
  });
});

describe("a transcript", () => {
  let root: string;
  let folder: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "assent-transcripts-"));
    folder = join(root, "transcripts");
    mkdirSync(folder);
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  const CALL = { id: "c1", tool: "read_file", arguments: { path: "a", deep: [{ text: "{{result:c0}}" }] } };
  const TURNS: readonly unknown[] = [
    { text: "", tool_calls: [{ id: "c0", tool: "list_files", arguments: {} }] },
    { expect: { last_tool: "list_files", text_includes: ["README"] }, tool_calls: [CALL] },
  ];

  function open(turns: readonly unknown[], more: Record<string, unknown> = {}): Models {
    const text = JSON.stringify({ version: 1, description: "d", turns, ...more });
    writeFileSync(join(folder, "t.transcript.json"), text);
    return openModels({ streaming: true, scripted: { folder } });
  }

  const first: ToolCall = { id: "c0", tool: "list_files", arguments: {} };
  const after = (last: Message): readonly Message[] => [
    task,
    { role: "assistant", text: "", toolCalls: [first] },
    last,
  ];

  test("fills results into arguments at any depth", async () => {
    const outcome = await ask(open(TURNS), callOf("t", after(resultOf(first, "README.md"))));
    expect(outcome.toolCalls).toEqual([
      { id: "c1", tool: "read_file", arguments: { path: "a", deep: [{ text: "README.md" }] } },
    ]);
  });

  test.each([
    [
      "another tool",
      after(resultOf({ ...first, tool: "x" }, "README.md")),
      "turn 2: the last result is of x, not of list_files",
    ],
    ["no tool", after(task), "turn 2: the last result is of none, not of list_files"],
    ["another text", after(resultOf(first, "secret")), 'turn 2: the last message does not include "README"'],
    [
      "a failed call",
      after(resultOf(first, "README.md", true)),
      'turn 2: there is no result of the call "c0"',
    ],
    [
      "another call's result",
      after(resultOf({ ...first, id: "c7" }, "README")),
      'turn 2: there is no result of the call "c0"',
    ],
    [
      "a run that goes on",
      [
        ...after(resultOf(first, "README.md")),
        { role: "assistant", text: "x", toolCalls: [] },
        task,
      ] as const,
      "turn 3: the transcript has only 2 turns",
    ],
  ])("that is overtaken by %s fails for good, and says where", async (_what, messages, detail) => {
    expect(await open(TURNS).call(callOf("t", messages), never())).toEqual({
      ok: false,
      error: {
        code: "transcript_mismatch",
        detail: `Transcript t, ${detail}.`,
        transient: false,
        retryAfterMs: null,
      },
    });
  });

  test.each([
    ["an unknown filter", [{ text: "{{result:c0 | rot13}}" }], 'turn 1: there is no filter "rot13"'],
    ["an unknown call", [{ text: "{{result:c9}}" }], 'turn 1: no earlier turn makes the call "c9"'],
    [
      "a call of the same turn",
      [{ text: "{{result:c0}}", tool_calls: [{ id: "c0", tool: "a", arguments: {} }] }],
      'turn 1: no earlier turn makes the call "c0"',
    ],
  ])("with %s is refused before any run, and ends one that began", async (_what, turns, detail) => {
    const models = open(turns);
    expect(models.check("scripted/t")).toEqual({
      ok: false,
      error: `The transcript t is invalid: ${detail}.`,
    });
    expect(await models.call(callOf("t", [task]), never())).toMatchObject({
      ok: false,
      error: { code: "transcript_mismatch", transient: false },
    });
  });

  test.each([
    ["an id used twice", [TURNS[0], TURNS[0]], "turns: a call id is used twice"],
    ["an unknown field", [{ text: "x", sleep: 1 }], "sleep"],
    ["an empty turn", [{}], "turns.0: says nothing and calls nothing"],
    ["no turns", [], "turns:"],
  ])("with %s is refused", async (_what, turns, detail) => {
    const models = open(turns);
    const checked = models.check("scripted/t");
    expect(checked.ok ? "" : checked.error).toContain(detail);
    expect(await models.call(callOf("t", [task]), never())).toMatchObject({
      ok: false,
      error: { code: "transcript_invalid", transient: false },
    });
  });

  test("of another version is refused", () => {
    expect(open([{ text: "x" }], { version: 2 }).check("scripted/t")).toMatchObject({ ok: false });
  });

  test.each(["a/../../outside", "a/../t", "./t", "t.transcript.json", "T", "missing"])(
    "%s is no way to a file",
    async (name) => {
      const models = open([{ text: "x" }]);
      // A sound transcript, just not one of the folder's.
      writeFileSync(join(root, "outside.transcript.json"), readFileSync(join(folder, "t.transcript.json")));
      expect(models.check("scripted/t").ok).toBe(true);
      expect(models.check(`scripted/${name}`)).toMatchObject({ ok: false });
      expect(await models.call(callOf(name, [task]), never())).toMatchObject({ ok: false });
    },
  );
});
