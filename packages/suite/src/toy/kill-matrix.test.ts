// Who tests the tester: every scenario passes on the good toy, and every bug is found by the scenario that is there to
// find it. A scenario that no bug can fail would be a check that cannot fail. The gate tries every other bug and of each
// scenario the first, the night all.

import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { SCENARIOS } from "../catalogue.ts";
import { fieldsOf, readRun, TERMINAL_STATES } from "../run-reading.ts";
import { runTrial } from "../runner.ts";
import type { Trial } from "../evidence.ts";
import type { Pace } from "../scenario.ts";
import { type Bug, BUGS, isBug } from "./bugs.ts";
import { createToyTarget, type Shown } from "./toy-target.ts";

const PATIENT = { waitMsMax: 120_000, holdMs: 150 };
/** Bugs that keep something from ever coming, which is waited for in vain. */
const IN_VAIN: readonly Bug[] = [
  ...([
    "flood.lost",
    "atom.burnt",
    "db.blind",
    "db.dead",
    "state.stuck",
    "end.lost",
    "deny.stuck",
    "wait.early",
    "wait.forgets",
  ] as const),
  ...([
    "trace.orphan",
    "trace.split",
    "metric.request",
    "metric.event",
    "metric.wait",
    "metric.tool",
  ] as const),
  ...(["log.error", "log.warns", "log.lines"] as const),
];
const paceFor = (bug: Bug): Pace => (IN_VAIN.includes(bug) ? { ...PATIENT, waitMsMax: 5_000 } : PATIENT);
const SEED = 42;

