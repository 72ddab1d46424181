// What a toy offers the scenarios of single guards.

import type { CommandBench, DeputyBench, EgressBench, McpBench, SettingsBench } from "../guard-benches.ts";
import { FORBIDDEN_TEXT, type ToyWorld } from "./toy-agent.ts";
import { OUTSIDE_PATH, OUTSIDE_TEXT } from "./toy-box.ts";
import type { Breaks } from "./toy-run.ts";
import { listedHosts, OPEN_ADDRESS } from "./toy-tools.ts";

export const toyDeputy = (world: ToyWorld): DeputyBench => ({
  board: {
    model: "toy",
    requests: world.requests,
    answerWith: (reply) => {
      world.reply = reply;
    },
  },
  body: (task) => ({ agent: "deputy", task }),
  otherBody: (task) => ({ agent: "other-deputy", task }),
  tools: {
    asked: "tell_sink",
    quorum: "pay_sink",
    named: "sign_sink",
    forbiddenLater: "post_sink",
    soonOver: "rush_sink",
    notGiven: "book_sink",
  },
  forbiddenText: FORBIDDEN_TEXT,
  reading: { tool: "read_file", arguments: { path: "README.md" } },
  readingMuch: { tool: "read_file", arguments: { path: "large.txt" } },
  writing: (text) => ({ tool: "write_file", arguments: { path: "NOTE.md", content: text } }),
});

export const toyMcp = ({ mcp }: ToyWorld): McpBench => ({ tool: "vault__pay", server: mcp });

export const toyEgress = (world: ToyWorld): EgressBench => ({
  call: (url) => ({ tool: "fetch_url", arguments: { url } }),
  host: world.host,
  listed: listedHosts(world)
    .filter((name) => !name.startsWith(OPEN_ADDRESS))
    .map((name) => `http://${name}`),
  open: {
    listed: `http://${OPEN_ADDRESS}:${world.host.port}`,
    unlisted: `http://127.0.0.4:${world.host.port}`,
  },
});

export const toyCommands = ({ outside, host }: ToyWorld): CommandBench => ({
  body: (task) => ({ agent: "runner", task }),
  call: (argv) => ({ tool: "command", arguments: { argv: [...argv] } }),
  canary: { path: OUTSIDE_PATH, text: OUTSIDE_TEXT },
  look: async () => await Promise.resolve(outside.text),
  environment: outside.variable,
  host,
});

/** The toy has no settings; it says what it would say of them. */
export const toySettings = (breaks: Breaks): SettingsBench => ({
  misspelt: ["quorom"],
  start: async (misspelt) =>
    await Promise.resolve(
      misspelt === null || breaks.has("setting.loose")
        ? { started: true, said: "" }
        : { started: false, said: `${misspelt} is no setting` },
    ),
});
