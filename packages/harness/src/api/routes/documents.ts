import { documentIdSchema, ROUTES } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { answerOnce, answerPrepared } from "../answer-once.ts";
import { sendNotFound, sendRefusal } from "../answer.ts";
import { addNextLink } from "../next-link.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

export function addDocuments(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.addDocument),
    handler: async (request, reply) => {
      const { body } = request;
      return await answerPrepared(
        { request, reply, harness, row: ROUTES.addDocument },
        async () => await harness.documents.embed(body),
        async (joined, caller, embedded) => await joined.documents.add(caller, body, embedded),
      );
    },
  });
  api.route({
    ...routeOptions(ROUTES.listDocuments),
    handler: async (request, reply) => {
      const { limit, cursor } = request.query;
      const listed = await harness.documents.list(callerOf(request), { limit, cursor: cursor ?? null });
      if (!listed.ok) return await sendRefusal(reply, listed.error);
      const { data, next_cursor } = listed.value;
      addNextLink(reply, ROUTES.listDocuments.path, { limit: String(limit) }, next_cursor);
      return await reply.send({ data: [...data], next_cursor });
    },
  });
  api.route({
    ...routeOptions(ROUTES.searchDocuments),
    handler: async (request, reply) => {
      const { q, limit } = request.query;
      return await reply.send({ data: [...(await harness.documents.search(callerOf(request), q, limit))] });
    },
  });
  addSingle(api, harness);
}

function addSingle(api: Api, harness: Harness): void {
  api.route({
    ...routeOptions(ROUTES.getDocument),
    handler: async (request, reply) => {
      const id = documentIdSchema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "document_not_found");
      const found = await harness.documents.get(callerOf(request), id.data);
      return found.ok ? await reply.send(found.value) : await sendRefusal(reply, found.error);
    },
  });
  api.route({
    ...routeOptions(ROUTES.removeDocument),
    handler: async (request, reply) => {
      const id = documentIdSchema.safeParse(request.params.id);
      if (!id.success) return await sendNotFound(reply, "document_not_found");
      return await answerOnce(
        { request, reply, harness, row: ROUTES.removeDocument },
        async (joined, caller) => await joined.documents.remove(caller, id.data),
      );
    },
  });
}
