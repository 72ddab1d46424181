import {
  actionAnswerSchema,
  type ActionId,
  actionIdSchema,
  compensationAnswerSchema,
  EXTERNAL_RESULT_BYTES_MAX,
  EXTERNAL_WAIT_SECONDS_MAX,
  planAnswerSchema,
  resultAnswerSchema,
  ROUTES,
  type RunId,
  runIdSchema,
  runSchema,
} from "@assent/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { assert } from "../../base/assert.ts";
import type { Result } from "../../base/result.ts";
import type { DriverCall, Harness, Refusal } from "../../services/harness.ts";
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
      return await answer(reply, await external.plan(call, request.body), planAnswerSchema);
    },
  });
}

function addActions(api: Api, { external }: Harness): void {
  api.route({
    ...routeOptions(ROUTES.proposeAction),
    handler: async (request, reply) => {
      const call = readCall(request, reply, request.params.id);
      if (!("run" in call)) return await call;
      return await answer(reply, await external.act(call, request.body), actionAnswerSchema);
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
      return await answer(reply, await external.report(call, action, request.body), resultAnswerSchema);
    },
  });
}

function addFinish(api: Api, { external }: Harness): void {
  api.route({
    ...routeOptions(ROUTES.finishRun),
    handler: async (request, reply) => {
      const call = readCall(request, reply, request.params.id);
      if (!("run" in call)) return await call;
      return await answer(reply, await external.finish(call, request.body), runSchema);
    },
  });
}

function addNextCompensation(api: Api, { external }: Harness): void {
  api.route({
    ...routeOptions(ROUTES.nextCompensation),
    handler: async (request, reply) => {
      const call = readCall(request, reply, request.params.id);
      if (!("run" in call)) return await call;
      return await answer(reply, await external.nextCompensation(call), compensationAnswerSchema);
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
      return await answer(reply, reported, compensationAnswerSchema);
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

async function answer(
  reply: FastifyReply,
  answered: Result<{ readonly body: string; readonly replayed: boolean }, Refusal>,
  schema: z.ZodType,
): Promise<FastifyReply> {
  if (!answered.ok) return await sendRefusal(reply, answered.error);
  const { body, replayed } = answered.value;
  // A replayed answer is repeated as it was given, even by an older release; a new one must fit the schema.
  if (!replayed) assert(schema.safeParse(JSON.parse(body)).success, "an answer fits the contract");
  return await reply
    .headers(replayed ? { "idempotent-replayed": "true" } : {})
    .type("application/json; charset=utf-8")
    .send(body);
}
