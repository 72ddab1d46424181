import { ROUTES, keyIdSchema } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { sendNotFound, sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addKeys(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.createKey),
    handler: async (request, reply) => {
      const created = await harness.createKey(callerOf(request), request.body);
      return created.ok ? await reply.code(201).send(created.value) : await sendRefusal(reply, created.error);
    },
  });
  api.route({
    ...routeOptions(ROUTES.listKeys),
    handler: async (request, reply) => {
      const listed = await harness.listKeys(callerOf(request));
      return listed.ok
        ? await reply.send({ data: [...listed.value] })
        : await sendRefusal(reply, listed.error);
    },
  });
  api.route({
    ...routeOptions(ROUTES.rotateKey),
    handler: async (request, reply) => {
      const id = keyIdSchema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "key_not_found");
      const rotated = await harness.rotateKey(callerOf(request), id.data, request.body);
      return rotated.ok ? await reply.code(201).send(rotated.value) : await sendRefusal(reply, rotated.error);
    },
  });
  api.route({
    ...routeOptions(ROUTES.revokeKey),
    handler: async (request, reply) => {
      const id = keyIdSchema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "key_not_found");
      const revoked = await harness.revokeKey(callerOf(request), id.data);
      return revoked.ok ? await reply.send(revoked.value) : await sendRefusal(reply, revoked.error);
    },
  });
}
