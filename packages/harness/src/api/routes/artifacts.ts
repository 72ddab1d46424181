import { ROUTES, artifactIdSchema, runIdSchema } from "@assent/contract";
import type { Harness } from "../../services/harness.ts";
import { sendNotFound, sendRefusal } from "../answer.ts";
import type { ArtifactRoom } from "../artifact-room.ts";
import { contentDisposition } from "../content-disposition.ts";
import { matchesEtag } from "../etag.ts";
import { callerOf } from "../hooks/authenticate.ts";
import { type Api, routeOptions } from "../route-options.ts";

const MEDIA_TYPE =
  /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}(?:; ?charset=utf-8)?$/i;

export function addArtifacts(api: Api, harness: Harness, room: ArtifactRoom): void {
  api.route({
    ...routeOptions(ROUTES.getArtifact),
    handler: async (request, reply) => {
      const run = runIdSchema.safeParse(request.params.id);
      if (!run.success) return await sendNotFound(reply, "run_not_found");
      const id = artifactIdSchema.safeParse(request.params.artifact);
      if (!id.success) return await sendNotFound(reply, "artifact_not_found");
      const caller = callerOf(request);
      const opened = await harness.openArtifact(caller, run.data, id.data, (sizeBytes) =>
        room.take(reply, caller.tenant, sizeBytes),
      );
      if (!opened.ok) return await sendRefusal(reply, opened.error);
      const { artifact, bytes } = opened.value;
      const etag = `"${artifact.sha256}"`;
      reply.header("etag", etag);
      if (matchesEtag(request.headers["if-none-match"], etag)) return await reply.code(304).send();
      const digest = Buffer.from(artifact.sha256, "hex").toString("base64");
      return await reply
        .headers({
          "content-disposition": contentDisposition(artifact.name),
          "content-digest": `sha-256=:${digest}:`,
          // An agent wrote these bytes: a browser that shows them all the same gives them no rights.
          "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        })
        // Of the agent's making as well: what is no plain media type must not become a header.
        .type(MEDIA_TYPE.test(artifact.media_type) ? artifact.media_type : "application/octet-stream")
        .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    },
  });
}
