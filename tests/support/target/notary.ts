// An agent for counting: one effect a run, after one approval, without a workspace.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Installation } from "./installation.ts";

/** An agent that does one thing to the world, after a person agreed, and can be asked whether it did. */
export function addNotary({ folder, configFile }: Installation, url: string, checkUrl?: string): void {
  const put = (path: string, value: unknown): void => {
    writeFileSync(join(folder, path), JSON.stringify(value));
  };
  put("agents/notary.json", {
    name: "notary",
    description: "Puts one thing on record.",
    system: "You put on record what you are told.",
    models: ["scripted/notary"],
    tools: ["put_on_record"],
    workspace: "none",
  });
  put("transcripts/notary.transcript.json", {
    version: 1,
    description: "Puts it on record, then says so.",
    turns: [
      {
        text: "I put it on record.",
        tool_calls: [
          { id: "call_record", tool: "put_on_record", arguments: { text: "entered by the notary" } },
        ],
      },
      { expect: { last_tool: "put_on_record" }, text: "It is on record." },
    ],
  });
  const config = z
    .looseObject({ tools: z.array(z.unknown()) })
    .parse(JSON.parse(readFileSync(configFile, "utf8")));
  put("assent.config.json", {
    ...config,
    // What is attacked here is not the number of requests.
    limits: { tenant: "off", principal: "off", address: "off" },
    tools: [
      ...config.tools,
      {
        kind: "http",
        url,
        ...(checkUrl === undefined ? {} : { check_url: checkUrl }),
        manifest: {
          name: "put_on_record",
          version: "1",
          description: "Puts a text on record, for ever.",
          input_schema: {
            type: "object",
            properties: { text: { type: "string" } },
            required: ["text"],
            additionalProperties: false,
          },
          effect: "once",
          harm: ["write"],
          control_arguments: ["text"],
        },
      },
    ],
  });
}
