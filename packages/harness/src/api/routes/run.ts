import { ROUTES, problem, runIdSchema, runSummarySchema } from "@assent/contract";
import { assert } from "../../base/assert.ts";
import { IDEMPOTENCY_KEY_CHARS_MAX } from "../../base/limits.ts";
import type { Harness } from "../../services/harness.ts";
import { sendNotFound, sendProblem, sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { parseIdempotencyKey } from "../idempotency-key.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addRunCommands(api: Api, harness: Harness): void {
  addSubmit(api, harness);
  addCancel(api, harness);
}

function addSubmit(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.submitRun),
    handler: async (request, reply) => {
      const header = request.headers["idempotency-key"];
      const key = parseIdempotencyKey(Array.isArray(header) ? header.join() : header);
      if (!key.ok)
        return await sendProblem(
          reply,
          key.error === "missing"
            ? problem("idempotency_key_missing", "The request has no Idempotency-Key header.")
            : problem(
                "invalid_request",
                `Idempotency-Key must be 1 to ${IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters, bare or in quotes.`,
              ),
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
      const cancelled = await harness.cancelRun(callerOf(request), id.data);
      return cancelled.ok ? await reply.send(cancelled.value) : await sendRefusal(reply, cancelled.error);
    },
  });
}
