import { ROUTES, sha256Schema } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { answerOnce } from "../answer-once.ts";
import { sendNotFound, sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addPrecedents(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.listPrecedents),
    handler: async (request, reply) => {
      const listed = await harness.listPrecedents(callerOf(request));
      return listed.ok
        ? await reply.send({ data: [...listed.value] })
        : await sendRefusal(reply, listed.error);
    },
  });
  api.route({
    ...routeOptions(ROUTES.revokePrecedent),
    handler: async (request, reply) => {
      const id = sha256Schema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "precedent_not_found");
      const { body } = request;
      return await answerOnce(
        { request, reply, harness, row: ROUTES.revokePrecedent },
        async (joined, caller) => await joined.revokePrecedent(caller, id.data, body),
      );
    },
  });
}
