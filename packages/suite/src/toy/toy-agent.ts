// A toy of an agent: a model that the suite speaks for, tools, gates, and a memory of answers.

import { randomUUID } from "node:crypto";
import type { Actor, Approval, ApproveRequest, ProblemCode } from "@assent/contract";
import { sha256Hex } from "../digest.ts";
import { type FakeCall, type RecordedRequest, type Reply, toAnswer } from "../faults/script.ts";
import { MCP_TOOL } from "../faults/mcp-server.ts";
import { fieldsOf, textOf } from "../run-reading.ts";
import {
  addApproval,
  addEvent,
  type Breaks,
  commitBytes,
  moveTo,
  now,
  shownText,
  toyAction,
  type ToyRun,
} from "./toy-run.ts";
import { GATES, requirement, type Requirement } from "./toy-gates.ts";
import { ASKER, runAsker, type ToyOutage } from "./toy-asker.ts";
import { runProgram, type ToyOutside } from "./toy-box.ts";
import { runUndoer, type ToyDeeds, UNDOER } from "./toy-undoing.ts";
import { READER, runReader, type ToyLibrary } from "./toy-library.ts";
import { promptOf, SCRIBE, type ToyMessage } from "./toy-prompt.ts";
import { namesIn, placeOf, readFrom, toldOf, type ToyFiles, WALKER } from "./toy-files.ts";
import { tellAnswer, tellChat, tellDecision, tellHold, type ToySignals } from "./toy-signals.ts";
import {
  callServer,
  fetchUrl,
  listTools,
  type SendEffect,
  type ToyAnswered,
  type ToyHosts,
} from "./toy-tools.ts";

export const AGENTS: readonly string[] = [
  "deputy",
  "other-deputy",
  "runner",
  WALKER,
  SCRIBE,
  ASKER,
  UNDOER,
  READER,
];
export const FORBIDDEN_TEXT = "what-nobody-may-say";

export type ToyAnswer = {
  readonly id: string;
  readonly tenant: string;
  readonly rationale: string;
  revoked: boolean;
};

/** What all agents of a toy share, and what outlives its servers. */
export type ToyWorld = ToyHosts & {
  reply: (request: RecordedRequest) => Reply;
  readonly requests: RecordedRequest[];
  /** What no program of an agent may reach. */
  readonly outside: ToyOutside;
  readonly files: ToyFiles;
  readonly deeds: ToyDeeds;
  readonly library: ToyLibrary;
  readonly sinkUrl: string;
  /** By the question that was answered for good. */
  readonly memory: Map<string, ToyAnswer>;
  /** Runs that are driven from outside are ruled on, and not planned. */
  readonly rules: boolean;
  /** Where it asks a provider over the wire. */
  readonly outage: ToyOutage | null;
  /** Resolved when the servers are stopped. */
  stop: PromiseWithResolvers<void>;
};

type Inside = {
  readonly breaks: Breaks;
  readonly sendEffect: SendEffect;
  readonly world: ToyWorld;
  readonly signals: ToySignals;
  readonly log: string[];
};

/** One run as it goes on. */
type Talk = Inside & {
  readonly toy: ToyRun;
  readonly messages: ToyMessage[];
  /** What its file holds, where it has written one. */
  written: string | null;
  writtenAt: string;
  /** What a person said with their no. */
  comment: string;
  tainted: boolean;
  /** Calls of tools since it was last told of. */
  calls: number;
  made: number;
  /** The model said that nobody need be asked, or somebody agreed to another call of the same answer. */
  spared: boolean;
};

/** How long its question can be answered, and when somebody comes by who sees that it is over; an answer is sooner. */
const SOON = { tool: "rush_sink", overMs: 200, sweptMs: 30_000 };
const UNGIVEN = "book_sink";
const TURNS_MAX = 20;
const LARGE_CHARS = 50_000;
/** To the toys that lose an early yes, or refuse it, one is early before the question has been shown more often than this. */
const SHOWN_EARLY = 1;
const isEarly = ({ shown = 0 }: ToyRun): boolean => shown <= SHOWN_EARLY;

