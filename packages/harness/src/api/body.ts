// The one parser of request bodies: JSON, in UTF-8, read strictly. Any other media type has no parser, hence 415.

import type { FastifyInstance, FastifyRequest } from "fastify";
import { JSON_DEPTH_MAX } from "../base/limits.ts";
import { type JsonFault, parseStrictJson } from "./strict-json.ts";

/** Thrown to the error handler; its message is fixed and may be shown. */
export class MalformedJson extends Error {
  override readonly name = "MalformedJson";
}

const DETAILS: { readonly [F in JsonFault]: string } = {
  not_json: "The body is not JSON.",
  duplicate_key: "An object has the same key twice.",
  too_deep: `The body is nested deeper than ${JSON_DEPTH_MAX} levels.`,
  forbidden_key: "An object has a key that could reach a prototype.",
  bad_text: "A string has a lone surrogate or a NUL.",
  number_out_of_range: "A number is too large to be represented.",
};

export function acceptStrictJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "buffer" },
    async (request: FastifyRequest, body: Buffer) => {
      request.rawBody = body;
      return await Promise.resolve(parseBody(request, body));
    },
  );
}

function parseBody(request: FastifyRequest, body: Buffer): unknown {
  // RFC 8259 has no charset parameter; a client that names another encoding than UTF-8 means other bytes.
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(request.headers["content-type"] ?? "")?.[1];
  if (charset !== undefined && charset.toLowerCase() !== "utf-8")
    throw new MalformedJson("The body must be encoded in UTF-8.");
  // Many clients name a media type even where they send nothing.
  if (body.length === 0) return undefined;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new MalformedJson("The body is not UTF-8.");
  }
  const parsed = parseStrictJson(text, JSON_DEPTH_MAX);
  if (!parsed.ok) throw new MalformedJson(DETAILS[parsed.error]);
  return parsed.value;
}
