import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { answerPrepared } from "../answer-once.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addApprove(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.decideApproval),
    handler: async (request, reply) => {
      const { body } = request;
      return await answerPrepared(
        { request, reply, harness, row: ROUTES.decideApproval },
        async (caller) => await harness.planDecision(caller, body),
        async (joined, caller, planned) => await joined.decide(caller, body, planned),
      );
    },
  });
}
