// Guards of assent: who has to agree, what is remembered, what is planned, what an edit may be. Each taken out of the
// product turns its scenario red; docs/guards.md has the whole table.

import type { TenantId } from "@assent/contract";
import { vi } from "vitest";
import type { PolicyVerdict } from "../../packages/harness/src/core/decide/policy-verdict.ts";
import { type Kill, proveKills } from "../support/target/kills.ts";
import { createInProcessTarget } from "../support/target/local-target.ts";

type Break =
  | "an edit meets no rule"
  | "every agent has every tool"
  | "one person is a quorum"
  | "whoever asked may agree"
  | "whoever may decide is an approver"
  | "every yes is remembered"
  | "a question is its tool"
  | "a question has no agent"
  | "the memory knows no tenants"
  | "a remembered yes outweighs a deny"
  | "what was taken back is given"
  | "a plan permits every call of its tools"
  | "a planned call is good for ever"
  | "a plan counts before anybody agreed"
  | "a plan is taken at any time"
  | "a slot takes any text"
  | "the rules agree to every plan"
  | "unknown words of rules are passed over"
  | "a yes wakes nobody";

const broken = vi.hoisted(() => ({ by: "none" as Break | "none" }));

const MEMORY_BREAKS: ReadonlySet<string> = vi.hoisted(
  () => new Set(["the memory knows no tenants", "what was taken back is given"]),
);

vi.mock(import("../../packages/harness/src/core/decide/policy-annotations.ts"), async (importOriginal) => {
  const real = await importOriginal();
  const known = ["id", "description", "needs_approval", "approvers", "quorum", "separate_duties", "timeout"];
  return {
    ...real,
    strictestAssent: (assents) => {
      const assent = real.strictestAssent(assents);
      if (assent === null) return null;
      if (broken.by === "one person is a quorum") return { ...assent, quorum: 1 };
      if (broken.by === "whoever asked may agree") return { ...assent, separateDuties: false };
      const { approvers: _approvers, ...anybody } = assent;
      return broken.by === "whoever may decide is an approver" ? anybody : assent;
    },
    readAnnotations: (effect, annotations) =>
      real.readAnnotations(
        effect,
        broken.by === "unknown words of rules are passed over"
          ? Object.fromEntries(Object.entries(annotations).filter(([name]) => known.includes(name)))
          : annotations,
      ),
  };
});

const ANY = `sha256:${"0".repeat(64)}`;
const ANYBODY = { quorum: 1, separateDuties: false, timeoutMs: 3_600_000, onTimeout: "deny" } as const;

const isForbidden = ({ verdict, reasons }: PolicyVerdict): boolean =>
  verdict === "deny" && reasons.some(({ code }) => code === "forbidden");

vi.mock(import("../../packages/harness/src/core/decide/policy-verdict.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    policyVerdict: (...given) => {
      const found = real.policyVerdict(...given);
      // Whoever is asked then finds the remembered answer first.
      if (broken.by === "a remembered yes outweighs a deny" && isForbidden(found))
        return { ...found, verdict: "needs_approval", assent: ANYBODY };
      // Only an edit of the scenario says what a rule forbids.
      if (broken.by === "an edit meets no rule" && isForbidden(found))
        return { verdict: "permit", reasons: found.reasons, assent: null };
      return found;
    },
  };
});

// A remembered yes is one to the rules that asked: it would not be found for another.
vi.mock(import("../../packages/harness/src/core/decide/asking-rules.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    askingRules: (reasons) =>
      broken.by === "a remembered yes outweighs a deny" ? ["any rule"] : real.askingRules(reasons),
  };
});

vi.mock(import("../../packages/harness/src/services/steps/tool.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    judgeCall: async (held, call) => {
      if (broken.by !== "every agent has every tool") return await real.judgeCall(held, call);
      const { definition } = held;
      Object.assign(held, { definition: { ...definition, tools: [...definition.tools, call.tool] } });
      try {
        return await real.judgeCall(held, call);
      } finally {
        Object.assign(held, { definition });
      }
    },
  };
});

