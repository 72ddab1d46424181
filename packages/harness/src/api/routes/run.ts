import { ROUTES, problem, runIdSchema, runSummarySchema } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import type { Harness } from "../../services/harness.ts";
import { answerOnce, answerPrepared } from "../answer-once.ts";
import { sendNotFound, sendProblem, sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { readIdempotencyKey } from "../idempotency-key.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addRunCommands(api: Api, harness: Harness): void {
  addSubmit(api, harness);
  addCancel(api, harness);
  addRedrive(api, harness);
}

function addSubmit(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.submitRun),
    handler: async (request, reply) => {
      const key = readIdempotencyKey(request);
      if (!key.ok) return await sendProblem(reply, key.error);
      if (key.value === null)
        return await sendProblem(
          reply,
          problem("idempotency_key_missing", "The request has no Idempotency-Key header."),
        );
      const submitted = await harness.submitRun(callerOf(request), request.body, key.value);
      if (!submitted.ok) return await sendRefusal(reply, submitted.error);
      const { body, runId, replayed } = submitted.value;
      // A replayed answer is repeated as it was given, even by an older release; a new one must fit the schema.
      if (!replayed) assertRunSummary(body);
      return await reply
        .code(202)
        .headers({
          location: `/api/harness/runs/${runId}`,
          ...(replayed ? { "idempotent-replayed": "true" } : {}),
        })
        .type("application/json; charset=utf-8")
        .send(body);
    },
  });
}

function assertRunSummary(body: string): void {
  assert(runSummarySchema.safeParse(JSON.parse(body)).success, "a submission's body is a run's summary");
}

function addCancel(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.cancelRun),
    handler: async (request, reply) => {
      // An empty object is what clients send that cannot send nothing.
      if (request.body !== undefined && JSON.stringify(request.body) !== "{}")
        return await sendProblem(reply, problem("invalid_request", "Cancelling takes no body."));
      const id = runIdSchema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "run_not_found");
      return await answerOnce(
        { request, reply, harness, row: ROUTES.cancelRun },
        async (joined, caller) => await joined.cancelRun(caller, id.data),
      );
    },
  });
}

function addRedrive(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.redriveRun),
    handler: async (request, reply) => {
      const id = runIdSchema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "run_not_found");
      const { body } = request;
      return await answerPrepared(
        { request, reply, harness, row: ROUTES.redriveRun },
        async (caller) => await harness.takeRoom(caller),
        async (joined, caller, room) => await joined.redriveRun(caller, id.data, body, room),
      );
    },
  });
}