// Which scenario must find it, and the words of the claim that must be the one to fail: a trial that fails for another
// reason has not found the bug. What keeps the question from being put is INCONCLUSIVE, which never counts as passed.
const KILLS: Record<Bug, readonly [scenario: string, claim: string, verdict?: "INCONCLUSIVE"]> = {
  "idem.race": ["idempotency", "they all name one run"],
  "idem.body": ["idempotency", "another body under the same key"],
  "idem.task": ["idempotency", "a body that differs in one member is another body"],
  "idem.global": ["idempotency", "the same key of somebody else"],
  "idem.memory": ["idempotency", "a later repetition gets the first answer"],
  "idem.optional": ["idempotency", "no idempotency key is refused"],
  "idem.silent": ["idempotency", "all but one say that they are a repetition"],
  "idem.twin": ["idempotency", "the list holds one run"],
  "idem.case": ["idempotency", "another key is another run"],
  "idem.cut": ["idempotency", "another key is another run"],
  "idem.route": ["idempotency", "the answer to a submission is none to another request"],
  "idem.now": ["idempotency", "a repetition still gets the first answer"],
  "run.owner": ["idempotency", "a run says who asked for it"],
  "flood.lost": ["high_concurrency", "the run goes on after each answer"],
  "flood.twin": ["high_concurrency", "the list holds every accepted run once"],
  "flood.mute": ["high_concurrency", "a refusal says when to come again"],
  "atom.half": ["atomicity", "nothing is stored without what it belongs to"],
  "atom.orphan": ["atomicity", "nothing is stored without what it belongs to"],
  "atom.burnt": ["atomicity", "a repetition under the same key succeeds"],
  "atom.early": ["atomicity", "an accepted run can be read"],
  "atom.memory": ["atomicity", "the list holds each run once and no other"],
  "atom.deaf": ["atomicity", "a yes that was answered with 200 is kept"],
  "atom.effect": ["atomicity", "nothing is done while it is not written that somebody agreed"],
  "db.buffer": ["db_contention", "nobody is told that a run is taken in while none can be written"],
  "db.once": ["db_contention", "a quarrel among transactions is not the caller's business"],
  "db.storm": ["db_contention", "and was met in a bounded number of tries"],
  "db.blind": ["db_contention", "without a free connection a server says that it is not ready"],
  "db.dead": ["db_contention", "with its database back it is ready again"],
  "tenant.open": ["idempotency", "a run of another tenant does not exist"],
  "tenant.tell": ["idempotency", "a run of another tenant does not exist"],
  "tenant.lists": ["idempotency", "no list of another tenant's holds a run of ours"],
  "tenant.events": ["idempotency", "no way to a run is another tenant's"],
  "tenant.streams": ["idempotency", "no way to a run is another tenant's"],
  "tenant.cancels": ["idempotency", "no way to a run is another tenant's"],
  "tenant.artifacts": ["happy_path", "no artifact of ours is another tenant's"],
  "tenant.cursor": ["idempotency", "no list of another tenant's goes on with runs of ours"],
  "tenant.denies": ["approval_binding", "another tenant's decision is refused, a no too"],
  "tenant.decides": ["approval_binding", "another tenant's decision is refused"],
  "auth.none": ["happy_path", "whoever shows no valid key gets a 401"],
  "auth.reads": ["happy_path", "whoever shows no valid key gets a 401"],
  "auth.submits": ["happy_path", "whoever shows no valid key gets a 401"],
  "run.any": ["idempotency", "an id that no run has is refused"],
  "loc.wrong": ["idempotency", "the place that they point to is the run"],
  "loc.missing": ["idempotency", "they all point to one place"],
  "err.html": ["idempotency", "no idempotency key is refused"],
  "apr.race": ["state_machine", "each gate was decided once"],
  "apr.again": ["state_machine", "each gate was decided once"],
  "apr.prefix": ["approval_binding", "which begins as its own is refused"],
  "apr.case": ["approval_binding", "shows its digest in another case is refused"],
  "apr.vote": ["state_machine", "the opposite vote comes too late"],
  "apr.other": ["state_machine", "every invariant that can be seen from outside"],
  "gate.deaf": ["state_machine", "an approval of a cancelled run is refused"],
  "state.loose": ["state_machine", "a finished run cannot be cancelled"],
  "state.bump": ["state_machine", "refused requests add no event"],
  "code.loose": ["state_machine", "the code refuses every illegal pair"],
  "code.strict": ["state_machine", "every legal move can be made"],
  "db.loose": ["state_machine", "the database accepts the legal moves and refuses"],
  "apr.stray": ["approval_binding", "another's digest is refused"],
  "apr.forged": ["approval_binding", "approvals that a client brings along are not believed"],
  "apr.late": ["approval_binding", "a yes after a no comes too late"],
  "apr.eternal": ["approval_lifecycle", "a yes after its time is refused"],
  "apr.swept": ["approval_lifecycle", "a yes after its time is refused"],
  "deny.stuck": ["approval_binding", "the run goes on after each no"],
  "vote.each": ["approval_binding", "of opposite votes in the same moment one is taken"],
  "deny.later": ["approval_binding", "carried out once"],
  "cancel.later": ["state_machine", "the approved effect happened once"],
  "cancel.overrun": ["state_machine", "a run that was called off is cancelled"],
  "deny.runs": ["approval_binding", "a declined call has no effect"],
  "sig.optional": ["replay_attack", "401: the bearer key alone, to read"],
  "sig.anyone": ["replay_attack", "401: a signature beside somebody else's bearer key"],
  "sig.nonce": ["replay_attack", "401: the same bytes at once"],
  "sig.few": ["replay_attack", "401: accepted bytes, after 120 others"],
  "sig.entrance": ["replay_attack", "401: the bearer key alone, to read"],
  "sig.race": ["replay_attack", "of copies that race one is taken"],
  "sig.local": ["replay_attack", "401: the same bytes at another server"],
  "sig.memory": ["replay_attack", "401: accepted bytes, after a restart"],
  "sig.burns": ["replay_attack", "202: the bytes as they stood"],
  "sig.window": ["replay_attack", "401: signed before the window"],
  "sig.narrow": ["replay_attack", "202: signed within the window, by a clock that is off"],
  "sig.body": ["replay_attack", "401: another body"],
  "sig.path": ["replay_attack", "401: another path"],
  "sig.query": ["replay_attack", "401: another query"],
  "sig.silent": ["replay_attack", "each refusal leaves an access event"],
  "apr.unbound": ["happy_path", "an approval of another digest is refused"],
  "gate.none": ["happy_path", "the run stops at the gate"],
  "gate.late": ["happy_path", "nothing happens before a person agrees"],
  "gate.auto": ["happy_path", "without an answer the run waits"],
  "state.stuck": ["happy_path", "the run goes on after each answer"],
  "effect.twice": ["happy_path", "effects at the tool sink"],
  "retry.fresh": ["queue_retry", "no step has a second effect"],
  "retry.bare": ["queue_retry", "no step has a second effect"],
  "dead.mute": ["queue_retry", "a dead letter says why it is one"],
  "redrive.again": ["queue_retry", "it is redriven by one new run"],
  "audit.gap": ["happy_path", "versions rise from 1 without gaps"],
  "audit.rewritten": ["happy_path", "what was recorded at the gate is recorded still"],
  "audit.memory": ["idempotency", "what was recorded before a restart is there after it"],
  "audit.digest": ["happy_path", "every event matches its digest"],
  "audit.somebody": ["happy_path", "each approval names the person whom the run names"],
  "audit.actor": ["happy_path", "each approval names the person"],
  "artifact.flagfirst": ["happy_path", "an artifact's bytes match its digest"],
  "artifact.none": ["happy_path", "a finished run has artifacts"],
  "stream.order": ["happy_path", "the stream has the list's events"],
  "stream.deaf": ["happy_path", "a stream taken up again goes on"],
  "etag.fixed": ["happy_path", "a changed run has another ETag"],
  "artifact.optimist": ["artifact_writer", "the bytes of changes.patch are complete"],
  "artifact.volatile": ["artifact_writer", "artifact changes.patch can be fetched"],
  "artifact.fewer": ["artifact_writer", "a store that failed once leaves each artifact, and each once"],
  "artifact.readback": ["artifact_writer", "none of them is the beginning of what it is without that"],
  "artifact.twice": ["artifact_writer", "a store that failed once leaves each artifact, and each once"],
  "end.told": ["artifact_writer", "no event says that it has succeeded before all is written"],
  "end.listed": ["artifact_writer", "no list says that it has ended before all is written"],
  "end.early": ["artifact_writer", "a run has not ended before all of its end is written"],
  "end.lost": ["artifact_writer", "the run gets to be"],
  "end.again": ["artifact_writer", "and what it did is not done again"],
  "leak.label": ["secret_redaction", "the answer to a submission holds no secret"],
  "leak.middle": ["secret_redaction", "the answer to a submission holds no secret"],
  "leak.whole": ["secret_redaction", "what is no secret is shown beside what is"],
  "leak.nothing": ["secret_redaction", "what is no secret is shown beside what is"],
  "log.raw": ["secret_redaction", "log holds no secret"],
  "trace.orphan": ["happy_path", "every span's parent was sent as well"],
  "trace.split": ["happy_path", "a span and its parent are of one trace"],
  "metric.request": ["happy_path", "metrics count at least what the trial itself saw happen"],
  "metric.event": ["happy_path", "metrics count at least what the trial itself saw happen"],
  "metric.wait": ["happy_path", "the metrics that the scenario implies rose"],
  "metric.tool": ["happy_path", "metrics and spans tell of the same calls"],
  "log.error": ["happy_path", "no error is logged but those that the scenario provokes"],
  "log.warns": ["happy_path", "no warning is logged but those that the scenario announces"],
  "log.lines": ["happy_path", "every line of the log is one record"],
  "leak.once": ["secret_redaction", "the answer to a submission holds no secret"],
  "leak.far": ["secret_redaction", "the answer to a submission holds no secret"],
  "leak.ascii": ["secret_redaction", "the answer to a submission holds no secret"],
  "leak.comment": ["secret_redaction", "the view of the run holds no secret"],
  "leak.key": ["happy_path", "every invariant that can be seen from outside"],
  "agent.again": ["approval_lifecycle", "what was shown is what is made"],
  "agent.believes": ["approval_lifecycle", "what a model says of the risk lowers no gate"],
  "agent.both": ["approval_lifecycle", "a yes to one of two calls is none to the other"],
  "agent.edit": ["approval_lifecycle", "an edit that a rule forbids is refused"],
  "agent.any": ["approval_lifecycle", "a tool that the agent was not given is not called"],
  "wait.early": ["waiting_and_going_on", "the run gets to be succeeded"],
  "wait.large": ["waiting_and_going_on", "a yes is never too early"],
  "wait.forgets": ["waiting_and_going_on", "the run gets to be awaiting_approval"],
  "quorum.votes": ["quorum_and_four_eyes", "one person has said yes several times: the call still waits"],
  "quorum.self": ["quorum_and_four_eyes", "the yes of whoever asked for the run is refused"],
  "quorum.anybody": ["quorum_and_four_eyes", "whoever the rule does not name cannot agree"],
  "memory.every": ["remembered_answers", "a yes for this once is for this once"],
  "memory.tool": ["remembered_answers", "another argument is another question"],
  "memory.agents": ["remembered_answers", "another agent's question is another"],
  "memory.tenants": ["remembered_answers", "another tenant is asked itself"],
  "memory.first": ["remembered_answers", "a deny of the rules outranks what was remembered"],
  "memory.kept": ["remembered_answers", "what was taken back answers nothing"],
  "plan.tool": ["plan_approval", "a slot is empty until its tool has answered"],
  "plan.part": ["plan_approval", "another amount is no call of the plan"],
  "plan.again": ["plan_approval", "and is good for one"],
  "plan.open": ["plan_approval", "a plan that nobody has agreed to permits nothing"],
  "plan.declined": ["plan_approval", "a plan that was declined permits nothing"],
  "plan.late": ["plan_approval", "after untrusted text no plan is taken"],
  "plan.slot": ["plan_approval", "more than a slot's value is no call of the plan"],
  "plan.alone": ["plan_approval", "the rules agree to nothing that a person would be asked about"],
  "rule.known": ["allow_deny", "a recipient whom nobody has named: no rule permits it"],
  "rule.listed": ["allow_deny", "a recipient whom nobody has named: no rule permits it"],
  "rule.newest": ["allow_deny", "a text of the first of two notes: no rule permits it"],
  "rule.part": ["allow_deny", "a recipient that is the end of the one named: no rule permits it"],
  "rule.again": ["allow_deny", "and is denied again"],
  "rule.asked": ["allow_deny", "what a person has denied is not permitted later"],
  "rule.tool": ["allow_deny", "a recipient whom nobody has named: no rule permits it"],
  "rule.yes": ["allow_deny", "and asked again for another call"],
  "rule.results": ["allow_deny", "no result is taken after a no"],
  "pin.none": ["tool_definition_pin", "what was agreed to and changed since is not called"],
  "pin.told": ["tool_definition_pin", "models are told of the tool that was agreed to"],
  "egress.text": ["egress_allowlist", "no connection is made to where none may be"],
  "egress.address": ["egress_allowlist", "no connection is made to where none may be"],
  "egress.redirect": ["egress_allowlist", "no redirect of a listed server is followed"],
  "setting.loose": ["misspelt_setting", "the start is refused"],
  "log.model": ["secret_redaction", "log holds no secret"],
  "artifact.raw": ["secret_redaction", "artifact answer.md holds no secret"],
  "log.server": ["secret_redaction", "log holds no secret"],
  "leak.result": ["secret_redaction", "of a run whose tool says it as its result holds no secret"],
  "leak.error": ["secret_redaction", "of a run whose tool says it as its error holds no secret"],
  "prompt.raw": ["prompt_template", "no control token is left in what the user says"],
  "prompt.spelling": ["prompt_template", "no control token is left in what the user says"],
  "prompt.hidden": ["prompt_template", "no control token is left in what the user says"],
  "prompt.first": ["prompt_template", "no control token is left in what the user says"],
  "prompt.nested": ["prompt_template", "no control token is left in what the user says"],
  "prompt.pieces": ["prompt_template", "no control token is left in what the user says"],
  "prompt.decodes": ["prompt_template", "no control token is left in what the user says"],
  "prompt.history": ["prompt_template", "no control token is left in what the assistant says"],
  "prompt.labels": ["prompt_template", "the system text is the agent's to the byte"],
  "prompt.tools": ["prompt_template", "of the tools is said what was said before anything was read"],
  "prompt.field": ["prompt_template", "no control token is left beside what is said"],
  "prompt.role": ["prompt_template", "no turn is forged and none is lost"],
  "prompt.calls": ["prompt_template", "no control token is left beside what is said"],
  "prompt.comment": ["prompt_template", "no control token is left in what the tool says"],
  "path.join": ["tool_call_path_traversal", "no canary's text is sent to the model"],
  "path.link": ["tool_call_path_traversal", "no canary's text is sent to the model"],
  "path.begins": ["tool_call_path_traversal", "no canary's text is sent to the model"],
  "path.folder": ["tool_call_path_traversal", "no name of what lies outside is sent to the model"],
  "path.tell": ["tool_call_path_traversal", "a file that is there is refused as one that is not"],
  "box.none": ["sandbox_escape", "a program is run, and the model is shown what it says"],
  "box.words": ["sandbox_escape", "every program was run to its end", "INCONCLUSIVE"],
  "box.lost": ["sandbox_escape", "what a program makes in its copy is among the artifacts"],
  "box.read": ["sandbox_escape", "no file outside is read"],
  "box.write": ["sandbox_escape", "no file outside is changed"],
  "box.env": ["sandbox_escape", "nothing of the environment is seen"],
  "box.net": ["sandbox_escape", "no connection is made"],
  "list.mute": ["secret_redaction", "the list shows the run"],
  "events.mute": ["secret_redaction", "the events of the run are shown"],
  "stream.mute": ["secret_redaction", "the stream tells the run's events"],
  "artifact.failed": ["secret_redaction", "only a run that succeeds has artifacts"],
  "cancel.breaks": ["db_contention", "each of them can be called off, or has ended"],
  "err.quote": ["secret_redaction", "the refusal of an edit holds no secret"],
};