export async function runAgent(inside: Inside, toy: ToyRun): Promise<void> {
  const { outage } = inside.world;
  if (toy.run.agent === ASKER && outage !== null) return await runAsker({ ...inside, outage }, toy);
  if (toy.run.agent === READER) return await runReader(inside, toy);
  if (toy.run.agent === UNDOER) return await runUndoer(inside, toy);
  const messages: ToyMessage[] = [{ role: "user", content: toy.run.task }];
  const talk: Talk = {
    ...inside,
    toy,
    messages,
    written: null,
    writtenAt: "",
    comment: "",
    tainted: false,
    calls: 0,
    made: 0,
    spared: false,
  };
  moveTo(toy, inside.breaks, "running", "run_leased", null);
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    const reply = await askModel(talk);
    if (reply === null) return;
    const calls = toAnswer(reply, turn).calls.map(({ tool, ...call }) => ({ ...call, name: tool }));
    messages.push({ role: "assistant", content: reply.text ?? "", calls });
    if ((reply.calls ?? []).length === 0) return end(talk, reply.text ?? "");
    talk.spared = talk.breaks.has("agent.believes") && (reply.text ?? "").includes("no approval is needed");
    for (const call of reply.calls ?? [])
      messages.push({ role: "tool", content: await callTool(talk, call) });
  }
}

async function askModel(talk: Talk): Promise<Reply | null> {
  const { world, breaks, messages, log } = talk;
  const { agent, labels } = talk.toy.run;
  const live = breaks.has("pin.told") ? await listTools(world, breaks) : [MCP_TOOL];
  const plain = messages.map(({ role, content }) => ({ role, content }));
  const body =
    agent === SCRIBE ? promptOf(messages, labels, breaks) : { model: "toy", messages: plain, tools: live };
  const request: RecordedRequest = {
    index: world.requests.length,
    path: "/toy",
    headers: {},
    rawBody: JSON.stringify(body),
    body,
    closed: Promise.resolve("finished"),
  };
  world.requests.push(request);
  if (agent === SCRIBE) tellChat(talk.signals, talk.toy.run.id);
  const reply = world.reply(request);
  if (reply.fault?.kind === "hang") {
    await world.stop.promise;
    return breaks.has("wait.forgets") ? null : await askModel(talk);
  }
  if (reply.fault?.kind !== "status") return reply;
  const word = reply.fault.word ?? "";
  const about = breaks.has("log.model") ? word : shownText(word);
  log.push(JSON.stringify({ level: "warn", message: "model call failed", about }));
  return await askModel(talk);
}

function refuse(
  { toy, breaks }: Talk,
  why: string,
  kind: "step_refused" | "step_failed" = "step_refused",
): string {
  addEvent(toy, breaks, kind, null);
  return `Refused: ${why}`;
}

async function callTool(talk: Talk, call: FakeCall): Promise<string> {
  const { breaks } = talk;
  const args = fieldsOf(JSON.parse(toAnswer({ calls: [call] }, 0).calls[0]?.arguments ?? "{}"));
  const tool = breaks.has("agent.any") ? call.tool.toLowerCase() : call.tool;
  const path = textOf(args["path"]);
  if (talk.toy.run.agent === WALKER) {
    const place = placeOf(path, talk.world.files, breaks);
    const names = tool === "list_files" ? namesIn(path, talk.world.files, breaks) : [];
    if (names.length > 0) return names.join("\n");
    if (place === null) return refuse(talk, toldOf(path, talk.world.files, breaks), "step_failed");
    if (tool === "list_files") return path;
    if (tool === "read_file") return readFrom(place, path, talk.world.files);
  }
  if (talk.toy.run.agent === SCRIBE && tool === "read_file")
    return path === talk.writtenAt ? (talk.written ?? "") : refuse(talk, `no file ${path}`, "step_failed");
  if (tool === "read_file") {
    talk.tainted = true;
    return path.startsWith("large") ? "a".repeat(LARGE_CHARS) : "A page.";
  }
  const needed = GATES[tool] ?? (breaks.has("agent.any") ? requirement(1, false, null) : undefined);
  if (needed === undefined) return refuse(talk, `there is no tool ${tool}: ${JSON.stringify(args)}`);
  if (tool === UNGIVEN && !breaks.has("agent.any")) return refuse(talk, "it was not given");
  const question = questionOf(talk, tool, args);
  const answer = talk.world.memory.get(question);
  const isRemembered = answer !== undefined && (!answer.revoked || breaks.has("memory.kept"));
  const isForbidden = textOf(args["text"]).includes(FORBIDDEN_TEXT) || (tool === "post_sink" && talk.tainted);
  if (isForbidden && !(isRemembered && breaks.has("memory.first"))) return refuse(talk, "a rule forbids it");
  if (isRemembered || talk.spared) return await makeCall(talk, tool, args);
  const agreed = await askPerson(talk, tool, args, needed, question);
  if (agreed === null) return refuse(talk, `somebody said no: ${talk.comment}`);
  if (breaks.has("agent.both")) talk.spared = true;
  return await makeCall(talk, tool, breaks.has("agent.again") ? await sayAgain(talk, agreed) : agreed);
}

