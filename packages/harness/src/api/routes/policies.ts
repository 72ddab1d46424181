import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { answerPrepared } from "../answer-once.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addPolicies(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.getPolicies),
    handler: async (_request, reply) => await reply.send(harness.getPolicies()),
  });
  api.route({
    ...routeOptions(ROUTES.tryPolicies),
    handler: async (request, reply) => {
      const { body } = request;
      return await answerPrepared(
        { request, reply, harness, row: ROUTES.tryPolicies },
        async (caller) => await harness.tryPolicies(caller, body),
        async (joined, caller, tried) => tried ?? (await joined.tryPolicies(caller, body)),
      );
    },
  });
}
