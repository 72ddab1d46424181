// The web console as the service gives it out: built files of one flat folder. They hold nothing of any tenant, so nobody is
// asked who they are; what the page then reads it reads with its user's key, like every other client.

import { z } from "zod";
import { noQuerySchema } from "./api-schemas.ts";
import type { RouteRow } from "./route.ts";

const consolePageSchema = z.string().meta({ id: "ConsolePage", description: "The console's page." });
const consoleFileSchema = z.string().meta({
  id: "ConsoleFile",
  description: "The file's bytes, in UTF-8 where it is text.",
});
const consoleParamsSchema = z.strictObject({
  file: z.string().meta({ description: "Name of a built file, as the page names it." }),
});

export const CONSOLE_ROUTES = {
  getConsole: {
    method: "GET",
    path: "/console",
    operationId: "getConsole",
    action: "open",
    tag: "service",
    summary: "The web console",
    description: "A page for browsers. A configuration with `console: false` has none.",
    query: noQuerySchema,
    requestHeaders: ["If-None-Match"],
    success: {
      status: 200,
      description: "The page.",
      content: { "text/html": consolePageSchema },
      headers: ["ETag"],
    },
    empty: { 304: "The page is still as the ETag in `If-None-Match` says." },
    problems: ["console_not_built", "route_not_found", "quota_exceeded"],
  },
  getConsoleFile: {
    method: "GET",
    path: "/console/{file}",
    operationId: "getConsoleFile",
    action: "open",
    tag: "service",
    summary:
      "What the console's page consists of: scripts, styles, icons, and the licences of what is in them",
    params: consoleParamsSchema,
    query: noQuerySchema,
    requestHeaders: ["If-None-Match"],
    success: {
      status: 200,
      description: "The file.",
      content: {
        "text/javascript": consoleFileSchema,
        "text/css": consoleFileSchema,
        "image/svg+xml": consoleFileSchema,
        "text/markdown": consoleFileSchema,
      },
      headers: ["ETag"],
    },
    empty: {
      304: "The file is still as the ETag in `If-None-Match` says.",
      308: "With no name after the slash: the page is at `/console`.",
    },
    problems: ["console_not_built", "route_not_found", "quota_exceeded"],
  },
} as const satisfies Record<string, RouteRow>;