// The toy has one model and no provider, it is driven by plans or by rules, and signs no log. Other scenarios of these are broken and
// killed at the product itself: scenario-kills.test.ts of tests/security/prompt, tests/security/worlds and tests/security/audit, and tests/nightly.
const PROMPTS = "prompt_template";
const ON_TOY = SCENARIOS.filter(
  ({ needs }) =>
    !(["provider", "external_runs", "compensation", "memory", "audit_log"] as const).some((need) =>
      needs.includes(need),
    ),
);

const RULED = "allow_deny";
const shownFor = (id: string): Shown =>
  id.includes(PROMPTS) ? "prompts" : id.includes(RULED) ? "rules" : null;

/** It makes one call a run, and that after its only question; and it is driven by plans only. */
const TOY_LACKS: readonly string[] = ["effect_first", "external_runs"];

async function tryOn(bug: Bug, scenarioPart: string): Promise<Trial> {
  const scenario = SCENARIOS.find(({ id }) => id.includes(scenarioPart));
  if (scenario === undefined) throw new Error(`no scenario ${scenarioPart}`);
  const target = createToyTarget([bug], shownFor(scenario.id));
  await target.start();
  try {
    return await runTrial(scenario, target, { seed: SEED, pace: paceFor(bug) });
  } finally {
    await target.stop();
  }
}

