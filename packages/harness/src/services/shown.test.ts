import { idFromUuid } from "@assent/contract";
import { expect, test } from "vitest";
import { digestOf } from "../base/digest.ts";
import { newRun } from "../core/run/new-run.ts";
import { createShown } from "./shown.ts";
import { runSummary } from "./views.ts";

const MIB = 1024 * 1024;

function shownWith(): { readonly show: (task: string) => string; readonly searched: () => number } {
  let searched = 0;
  const shown = createShown({
    redactText: (text) => {
      searched += 1;
      return text;
    },
    redactData: (data) => ({ ...data }),
    redactProblem: (problem) => problem,
  });
  const summary = runSummary({
    ...newRun({
      id: idFromUuid("run", "0".repeat(32)),
      driver: "assent" as const,
      agent: "maintainer",
      agentVersion: digestOf("agent", "of a test"),
      task: "",
      workspace: null,
      model: "scripted/a",
      labels: {},
      requestedBy: { id: idFromUuid("prn", "0".repeat(32)), kind: "human" as const, name: "somebody" },
      createdAt: new Date(0),
      traceparent: null,
    }),
    tenant: idFromUuid("ten", "0".repeat(32)),
  });
  return { show: (task) => shown.summary({ ...summary, task }).task, searched: () => searched };
}

test("a text is searched once while it is remembered, and few long ones are", () => {
  const { show, searched } = shownWith();
  const long = Array.from({ length: 12 }, (_, at) => String.fromCodePoint(97 + at).repeat(MIB));
  for (const task of [...long, long[11] ?? ""]) expect(show(task)).toBe(task);
  expect(searched()).toBe(12);
  // The oldest made room: 2 MiB each, of 16.
  show(long[0] ?? "");
  expect(searched()).toBe(13);
});

test("of short texts so many are remembered and no more", () => {
  const { show, searched } = shownWith();
  for (let at = 0; at <= 2_000; at += 1) show(`task ${at}`);
  show("task 2000");
  show("task 1");
  expect(searched()).toBe(2_001);
  show("task 0");
  expect(searched()).toBe(2_002);
});

test("what a person says with a decision is kept as it is shown, and the decision is the same", () => {
  const shown = createShown({
    redactText: (text) => text.replaceAll("hush", "[hidden]"),
    redactData: (data) => ({ ...data }),
    redactProblem: (problem) => problem,
  });
  const decision = { approval_id: "hush", decision: "deny", arguments: { text: "hush" } };
  expect(shown.said({ ...decision, comment: "Not with hush." })).toEqual({
    ...decision,
    comment: "Not with [hidden].",
  });
  expect(shown.said({ reason: "It named hush." })).toEqual({ reason: "It named [hidden]." });
  expect(shown.said(decision)).toEqual(decision);
});
