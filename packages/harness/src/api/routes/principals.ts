import { ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { answerOnce } from "../answer-once.ts";
import { sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addPrincipals(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.changePrincipal),
    handler: async (request, reply) => {
      const { body } = request;
      return await answerOnce(
        { request, reply, harness, row: ROUTES.changePrincipal },
        async (joined, caller) => await joined.changePrincipal(caller, body),
      );
    },
  });
  api.route({
    ...routeOptions(ROUTES.listSigners),
    handler: async (request, reply) => {
      const listed = await harness.listSigners(callerOf(request));
      return listed.ok
        ? await reply.send({ data: [...listed.value] })
        : await sendRefusal(reply, listed.error);
    },
  });
}
