import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { answerOnce } from "../answer-once.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addApprove(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.decideApproval),
    handler: async (request, reply) => {
      const { body } = request;
      return await answerOnce(
        { request, reply, harness, row: ROUTES.decideApproval },
        async (joined, caller) => await joined.decide(caller, body),
      );
    },
  });
}
