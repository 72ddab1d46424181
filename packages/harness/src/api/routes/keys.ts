import { ROUTES, keyIdSchema } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { answerOnce } from "../answer-once.ts";
import { sendNotFound, sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addKeys(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.createKey),
    handler: async (request, reply) => {
      const { body } = request;
      return await answerOnce(
        { request, reply, harness, row: ROUTES.createKey, secret: true },
        async (joined, caller) => await joined.createKey(caller, body),
      );
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
      const { body } = request;
      return await answerOnce(
        { request, reply, harness, row: ROUTES.rotateKey, secret: true },
        async (joined, caller) => await joined.rotateKey(caller, id.data, body),
      );
    },
  });
  api.route({
    ...routeOptions(ROUTES.revokeKey),
    handler: async (request, reply) => {
      const id = keyIdSchema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "key_not_found");
      return await answerOnce(
        { request, reply, harness, row: ROUTES.revokeKey },
        async (joined, caller) => await joined.revokeKey(caller, id.data),
      );
    },
  });
}