describe("the good toy", () => {
  const trials: Trial[] = [];
  const target = createToyTarget([]);
  beforeAll(async () => {
    await target.start();
    for (const scenario of ON_TOY)
      trials.push(await runTrial(scenario, target, { seed: SEED, pace: PATIENT }));
  });
  afterAll(async () => {
    await target.stop();
  });

  test.each(ON_TOY.map(({ id }) => id))("passes %s, every part of it", (id) => {
    const trial = trials.find(({ scenario }) => scenario === id);
    expect(trial?.reason).toBe("");
    expect(trial?.verdict).toBe("PASS");
    expect(trial?.parts.filter(({ lacks }) => lacks.some((lack) => !TOY_LACKS.includes(lack)))).toEqual([]);
  });

  test("has no run left behind by any of them", async () => {
    const left: string[] = [];
    for (const role of ["requester", "other_tenant"] as const) {
      const headers = { authorization: `Bearer ${target.key(role)}` };
      const answer = await fetch(`${target.endpoints()[0]}/api/harness/runs`, { headers });
      const { data } = fieldsOf(await answer.json());
      const runs = Array.isArray(data) ? data.map((row) => readRun(row)?.status ?? "") : [];
      expect(runs.length).toBeGreaterThan(0);
      left.push(...runs.filter((status) => !TERMINAL_STATES.includes(status)));
    }
    expect(left).toEqual([]);
  });

  test("has no answer left that any of them had it remember", async () => {
    const headers = { authorization: `Bearer ${target.key("approver")}` };
    const answer = await fetch(`${target.endpoints()[0]}/api/harness/precedents`, { headers });
    const { data } = fieldsOf(await answer.json());
    const answers = Array.isArray(data) ? data.map(fieldsOf) : [];
    expect(answers.length).toBeGreaterThan(1);
    expect(answers.filter(({ revoked }) => revoked !== true)).toEqual([]);
  });
});

