// Starts that must not be: the installation's own configuration, rules and agents with one word misspelt.

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SettingsBench } from "@assent/suite";
import type { Installation } from "./installation.ts";
import type { ServerProcess } from "./server-process.ts";

type Json = Record<string, unknown>;

/** What a slip changes: the configuration, and a file of an agent or of the rules where it stands there. */
type Slip = (config: Json, folder: string) => void;

const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function memberOf(value: unknown, name: string | number): Json {
  const found: unknown = isJson(value) || Array.isArray(value) ? Reflect.get(value, name) : undefined;
  if (!isJson(found)) throw new Error(`the configuration has no ${name}`);
  return found;
}

function rename(object: Json, from: string, to: string): void {
  if (!Object.hasOwn(object, from)) throw new Error(`there is no ${from} to misspell`);
  object[to] = object[from];
  delete object[from];
}

/** A copy of a folder of the configuration in which one text stands for another. */
function replaceIn(
  config: Json,
  { folder, at, file, from, to }: Record<"folder" | "at" | "file" | "from" | "to", string>,
): void {
  const copy = `${at}-with-${to.replaceAll(/[^a-z]/g, "")}`;
  cpSync(join(folder, at), join(folder, copy), { recursive: true });
  const text = readFileSync(join(folder, copy, file), "utf8");
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  writeFileSync(join(folder, copy, file), text.replace(from, to));
  config[at] = at === "policies" ? { folder: copy } : copy;
}

const inRules =
  (from: string, to: string): Slip =>
  (config, folder) => {
    replaceIn(config, { folder, at: "policies", file: "suite.cedar", from: `@${from}`, to: `@${to}` });
  };

const firstTool = (config: Json): Json => memberOf(memberOf(config["tools"], 0), "manifest");

/** By the misspelt word, which the refusal has to name. */
const SLIPS: Readonly<Record<string, Slip>> = {
  policys: (config) => {
    rename(config, "policies", "policys");
  },
  harms: (config) => {
    rename(firstTool(config), "harm", "harms");
  },
  control_argument: (config) => {
    rename(firstTool(config), "control_arguments", "control_argument");
  },
  private_netwerk: (config) => {
    const server = memberOf(memberOf(memberOf(config["mcp"], "servers"), "vault"), "tools");
    memberOf(server, "pay")["private_netwerk"] = false;
  },
  quorom: inRules("quorum", "quorom"),
  need_approval: inRules("needs_approval", "need_approval"),
  handels: (config, folder) => {
    const place = { folder, at: "agents", file: "deputy.json" };
    replaceIn(config, { ...place, from: '"tools"', to: '"handels":["read_file"],"tools"' });
  },
};

/** @param launch starts a server on the installation's home; a refusal rejects with its text */
export function createSettingsBench(
  installation: Installation,
  launch: (installation: Installation) => Promise<ServerProcess>,
): SettingsBench {
  const { folder, configFile } = installation;
  return {
    misspelt: Object.keys(SLIPS),
    start: async (misspelt) => {
      const config: unknown = JSON.parse(readFileSync(configFile, "utf8"));
      if (!isJson(config)) throw new Error("the configuration is no object");
      if (misspelt !== null) SLIPS[misspelt]?.(config, folder);
      const file = join(folder, `${misspelt ?? "sound"}.config.json`);
      writeFileSync(file, JSON.stringify(config));
      try {
        const server = await launch({ ...installation, configFile: file });
        await server.stop();
        return { started: true, said: server.url };
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        return { started: false, said: error.message };
      }
    },
  };
}
