// The MCP servers of a configuration, with their secrets and the pins beside it.

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { z } from "zod";
import { err, ok, type Result } from "./base/result.ts";
import type { McpServerConfig, mcpSchema } from "./core/mcp/mcp-config.ts";
import { type McpPins, mcpPinsSchema, NO_PINS } from "./core/mcp/pins.ts";

/** How one server is reached, and what its tools do. `environment` and `bearerToken` hold secrets. */
export type McpDeclaredServer = {
  readonly config: McpServerConfig;
  readonly endpoint:
    | {
        readonly transport: "http";
        readonly url: string;
        readonly bearerToken: string | null;
        readonly privateNetwork: boolean;
      }
    | {
        readonly transport: "stdio";
        readonly command: string;
        readonly args: readonly string[];
        readonly cwd: string;
        readonly environment: Readonly<Record<string, string>>;
      };
  /** Values of the environment that were handed on: to be kept out of every text. */
  readonly secrets: readonly string[];
};

export type McpDeclared = {
  readonly servers: ReadonlyMap<string, McpDeclaredServer>;
  readonly pins: McpPins;
  /** Absolute; null where no server is declared. */
  readonly pinsFile: string | null;
};

type Refusal = { readonly code: string; readonly detail: string; readonly remedy: string };
type Variable = (name: string) => string | undefined;

/** @param folder that of the configuration file */
export function readMcp(
  declared: z.infer<typeof mcpSchema> | null,
  folder: string,
  variable: Variable,
): Result<McpDeclared, Refusal> {
  if (declared === null) return ok({ servers: new Map(), pins: NO_PINS, pinsFile: null });
  const servers = new Map<string, McpDeclaredServer>();
  for (const [name, config] of Object.entries(declared.servers)) {
    const server = readServer(name, config, folder, variable);
    if (!server.ok) return server;
    servers.set(name, server.value);
  }
  const pinsFile = resolve(folder, declared.pins);
  const pins = readPins(pinsFile);
  return pins.ok ? ok({ servers, pins: pins.value, pinsFile }) : pins;
}

/** One server with its secrets, which have to be there. */
export function readServer(
  name: string,
  config: McpServerConfig,
  folder: string,
  variable: Variable,
): Result<McpDeclaredServer, Refusal> {
  const wanted =
    config.transport === "http"
      ? config.bearer_token_env === undefined
        ? []
        : [config.bearer_token_env]
      : config.pass_environment;
  const found: Record<string, string> = {};
  for (const each of wanted) {
    const value = variable(each);
    if (value === undefined)
      return err({
        code: "mcp_variable_missing",
        detail: `The MCP server ${name} needs the variable ${each}, and it is not set.`,
        remedy: "Set it in the environment, or take it out of the configuration.",
      });
    found[each] = value;
  }
  const secrets = Object.values(found);
  if (config.transport === "http") {
    const { url, private_network: privateNetwork } = config;
    const [bearerToken = null] = secrets;
    return ok({ config, endpoint: { transport: "http", url, bearerToken, privateNetwork }, secrets });
  }
  // A name without a path is for the system's folders; anything else is taken from where the configuration lies.
  const command = config.command.includes("/") ? resolve(folder, config.command) : config.command;
  const cwd = resolve(folder, config.cwd ?? ".");
  const environment = { ...config.environment, ...found };
  return ok({
    config,
    endpoint: { transport: "stdio", command, args: config.args, cwd, environment },
    secrets,
  });
}

function readPins(file: string): Result<McpPins, Refusal> {
  if (!existsSync(file)) return ok(NO_PINS);
  const refuse = (detail: string): Result<never, Refusal> =>
    err({
      code: "mcp_pins_invalid",
      detail: `${file} ${detail}.`,
      remedy: "Restore it, or remove it and pin the tools anew with `assent mcp pin`.",
    });
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return refuse("cannot be read as JSON");
  }
  const parsed = mcpPinsSchema.safeParse(value);
  return parsed.success ? ok(parsed.data) : refuse("is no file of pins");
}
