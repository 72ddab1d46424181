import { approvalIdSchema, ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { answerPrepared } from "../answer-once.ts";
import { sendNotFound, sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addApprovals(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.getApproval),
    handler: async (request, reply) => {
      const id = approvalIdSchema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "approval_not_found");
      const found = await harness.getApproval(callerOf(request), id.data);
      return found.ok ? await reply.send(found.value) : await sendRefusal(reply, found.error);
    },
  });
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