// The decision is kept, and the message that lets the run go on is not.
vi.mock(import("../../packages/harness/src/services/commit.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    commit: async (tx, before, writes, context) => {
      const isDecision = writes.some(({ write }) => write === "approval_decided");
      const kept =
        broken.by === "a yes wakes nobody" && isDecision
          ? writes.filter(({ write }) => write !== "run_moved")
          : writes;
      return await real.commit(tx, before, kept, context);
    },
  };
});

vi.mock(import("../../packages/harmony/src/domains/approval.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    approvalPattern: (action, ...rest) => {
      const [tenant = "", ...agent] = action.scope.split("/");
      if (broken.by === "a question is its tool")
        return real.approvalPattern({ ...action, argumentsDigest: ANY, argumentDigests: {} }, ...rest);
      if (broken.by === "a question has no agent")
        return real.approvalPattern({ ...action, scope: tenant }, ...rest);
      if (broken.by === "the memory knows no tenants")
        return real.approvalPattern({ ...action, scope: agent.join("/") }, ...rest);
      return real.approvalPattern(action, ...rest);
    },
  };
});

vi.mock(import("../../packages/harness/src/services/precedents.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    tell: async (tx, asked, told, ...rest) => {
      const remember = told.remember || broken.by === "every yes is remembered";
      await real.tell(tx, asked, { ...told, remember }, ...rest);
    },
    consult: async (tx, ...rest) => {
      if (broken.by !== "what was taken back is given") return await real.consult(tx, ...rest);
      const listResolutions: typeof tx.memory.listResolutions = async (id) =>
        (await tx.memory.listResolutions(id)).map((one) =>
          one.with({ revokedAt: null, revokedReason: null }),
        );
      // Looked at a second time where it is counted.
      const addExperience: typeof tx.memory.addExperience = async (...told) =>
        (await tx.memory.addExperience(...told))?.with({ revokedAt: null, revokedReason: null }) ?? null;
      const memory = { ...tx.memory, listResolutions, addExperience };
      return await real.consult({ ...tx, memory }, ...rest);
    },
  };
});

// A row of another tenant is out of the database's own reach, so this one asks in the first tenant's name.
const first = vi.hoisted((): { tenant: TenantId | null } => ({ tenant: null }));

vi.mock(import("../../packages/harness/src/adapters/postgres/store.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    postgresStore: (...given) => {
      const store = real.postgresStore(...given);
      return {
        ...store,
        // So that all is asked where it is broken.
        lookUpQuestion: async (...asked) =>
          MEMORY_BREAKS.has(broken.by) ? null : await store.lookUpQuestion(...asked),
        transaction: async (tenant, work) =>
          await store.transaction(tenant, async (tx) => {
            if (broken.by !== "the memory knows no tenants") return await work(tx);
            first.tenant ??= tenant;
            const asked = first.tenant;
            const listResolutions: typeof tx.memory.listResolutions = async (id) =>
              await store.transaction(asked, async (other) => await other.memory.listResolutions(id));
            const list: typeof tx.precedentTerms.list = async (id) =>
              await store.transaction(asked, async (other) => await other.precedentTerms.list(id));
            // Counted where it is: the count is what says that it is still there.
            const addExperience: typeof tx.memory.addExperience = async (...told) =>
              asked === tenant
                ? await tx.memory.addExperience(...told)
                : await store.transaction(asked, async (other) => await other.memory.addExperience(...told));
            return await work({
              ...tx,
              precedentTerms: { ...tx.precedentTerms, list },
              memory: { ...tx.memory, listResolutions, addExperience },
            });
          }),
      };
    },
  };
});