const ALL = Object.keys(BUGS).filter(isBug);
const scenarioOf = (bug: Bug): string => KILLS[bug][0];
const FIRSTS = new Set(
  Map.groupBy(ALL, scenarioOf)
    .values()
    .map(([first]) => first),
);
const TRIED = inject("everyBreak") ? ALL : ALL.filter((bug, at) => at % 2 === 0 || FIRSTS.has(bug));

// Several at once: each waits most of its time, at a toy of its own.
test.concurrent.each(TRIED)("%s is found", async (bug) => {
  const [scenario, claim, verdict = "FAIL"] = KILLS[bug];
  const trial = await tryOn(bug, scenario);
  expect([trial.verdict, trial.reason]).toEqual([verdict, expect.stringContaining(claim)]);
});

test.each([PROMPTS, RULED])("the good toy passes %s, which looks at nothing else of it", async (part) => {
  const scenario = SCENARIOS.find(({ id }) => id.includes(part));
  if (scenario === undefined) throw new Error("there is no such scenario");
  const target = createToyTarget([], shownFor(scenario.id));
  await target.start();
  try {
    const trial = await runTrial(scenario, target, { seed: SEED, pace: PATIENT });
    expect([trial.verdict, trial.reason]).toEqual(["PASS", ""]);
  } finally {
    await target.stop();
  }
});

test("a flood of 100 requests in pairs is as right as one of 60", async () => {
  const flood = { runs: 50, requestsPerRun: 2 };
  const scenario = SCENARIOS.find(({ id }) => id.includes("high_concurrency"));
  if (scenario === undefined) throw new Error("there is no such scenario");
  const target = createToyTarget([]);
  await target.start();
  try {
    const trial = await runTrial(scenario, target, {
      seed: SEED,
      pace: { ...PATIENT, flood },
    });
    expect([trial.verdict, trial.reason]).toEqual(["PASS", ""]);
    expect(trial.readings.find(({ oracle }) => oracle === "submissions")?.value).toMatchObject({ sent: 100 });
  } finally {
    await target.stop();
  }
});

test("every scenario has a bug that kills it", () => {
  const killing = new Set(Object.values(KILLS).map(([scenario]) => scenario));
  expect(ON_TOY.length).toBeGreaterThanOrEqual(3);
  expect(ON_TOY.filter(({ id }) => ![...killing].some((part) => id.includes(part)))).toEqual([]);
});
