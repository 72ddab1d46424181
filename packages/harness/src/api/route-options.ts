// From a row of the contract's table to what Fastify registers.

import type { RouteAction, RouteRow } from "@assent/contract";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Media types that the route can answer in; empty: whatever the thing itself is. */
    offers?: readonly string[];
  }
}

export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

type Part<R, Name extends string, As extends string> =
  R extends Record<Name, infer S extends z.ZodType> ? Record<As, S> : unknown;

type RouteSchema<R> = Part<R, "query", "querystring"> & Part<R, "params", "params"> & Part<R, "body", "body">;

type RegisteredRoute<R extends RouteRow> = {
  method: R["method"];
  url: string;
  config: { action: RouteAction; offers: readonly string[] };
  schema: RouteSchema<R>;
};

/** What a client can refuse to be given; anything else is what it is. */
const NEGOTIATED: readonly string[] = ["application/json", "text/html"];

/** The path as the router writes it: `/runs/:id`. */
export const urlOf = ({ path }: Pick<RouteRow, "path">): string => path.replaceAll(/\{([a-z]+)\}/g, ":$1");

/** All of a route but its handler. The response schema is strict: a field it does not name becomes a 500, not a leak. */
export function routeOptions<R extends RouteRow>(row: R): RegisteredRoute<R>;
export function routeOptions(row: RouteRow): Omit<RegisteredRoute<RouteRow>, "schema"> & { schema: object } {
  const json = row.success.content["application/json"];
  const offers = NEGOTIATED.some((type) => Object.hasOwn(row.success.content, type));
  return {
    method: row.method,
    url: urlOf(row),
    config: { action: row.action, offers: offers ? Object.keys(row.success.content) : [] },
    // A key with the value undefined is taken for a mistake by Fastify.
    schema: {
      querystring: row.query,
      ...(row.params === undefined ? {} : { params: row.params }),
      ...(row.body === undefined ? {} : { body: row.body }),
      ...(json === undefined ? {} : { response: { [row.success.status]: json } }),
    },
  };
}