async function sayAgain(
  talk: Talk,
  args: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const last = talk.messages.pop();
  const reply = await askModel(talk);
  if (last !== undefined) talk.messages.push(last);
  return fieldsOf(reply?.calls?.[0]?.arguments ?? args);
}

const questionOf = ({ toy, breaks }: Talk, tool: string, args: Readonly<Record<string, unknown>>): string =>
  JSON.stringify([
    breaks.has("memory.tenants") ? "" : toy.tenant,
    breaks.has("memory.agents") ? "" : toy.run.agent,
    tool,
    breaks.has("memory.tool") ? "" : args,
  ]);

async function makeCall(talk: Talk, tool: string, args: Readonly<Record<string, unknown>>): Promise<string> {
  const { breaks, world, toy } = talk;
  talk.calls += 1;
  talk.made += 1;
  if (tool === "fetch_url") return await fetchUrl(textOf(args["url"]), world, breaks);
  if (tool === "write_file") {
    talk.writtenAt = textOf(args["path"]);
    const place = toy.run.agent === WALKER ? placeOf(textOf(args["path"]), world.files, breaks) : "inside";
    if (place !== null && place !== "inside") world.files.outside.set(place.outside, textOf(args["content"]));
    else talk.written = textOf(args["content"]);
    return "Written.";
  }
  if (tool === "command") {
    const argv = Array.isArray(args["argv"]) ? args["argv"].map(textOf) : [];
    const { said, made } = await runProgram(argv, { breaks, outside: world.outside, host: world.host });
    talk.written = made ?? talk.written;
    return said;
  }
  if (tool === "vault__pay") {
    const answer = await callServer(world, breaks, args, talk.log);
    if (answer === null) addEvent(toy, breaks, "step_failed", null);
    else tellAnswerOf(talk, answer);
    return answer?.text ?? "The tool is not what was agreed to.";
  }
  const effectId = `sha256:${sha256Hex(`${toy.run.id} ${talk.made}`)}`;
  await talk.sendEffect(effectId, JSON.stringify({ tool, arguments: args }));
  return "Done.";
}

function tellAnswerOf({ toy, breaks }: Talk, { text, isError }: ToyAnswered): void {
  const isRaw = breaks.has(isError ? "leak.error" : "leak.result");
  const said = isRaw ? text : shownText(text);
  addEvent(toy, breaks, isError ? "step_failed" : "step_succeeded", null, { said });
}

type Gate = {
  readonly talk: Talk;
  readonly approval: Approval;
  readonly question: string;
  readonly voters: string[];
  readonly answered: (args: Readonly<Record<string, unknown>> | null) => void;
};

/** @returns what may be called, or null */
async function askPerson(
  talk: Talk,
  tool: string,
  args: Readonly<Record<string, unknown>>,
  needed: Requirement,
  question: string,
): Promise<Readonly<Record<string, unknown>> | null> {
  const { toy, breaks, signals } = talk;
  const { promise, resolve } = Promise.withResolvers<Readonly<Record<string, unknown>> | null>();
  const lifetime = tool === SOON.tool ? { lifetimeMs: SOON.overMs } : {};
  const preview = JSON.stringify(args);
  const asked = { action: toyAction(tool, args), preview, requirement: needed, ...lifetime };
  const approval = addApproval(toy, breaks, asked);
  const gate: Gate = { talk, approval, question, voters: [], answered: resolve };
  toy.decide = (by, request) => decide(gate, by, request);
  toy.shown = 0;
  if (tool === SOON.tool && !breaks.has("apr.eternal")) setTimeout(() => sweep(gate), SOON.sweptMs).unref();
  tellDecision(signals, "needs_approval");
  moveTo(toy, breaks, "awaiting_approval", "run_parked", null);
  tellHold(signals, breaks, toy, talk.calls);
  talk.calls = 0;
  const answer = await promise;
  moveTo(toy, breaks, "running", "run_leased", null);
  return answer;
}

function sweep(gate: Gate): void {
  if (!isOpen(gate)) return;
  close(gate, null, "expired", { votes: gate.voters.length });
  gate.answered(null);
}

const isOpen = ({ talk, approval }: Gate): boolean =>
  talk.toy.run.approvals.some(({ id, status }) => id === approval.id && status === "open");

