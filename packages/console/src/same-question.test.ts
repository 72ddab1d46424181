import { type Approval, type WaitingCall, waitingCallSchema } from "@assent/contract";
import { expect, test } from "vitest";
import { alikeOf, type Compared, countsOfLike, mayBeTogether, othersLike } from "./same-question.ts";

const SHA = (digit: string): `sha256:${string}` => `sha256:${digit.repeat(64)}`;
const idOf = <const K extends string>(kind: K, digit: string): `${K}_${string}` =>
  `${kind}_${digit.repeat(32)}`;

type Label = Approval["labels"][string];
const chosenBy = (origin: Label["origin"], source = "task"): Label => ({
  origin,
  sources: [{ source, start: 0, end: 5 }],
});

const CALL = {
  approval_id: idOf("apr", "a"),
  run_id: idOf("run", "a"),
  step: 2,
  status: "open",
  summary: "Take a note",
  requested_at: "2026-11-22T10:00:00.000Z",
  expires_at: "2026-11-23T10:00:00.000Z",
  record: {
    v: 1,
    run_id: idOf("run", "a"),
    step: 2,
    at: "2026-11-22T10:00:00.000Z",
    requester: { id: "prn_1", kind: "human", name: "ben" },
    agent: { name: "maintainer", version: SHA("1") },
    action: {
      tool: "take_note",
      tool_version: "1",
      manifest_digest: SHA("2"),
      effect: "idempotent",
      harm: ["write"],
      arguments: { text: "hello", of: { a: 1, b: 2 } },
    },
    labels: { "/text": chosenBy("trusted"), "/of": chosenBy("model", "step:1") },
    tainted: false,
    askable: true,
    planned: false,
    circumstances: { named: true, repeated: false, alarm: 0 },
    policy_version: SHA("3"),
    decision: {
      verdict: "needs_approval",
      reasons: [{ code: "needs_approval", policy: "ask", detail: "Asked." }],
    },
  },
  requirement: { approvers: null, quorum: 1, separate_duties: false, timeout_ms: 1_000 },
  agent_version: SHA("1"),
  manifest: null,
  destination: null,
  outcome: "unchanged",
  reasons: [],
} as const;

const own = waitingCallSchema.parse(CALL);

/** Another one, with what is at the path changed. */
function other(path = "", value: unknown = null): WaitingCall {
  const call: unknown = structuredClone({ ...CALL, approval_id: idOf("apr", "b"), run_id: idOf("run", "b") });
  const names = path.split("/").filter((name) => name !== "");
  const last = names.pop();
  let at = call;
  for (const name of names) at = Object.getOwnPropertyDescriptor(at, name)?.value;
  if (last !== undefined && typeof at === "object" && at !== null)
    Object.assign(at, { [last.replaceAll("~1", "/")]: value });
  return waitingCallSchema.parse(call);
}

const isAlike = (call: WaitingCall): boolean => othersLike([own, call], own.approval_id).length === 1;

test.each([
  ["another run, step and time", other()],
  ["who asked for the run", other("record/requester", { id: "prn_2", kind: "human", name: "eve" })],
  ["where in the text a value stands", other("record/labels/~1text", chosenBy("trusted", "system"))],
  ["the order of names", other("record/action/arguments", { of: { b: 2, a: 1 }, text: "hello" })],
  ["when it ends", other("expires_at", "2026-11-24T10:00:00.000Z")],
])("two calls ask the same whatever may be said of %s", (_, call) => {
  expect(isAlike(call)).toBe(true);
  expect([...countsOfLike([own, call])]).toEqual([
    [own.approval_id, 2],
    [call.approval_id, 2],
  ]);
});

test.each([
  ["a value", other("record/action/arguments", { text: "hello ", of: { a: 1, b: 2 } })],
  ["a value's kind", other("record/action/arguments", { text: "hello", of: { a: "1", b: 2 } })],
  ["a name more", other("record/action/arguments", { text: "hello", of: { a: 1, b: 2 }, c: null })],
  ["the tool", other("record/action/tool", "take_notes")],
  ["its version", other("record/action/tool_version", "2")],
  ["its manifest", other("record/action/manifest_digest", SHA("9"))],
  ["its harm", other("record/action/harm", [])],
  ["who chose a value", other("record/labels/~1text", chosenBy("model"))],
  ["the agent", other("record/agent", { name: "other", version: SHA("1") })],
  ["how the agent is defined", other("record/agent", { name: "maintainer", version: SHA("9") })],
  ["the rules", other("record/policy_version", SHA("9"))],
  ["which rule asks", other("record/decision/reasons", [])],
  ["what else the run did", other("record/circumstances/repeated", true)],
  ["what the run had read", other("record/tainted", true)],
  ["who has to agree", other("requirement/quorum", 2)],
  ["what the tool says of it", other("summary", "Take another")],
  ["where it would go", other("destination", "destination:x")],
])("two calls that differ in %s do not ask the same", (_, call) => {
  expect(isAlike(call)).toBe(false);
  expect(countsOfLike([own, call]).size).toBe(0);
});

test.each([
  ["an effect that happens once", other("record/action/effect", "once")],
  ["money", other("record/action/harm", ["write", "money"])],
  ["a message to the outside", other("record/action/harm", ["egress"])],
  ["a value that untrusted text chose", other("record/labels/~1text", chosenBy("untrusted", "step:1"))],
  ["a value of a model that had read untrusted text", other("record/tainted", true)],
  ["a value that nobody knows the author of", other("record/labels", { "/text": chosenBy("trusted") })],
  ["an answer that is there already", other("status", "approved")],
  ["an answer that would not stand", other("outcome", "asked_again")],
])("nothing is answered together with others that is or has %s, not with its like either", (_, call) => {
  expect(mayBeTogether(call)).toBe(false);
  const twin: WaitingCall = { ...call, approval_id: idOf("apr", "c") };
  expect(othersLike([call, twin], call.approval_id)).toEqual([]);
  expect(countsOfLike([call, twin]).size).toBe(0);
});

test("a call that is not listed has no like", () => {
  expect(othersLike([own], idOf("apr", "d"))).toEqual([]);
});

function standing(
  change: Partial<Compared["approval"]> = {},
  ofRun: Partial<Compared["run"]> = {},
): Compared {
  const { action, labels, decision } = own.record;
  return {
    approval: {
      status: "open",
      subject: "action",
      action,
      labels,
      decision,
      summary: "Take a note",
      preview: "+hello",
      requirement: own.requirement,
      edited_arguments: null,
      ...change,
    },
    run: {
      agent: "maintainer",
      agent_version: SHA("1"),
      workspace: { name: "assent", commit: "abc" },
      ...ofRun,
    },
  };
}

test.each<[string, Compared, boolean]>([
  ["nothing else", standing(), true],
  ["what would change", standing({ preview: "-hello" }), false],
  ["another workspace", standing({}, { workspace: { name: "other", commit: "abc" } }), false],
  ["another commit of it", standing({}, { workspace: { name: "assent", commit: "abd" } }), false],
  ["no workspace", standing({}, { workspace: null }), false],
  ["an answer by now", standing({ status: "approved" }), false],
  ["a call that was changed", standing({ edited_arguments: { text: "bye" } }), false],
  ["an outcome that nobody knows", standing({ subject: "in_doubt" }), false],
])("looked at whole, a call with %s is answered together or not", (_, found, isSame) => {
  expect(alikeOf(standing(), [found])).toEqual(isSame ? [found] : []);
  if (found.approval.status !== "open") expect(alikeOf(found, [standing()])).toEqual([]);
});
