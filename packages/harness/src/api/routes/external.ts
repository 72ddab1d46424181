import {
  type ActionId,
  actionIdSchema,
  EXTERNAL_RESULT_BYTES_MAX,
  EXTERNAL_WAIT_SECONDS_MAX,
  ROUTES,
  type RunId,
  runIdSchema,
} from "@assent/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { DriverCall, Harness } from "../../services/harness.ts";
import { sendOnce } from "../answer-once.ts";
import { sendNotFound, sendProblem, sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { readIdempotencyKey } from "../idempotency-key.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addExternalRuns(api: Api, harness: Harness): void {
  addPlan(api, harness);
  addActions(api, harness);
  addReadAction(api, harness);
  addResult(api, harness);
  addFinish(api, harness);
  addNextCompensation(api, harness);
  addReportCompensation(api, harness);
}

function addPlan(api: Api, { external }: Harness): void {
  api.route({
    ...routeOptions(ROUTES.proposePlan),
    handler: async (request, reply) => {
      const call = readCall(request, reply, request.params.id);
      if (!("run" in call)) return await call;
      return await sendOnce(reply, ROUTES.proposePlan, await external.plan(call, request.body));
    },
  });
}

function addActions(api: Api, { external }: Harness): void {
  api.route({
    ...routeOptions(ROUTES.proposeAction),
    handler: async (request, reply) => {
      const call = readCall(request, reply, request.params.id);
      if (!("run" in call)) return await call;
      return await sendOnce(reply, ROUTES.proposeAction, await external.act(call, request.body));
    },
  });
}

function addReadAction(api: Api, { external }: Harness): void {
  api.route({
    ...routeOptions(ROUTES.readAction),
    handler: async (request, reply) => {
      const run = parseRun(request.params.id);
      if (run === null) return await sendNotFound(reply, "run_not_found");
      const action = parseAction(request.params.action);
      if (action === null) return await sendNotFound(reply, "action_not_found");
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const read = await external.read({
        caller: callerOf(request),
        run,
        action,
        waitMs: Math.min(request.query.wait, EXTERNAL_WAIT_SECONDS_MAX) * 1_000,
        signal: gone.signal,
      });
      return read.ok ? await reply.send(read.value) : await sendRefusal(reply, read.error);
    },
  });
}

function addResult(api: Api, { external }: Harness): void {
  api.route({
    ...routeOptions(ROUTES.reportResult),
    bodyLimit: EXTERNAL_RESULT_BYTES_MAX,
    handler: async (request, reply) => {
      const call = readCall(request, reply, request.params.id);
      if (!("run" in call)) return await call;
      const action = parseAction(request.params.action);
      if (action === null) return await sendNotFound(reply, "action_not_found");
      return await sendOnce(reply, ROUTES.reportResult, await external.report(call, action, request.body));
    },
  });
}

function addFinish(api: Api, { external }: Harness): void {
  api.route({
    ...routeOptions(ROUTES.finishRun),
    handler: async (request, reply) => {
      const call = readCall(request, reply, request.params.id);
      if (!("run" in call)) return await call;
      return await sendOnce(reply, ROUTES.finishRun, await external.finish(call, request.body));
    },
  });
}

function addNextCompensation(api: Api, { external }: Harness): void {
  api.route({
    ...routeOptions(ROUTES.nextCompensation),
    handler: async (request, reply) => {
      const call = readCall(request, reply, request.params.id);
      if (!("run" in call)) return await call;
      return await sendOnce(reply, ROUTES.nextCompensation, await external.nextCompensation(call));
    },
  });
}

function addReportCompensation(api: Api, { external }: Harness): void {
  api.route({
    ...routeOptions(ROUTES.reportCompensation),
    bodyLimit: EXTERNAL_RESULT_BYTES_MAX,
    handler: async (request, reply) => {
      const call = readCall(request, reply, request.params.id);
      if (!("run" in call)) return await call;
      const action = parseAction(request.params.action);
      if (action === null) return await sendNotFound(reply, "action_not_found");
      const reported = await external.reportCompensation(call, action, request.body);
      return await sendOnce(reply, ROUTES.reportCompensation, reported);
    },
  });
}

function parseRun(text: string): RunId | null {
  const id = runIdSchema.safeParse(text);
  return id.success ? id.data : null;
}

// What cannot be an id is answered like one that does not exist.
function parseAction(text: string): ActionId | null {
  const id = actionIdSchema.safeParse(text);
  return id.success ? id.data : null;
}

// The key may be left out here: a driver that does not repeat its requests needs none.
function readCall(request: FastifyRequest, reply: FastifyReply, id: string): DriverCall | FastifyReply {
  const run = parseRun(id);
  if (run === null) return sendNotFound(reply, "run_not_found");
  const key = readIdempotencyKey(request);
  return key.ok ? { caller: callerOf(request), run, key: key.value } : sendProblem(reply, key.error);
}
