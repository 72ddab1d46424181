import { ROUTES, type WebhookId, webhookIdSchema } from "@assent/contract";
import type { FastifyReply } from "fastify";
import type { Harness } from "../../services/harness.ts";
import { answerOnce } from "../answer-once.ts";
import { sendNotFound, sendRefusal } from "../answer.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { addNextLink } from "../next-link.ts";
import { type Api, routeOptions } from "../route-options.ts";

async function ofOne(
  params: { readonly id: string },
  reply: FastifyReply,
  answer: (id: WebhookId) => Promise<FastifyReply>,
): Promise<FastifyReply> {
  const id = webhookIdSchema.safeParse(params.id);
  return id.success ? await answer(id.data) : await sendNotFound(reply, "webhook_not_found");
}

export function addWebhooks(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.createWebhook),
    handler: async (request, reply) => {
      const { body } = request;
      return await answerOnce(
        { request, reply, harness, row: ROUTES.createWebhook, secret: true },
        async ({ webhooks }, caller) => await webhooks.create(caller, body),
      );
    },
  });
  api.route({
    ...routeOptions(ROUTES.listWebhooks),
    handler: async (request, reply) => {
      const listed = await harness.webhooks.list(callerOf(request));
      return listed.ok
        ? await reply.send({ data: [...listed.value] })
        : await sendRefusal(reply, listed.error);
    },
  });
  api.route({
    ...routeOptions(ROUTES.rotateWebhook),
    handler: async (request, reply) => {
      return await ofOne(request.params, reply, async (id) => {
        const { body } = request;
        return await answerOnce(
          { request, reply, harness, row: ROUTES.rotateWebhook, secret: true },
          async ({ webhooks }, caller) => await webhooks.rotate(caller, id, body),
        );
      });
    },
  });
  addStates(api, harness);
  addDeliveries(api, harness);
}

function addStates(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.enableWebhook),
    handler: async (request, reply) => {
      return await ofOne(request.params, reply, async (id) => {
        return await answerOnce(
          { request, reply, harness, row: ROUTES.enableWebhook },
          async ({ webhooks }, caller) => await webhooks.enable(caller, id),
        );
      });
    },
  });
  api.route({
    ...routeOptions(ROUTES.removeWebhook),
    handler: async (request, reply) => {
      return await ofOne(request.params, reply, async (id) => {
        return await answerOnce(
          { request, reply, harness, row: ROUTES.removeWebhook },
          async ({ webhooks }, caller) => await webhooks.remove(caller, id),
        );
      });
    },
  });
  api.route({
    ...routeOptions(ROUTES.pingWebhook),
    handler: async (request, reply) => {
      return await ofOne(request.params, reply, async (id) => {
        return await answerOnce(
          { request, reply, harness, row: ROUTES.pingWebhook },
          async ({ webhooks }, caller) => await webhooks.ping(caller, id),
        );
      });
    },
  });
}

function addDeliveries(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.listDeliveries),
    handler: async (request, reply) => {
      return await ofOne(request.params, reply, async (id) => {
        const { status, limit, cursor } = request.query;
        const query = { status: status ?? null, limit, cursor: cursor ?? null };
        const listed = await harness.webhooks.deliveries(callerOf(request), id, query);
        if (!listed.ok) return await sendRefusal(reply, listed.error);
        const { data, next_cursor } = listed.value;
        const same = { limit: String(limit), ...(status === undefined ? {} : { status }) };
        addNextLink(reply, ROUTES.listDeliveries.path.replace("{id}", id), same, next_cursor);
        return await reply.send({ data: [...data], next_cursor });
      });
    },
  });
  api.route({
    ...routeOptions(ROUTES.redeliver),
    handler: async (request, reply) => {
      return await ofOne(request.params, reply, async (id) => {
        const { body } = request;
        return await answerOnce(
          { request, reply, harness, row: ROUTES.redeliver },
          async ({ webhooks }, caller) => await webhooks.redeliver(caller, id, body),
        );
      });
    },
  });
}
