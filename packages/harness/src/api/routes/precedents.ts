import { ROUTES, sha256Schema } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
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
      const revoked = await harness.revokePrecedent(callerOf(request), id.data, request.body);
      return revoked.ok ? await reply.send(revoked.value) : await sendRefusal(reply, revoked.error);
    },
  });
}