vi.mock(import("../../packages/harness/src/services/external/plan-match.ts"), async (importOriginal) => {
  const real = await importOriginal();
  const { gateAt } = await import("../../packages/harness/src/services/external/state.ts");
  return {
    ...real,
    findPlanned: (state, tool, args) => {
      if (broken.by === "a planned call is good for ever")
        return real.findPlanned({ ...state, consumed: new Set() }, tool, args);
      const found = real.findPlanned(state, tool, args);
      if (found !== null) return found;
      for (const gateSeq of state.plans) {
        const gate = gateAt(state, gateSeq);
        const agreed = gate?.outcome?.answer === "approved";
        const isAny = broken.by === "a plan permits every call of its tools" && agreed;
        const isEarly = broken.by === "a plan counts before anybody agreed" && gate?.outcome === null;
        const index = (gate?.request.plan ?? []).findIndex(
          (call) =>
            call.tool === tool &&
            (isAny || (isEarly && JSON.stringify(call.arguments) === JSON.stringify(args))),
        );
        if (index >= 0) return { gateSeq, index };
      }
      return null;
    },
  };
});

vi.mock(import("../../packages/harness/src/services/external/plan.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    proposePlan: async (hold, body) =>
      await real.proposePlan(
        broken.by === "a plan is taken at any time"
          ? { ...hold, state: { ...hold.state, tainted: false } }
          : hold,
        body,
      ),
  };
});

vi.mock(import("../../packages/harness/src/core/label/slot.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    matchSlot: (slot, value, outputs) => {
      const found = real.matchSlot(slot, value, outputs);
      return broken.by === "a slot takes any text" && outputs.length > 0
        ? { ...found, matches: true }
        : found;
    },
  };
});

vi.mock(import("../../packages/harness/src/services/external/judge.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    judge: (policies, state, ...rest) => {
      const judged = real.judge(policies, state, ...rest);
      const isDeclared = state.definition.approver === "none" && !state.tainted;
      return broken.by === "the rules agree to every plan" && isDeclared
        ? { ...judged, decision: { ...judged.decision, verdict: "permit" }, requirement: null }
        : judged;
    },
  };
});

const LIFECYCLE = "approval_lifecycle";
const QUORUM = "quorum_and_four_eyes";
const MEMORY = "remembered_answers";
const PLANS = "plan_approval";
const SETTINGS = "misspelt_setting_stops_start";
const WAITING = "waiting_and_going_on";

const KILLS: readonly Kill<Break>[] = [
  [LIFECYCLE, "an edit meets no rule", "an edit that a rule forbids is refused"],
  [LIFECYCLE, "every agent has every tool", "a tool that the agent was not given is not called"],
  [QUORUM, "one person is a quorum", "one person has said yes several times: the call still waits"],
  [QUORUM, "whoever asked may agree", "the yes of whoever asked for the run is refused"],
  [QUORUM, "whoever may decide is an approver", "whoever the rule does not name cannot agree"],
  [MEMORY, "every yes is remembered", "a yes for this once is for this once"],
  [MEMORY, "a question is its tool", "another argument is another question"],
  [MEMORY, "a question has no agent", "another agent's question is another"],
  [MEMORY, "the memory knows no tenants", "another tenant is asked itself"],
  [MEMORY, "a remembered yes outweighs a deny", "a deny of the rules outranks what was remembered"],
  [MEMORY, "what was taken back is given", "what was taken back answers nothing"],
  [PLANS, "a plan counts before anybody agreed", "a plan that nobody has agreed to permits nothing"],
  [PLANS, "a plan permits every call of its tools", "a slot is empty until its tool has answered"],
  [PLANS, "a slot takes any text", "more than a slot's value is no call of the plan"],
  [PLANS, "a planned call is good for ever", "and is good for one"],
  [PLANS, "a plan is taken at any time", "after untrusted text no plan is taken"],
  [PLANS, "the rules agree to every plan", "the rules agree to nothing that a person would be asked about"],
  [SETTINGS, "unknown words of rules are passed over", "quorom: the start is refused"],
  [WAITING, "a yes wakes nobody", "the run gets to be succeeded"],
];

proveKills(createInProcessTarget(), broken, KILLS);
