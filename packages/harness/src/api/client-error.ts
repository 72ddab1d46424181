// What Node's HTTP parser refuses never becomes a request, so it is answered on the bare socket.

import type { ProblemCode } from "@assent/contract";
import type { FastifyReply, FastifyRequest, FastifyServerOptions } from "fastify";
import { rawProblem } from "./answer.ts";

type ClientErrorHandler = NonNullable<FastifyServerOptions["clientErrorHandler"]>;
type Socket = Parameters<ClientErrorHandler>[1];
type RawReply = FastifyReply["raw"];

export type ClientErrors = {
  readonly handle: ClientErrorHandler;
  /** Remembers an answer that is under way on its socket. */
  readonly track: (request: FastifyRequest, reply: FastifyReply) => void;
};

/** @param newRequestId names the refused request in the answer */
export function createClientErrors(newRequestId: () => string): ClientErrors {
  const pending = new WeakMap<Socket, Set<RawReply>>();
  return {
    track: (request, reply) => {
      const { socket } = request.raw;
      const replies = pending.get(socket) ?? new Set();
      pending.set(socket, replies);
      replies.add(reply.raw);
      reply.raw.once("close", () => replies.delete(reply.raw));
    },
    handle: (error, socket) => {
      const replies = [...(pending.get(socket) ?? [])];
      // Bytes written now would be taken for (a part of) the answer to an earlier request on this connection.
      const isMidAnswer = replies.some((reply) => reply.headersSent || reply.req.complete);
      if (error.code === "ECONNRESET" || !socket.writable || isMidAnswer) {
        socket.destroy();
        return;
      }
      socket.end(rawProblem(...explain(error.code), newRequestId()));
      // The peer gets the answer and no more time: what it goes on sending is not read.
      socket.once("finish", () => socket.destroy());
    },
  };
}

function explain(code: string): [ProblemCode, string] {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return ["headers_too_large", "The request line and headers have more than 16 KiB."];
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return ["malformed_request", "The chunk extensions are too large."];
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return ["request_timeout", "The request was not complete in time."];
    default:
      return ["malformed_request", "The request could not be read as HTTP/1.1."];
  }
}
