// Moves of scenarios that drive an external run themselves (docs/external-runs.md).

import type { HarnessClient } from "../client.ts";
import { fieldsOf, textOf } from "../run-reading.ts";
import type { ScenarioContext } from "../scenario.ts";
import type { Call, Manifest } from "./world.ts";

export type DrivenReason = { readonly code: string; readonly policy: string; readonly detail: string };

export type DrivenAnswer = {
  readonly action: string;
  readonly decision: string;
  readonly approval: string;
  /** Under which a permitted call is to be carried out; empty where it is not permitted. */
  readonly effect: string;
  readonly reasons: readonly DrivenReason[];
};

/** Calls that are to be agreed to together; empty texts where the plan was refused. */
export type PlanAnswer = { readonly status: number; readonly approval: string; readonly digest: string };

export type DrivenRun = {
  readonly id: string;
  plan(calls: readonly Call[]): Promise<PlanAnswer>;
  propose(call: Call): Promise<DrivenAnswer>;
  look(action: string): Promise<DrivenAnswer>;
  /** The status of the answer. */
  report(action: string, output: unknown): Promise<number>;
  finish(): Promise<void>;
  /** Ends it as failed; its status from then on. */
  fail(): Promise<string>;
  /** What is to be taken back next. */
  nextCompensation(): Promise<DueAnswer>;
  /** The status of the answer. */
  reportTakenBack(action: string): Promise<number>;
};

/** `action` is empty where nothing is to be taken back just now. */
export type DueAnswer = {
  readonly ended: boolean;
  readonly action: string;
  readonly tool: string;
  readonly compensates: string;
  readonly effect: string;
};

export type DrivenRequest = {
  readonly task: string;
  /** A manifest may leave out whatever it likes: that is part of what is tried. */
  readonly tools: readonly (Pick<Manifest, "name"> &
    Partial<Manifest> & { readonly compensation?: unknown })[];
  readonly approver: "none" | "ask";
};

const reasonsOf = (reasons: unknown): readonly DrivenReason[] =>
  (Array.isArray(reasons) ? reasons : [])
    .map((reason: unknown) => fieldsOf(reason))
    .map(({ code, policy, detail }) => ({
      code: textOf(code),
      policy: textOf(policy),
      detail: textOf(detail),
    }));

function readAnswer(json: unknown): DrivenAnswer {
  const answer = fieldsOf(json);
  return {
    action: textOf(answer["action_id"]),
    decision: textOf(answer["decision"]),
    approval: textOf(answer["approval_id"]),
    effect: textOf(answer["effect_id"]),
    reasons: reasonsOf(answer["reasons"]),
  };
}

type Post = (to: string, body: unknown) => ReturnType<HarnessClient["request"]>;

const endings = (
  context: ScenarioContext,
  post: Post,
): Pick<DrivenRun, "fail" | "nextCompensation" | "reportTakenBack"> => ({
  fail: async () => {
    const answer = await post("/finish", { error: "It went wrong." });
    context.check("a driven run can be ended as failed", answer.status === 200, answer.status);
    return textOf(fieldsOf(answer.json)["status"]);
  },
  nextCompensation: async () => {
    const answer = await post("/compensations", {});
    context.check("its driver is told what to take back", answer.status === 200, answer.status);
    const { ended, compensation } = fieldsOf(answer.json);
    const due = fieldsOf(compensation);
    return {
      ended: ended === true,
      action: textOf(due["action_id"]),
      tool: textOf(due["tool"]),
      compensates: textOf(due["compensates"]),
      effect: textOf(due["effect_id"]),
    };
  },
  reportTakenBack: async (action) =>
    (await post(`/compensations/${encodeURIComponent(action)}/result`, { output: "taken back" })).status,
});

/** FAIL where the harness does not take the run or a call in. */
export async function openDrivenRun(
  context: ScenarioContext,
  client: HarnessClient,
  request: DrivenRequest,
): Promise<DrivenRun> {
  const submitted = await client.submit({ driver: "external", ...request }, context.unique("driven"));
  const id = textOf(fieldsOf(submitted.json)["id"]);
  context.check("a run that is driven from outside is accepted", submitted.status === 202, submitted.status);
  const path = `/api/harness/runs/${encodeURIComponent(id)}`;
  const post: Post = async (to, body) =>
    await client.request({
      method: "POST",
      path: `${path}${to}`,
      headers: {
        accept: "application/json",
        "content-type": "application/json",
        "idempotency-key": context.unique("move"),
      },
      body: JSON.stringify(body),
    });
  return {
    id,
    plan: async (calls) => {
      const { status, json } = await post("/plan", { calls });
      const { approval_id: approval, digest } = fieldsOf(json);
      return { status, approval: textOf(approval), digest: textOf(digest) };
    },
    propose: async (call) => {
      const answer = await post("/actions", call);
      const read = readAnswer(answer.json);
      const isDecision = ["permit", "deny", "needs_approval"].includes(read.decision);
      context.check("a proposed call gets a decision", answer.status === 200 && isDecision, {
        call,
        status: answer.status,
      });
      return read;
    },
    look: async (action) => {
      const answer = await client.request({
        method: "GET",
        path: `${path}/actions/${encodeURIComponent(action)}`,
        headers: { accept: "application/json" },
        body: null,
      });
      return readAnswer(answer.json);
    },
    report: async (action, output) =>
      (await post(`/actions/${encodeURIComponent(action)}/result`, { output })).status,
    finish: async () => {
      const answer = await post("/finish", { output: "Done." });
      context.check("a driven run can be finished", answer.status === 200, answer.status);
    },
    ...endings(context, post),
  };
}

/** Proposes a read, and reports what it shows; FAIL where a read that changes nothing is not permitted. */
export async function readInto(
  context: ScenarioContext,
  run: DrivenRun,
  call: Call,
  output: unknown,
): Promise<void> {
  const { decision, action, reasons } = await run.propose(call);
  context.check("a read that changes nothing is permitted", decision === "permit", { call, reasons });
  const status = await run.report(action, output);
  context.check("its result is taken", status === 200, status);
}
