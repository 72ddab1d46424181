import { ROUTES, signingKeyIdSchema } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { answerOnce } from "../answer-once.ts";
import { sendNotFound, sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addSigningKeys(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.createSigningKey),
    handler: async (request, reply) => {
      const { body } = request;
      return await answerOnce(
        { request, reply, harness, row: ROUTES.createSigningKey, secret: true },
        async (joined, caller) => await joined.createSigningKey(caller, body),
      );
    },
  });
  api.route({
    ...routeOptions(ROUTES.listSigningKeys),
    handler: async (request, reply) => {
      const listed = await harness.listSigningKeys(callerOf(request));
      return listed.ok
        ? await reply.send({ data: [...listed.value] })
        : await sendRefusal(reply, listed.error);
    },
  });
  api.route({
    ...routeOptions(ROUTES.rotateSigningKey),
    handler: async (request, reply) => {
      const id = signingKeyIdSchema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "key_not_found");
      const { body } = request;
      return await answerOnce(
        { request, reply, harness, row: ROUTES.rotateSigningKey, secret: true },
        async (joined, caller) => await joined.rotateSigningKey(caller, id.data, body),
      );
    },
  });
  api.route({
    ...routeOptions(ROUTES.revokeSigningKey),
    handler: async (request, reply) => {
      const id = signingKeyIdSchema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "key_not_found");
      return await answerOnce(
        { request, reply, harness, row: ROUTES.revokeSigningKey },
        async (joined, caller) => await joined.revokeSigningKey(caller, id.data),
      );
    },
  });
}