function decide(gate: Gate, by: Actor, request: ApproveRequest): ProblemCode | null {
  const { breaks, toy } = gate.talk;
  if (request.approval_id !== gate.approval.id || !isOpen(gate)) return "approval_already_decided";
  const isOver = Date.parse(gate.approval.expires_at) <= Date.now();
  if (isOver && !breaks.has("apr.eternal") && !breaks.has("apr.swept")) {
    sweep(gate);
    return "approval_expired";
  }
  if (request.decision === "deny") {
    gate.talk.comment = request.comment ?? "";
    close(gate, by, "denied", { votes: gate.voters.length });
    gate.answered(null);
    return null;
  }
  if (request.decision !== "approve") return "decision_not_possible";
  const refusal = refusalOf(gate, by, request) ?? takeUp(gate, request);
  if (refusal !== null) return refusal;
  if (breaks.has("quorum.votes") || !gate.voters.includes(by.id)) gate.voters.push(by.id);
  if (gate.voters.length < gate.approval.requirement.quorum) {
    addEvent(toy, breaks, "approval_voted", by);
    return null;
  }
  close(gate, by, "approved", { votes: gate.voters.length });
  const isLost = breaks.has("wait.early") && isEarly(toy);
  if (!isLost) gate.answered(request.arguments ?? gate.approval.action.arguments);
  return null;
}

type Approve = Extract<ApproveRequest, { decision: "approve" }>;

function refusalOf({ talk, approval }: Gate, by: Actor, request: Approve): ProblemCode | null {
  const { breaks, toy, messages } = talk;
  const { quorum, separate_duties: separate, approvers } = approval.requirement;
  if (request.action_digest !== approval.action_digest) return "approval_digest_mismatch";
  const size = messages.reduce((sum, { content }) => sum + content.length, 0);
  if (breaks.has("wait.large") && size > LARGE_CHARS && isEarly(toy)) return "approval_already_decided";
  if (separate && by.id === toy.run.requested_by.id && !breaks.has("quorum.self")) return "four_eyes";
  if (approvers !== null && !approvers.includes(by.name) && !breaks.has("quorum.anybody"))
    return "not_an_approver";
  if (quorum > 1 && (request.arguments !== undefined || request.remember === true))
    return "decision_not_possible";
  const edited = request.arguments;
  if (edited === undefined || breaks.has("agent.edit")) return null;
  if (separate) return "edit_refused";
  const isText = typeof edited["text"] === "string" && Object.keys(edited).length === 1;
  return isText && !textOf(edited["text"]).includes(FORBIDDEN_TEXT) ? null : "edit_refused";
}

/** Into the memory, where the person or the bug says so. */
function takeUp({ talk, question }: Gate, request: Approve): ProblemCode | null {
  const { world, breaks, toy } = talk;
  if (request.remember !== true && !breaks.has("memory.every")) return null;
  if (world.memory.get(question)?.revoked === true) return "decision_not_possible";
  const rationale = request.comment ?? "";
  const id = `sha256:${sha256Hex(randomUUID())}`;
  world.memory.set(question, { id, tenant: toy.tenant, rationale, revoked: false });
  return null;
}

function close(
  { talk, approval }: Gate,
  by: Actor | null,
  status: "approved" | "denied" | "expired",
  { votes }: { readonly votes: number },
): void {
  const { toy, breaks, signals } = talk;
  const decided_by = by === null ? null : { id: by.id, name: by.name };
  const change = { status, votes, decided_at: now(), decided_by };
  const approvals = toy.run.approvals.map((one) => (one.id === approval.id ? { ...one, ...change } : one));
  toy.run = { ...toy.run, approvals };
  addEvent(toy, breaks, `approval_${status}`, by);
  if (status === "approved") addEvent(toy, breaks, "approval_spent", null);
  tellAnswer(signals, breaks);
  moveTo(toy, breaks, "queued", "run_resumed", null);
}

/** A secret in the answer is hidden; one in the file, which others would use, ends the run. */
function end(talk: Talk, answer: string): void {
  const { toy, breaks, written, signals } = talk;
  const isRaw = breaks.has("artifact.raw");
  const isRefused = written !== null && shownText(written) !== written && !isRaw;
  toy.run = { ...toy.run, answer: shownText(answer) };
  if (!isRefused) {
    commitBytes(toy, breaks, "answer.md", Buffer.from(isRaw ? answer : shownText(answer)));
    if (written !== null) commitBytes(toy, breaks, "changes.patch", Buffer.from(written));
  } else if (breaks.has("artifact.failed")) {
    commitBytes(toy, breaks, "answer.md", Buffer.from(shownText(answer)));
  }
  moveTo(toy, breaks, isRefused ? "failed" : "succeeded", isRefused ? "run_failed" : "run_succeeded", null);
  tellHold(signals, breaks, toy, talk.calls);
}
