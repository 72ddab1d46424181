import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addApprove(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.decideApproval),
    handler: async (request, reply) => {
      const decided = await harness.decide(callerOf(request), request.body);
      return decided.ok ? await reply.send(decided.value) : await sendRefusal(reply, decided.error);
    },
  });
}
