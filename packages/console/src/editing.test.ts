import type { Approval } from "@assent/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { editedLeaves, editOf, leftOut, mayEdit } from "./editing.ts";
import { leavesOf } from "./leaves.ts";

const ACTION = {
  tool: "pay",
  tool_version: "1",
  manifest_digest: `sha256:${"a".repeat(64)}`,
  effect: "once",
  harm: ["money"],
} as const;
const UNTRUSTED = { origin: "untrusted", sources: [{ source: "step:2", start: 0, end: 4 }] } as const;

const asked = (args: Record<string, unknown>): Pick<Approval, "action" | "labels"> => ({
  action: { ...ACTION, harm: [...ACTION.harm], arguments: args },
  labels: { "": { origin: UNTRUSTED.origin, sources: [...UNTRUSTED.sources] } },
});

test.each(["", "{", "[]", "null", "1", '"text"', "{}x"])("%j is no call", (text) => {
  expect(editOf(text)).toEqual({ text, arguments: null });
});

test("what is as it was keeps who chose it; every other value is the approver's, and what is missing is named", () => {
  const call = asked({ to: "DE02", amount: 12, lines: ["a", "b"], note: "" });
  const after = editedLeaves(call, { to: "DE03", amount: "12", lines: ["a"], more: true, note: "" });
  expect(after.map(({ pointer, origin }) => [pointer, origin])).toEqual([
    ["/to", "approver"],
    // The same letters as text are another value.
    ["/amount", "approver"],
    ["/lines/0", "untrusted"],
    ["/more", "approver"],
    ["/note", "untrusted"],
  ]);
  const before = leavesOf(call.action.arguments, call.labels);
  expect(leftOut(before, after).map(({ pointer }) => pointer)).toEqual(["/lines/1"]);
});

const objects = fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });

test("no value that differs from what was asked keeps another's name, and all that is sent is shown", () => {
  fc.assert(
    fc.property(objects, objects, (one, other) => {
      const before: Record<string, unknown> = JSON.parse(JSON.stringify(one));
      const after: Record<string, unknown> = JSON.parse(JSON.stringify(other));
      const call = asked(before);
      const was = new Map(leavesOf(before, {}).map((leaf) => [leaf.pointer, leaf]));
      const shown = editedLeaves(call, after);
      expect(shown.map(({ pointer, text }) => [pointer, text])).toEqual(
        leavesOf(after, {}).map(({ pointer, text }) => [pointer, text]),
      );
      for (const { pointer, text, isText, origin } of shown) {
        const old = was.get(pointer);
        const isSame = old?.text === text && old.isText === isText;
        expect(origin).toBe(isSame ? "untrusted" : "approver");
      }
      expect(editedLeaves(call, before).every(({ origin }) => origin === "untrusted")).toBe(true);
    }),
    { seed: 1122, numRuns: 200 },
  );
});

test.each([
  ["action", 1, false, true],
  ["action", 2, false, false],
  ["action", 1, true, false],
  ["in_doubt", 1, false, false],
] as const)("%s, quorum %i, separate duties %s: may be edited is %s", (subject, quorum, separate, may) => {
  const requirement = { approvers: null, quorum, separate_duties: separate };
  expect(mayEdit({ subject, requirement })).toBe(may);
});
