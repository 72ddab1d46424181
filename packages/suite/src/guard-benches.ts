// What the scenarios of single guards need of a target: an agent whose model the suite speaks for, and whose tools end
// at servers of the suite's own. What arrives there has happened, whatever the target says of it.

import type { McpDouble } from "./faults/mcp-server.ts";
import type { WebHost } from "./faults/web-host.ts";
import type { PathCall, ProviderBoard } from "./provider-board.ts";

/** Tools that hand one argument, `text`, to the target's tool sink, by what the rules want where the model made it up. */
export type DeputyTools = {
  /** One person, whose answer can be given for good. */
  readonly asked: string;
  /** Two people, neither of whom asked for the run. */
  readonly quorum: string;
  /** The principal of the role `approver` and nobody else. */
  readonly named: string;
  /** One person; and it is forbidden once the run has read anything untrusted. */
  readonly forbiddenLater: string;
  /** One person, who has a second or two to answer. */
  readonly soonOver: string;
  /** It exists, and the agent was not given it. */
  readonly notGiven: string;
};

export type DeputyBench = {
  readonly board: ProviderBoard;
  body(task: string): Readonly<Record<string, unknown>>;
  /** Another agent with the same tools. */
  otherBody(task: string): Readonly<Record<string, unknown>>;
  readonly tools: DeputyTools;
  /** Whoever is asked for it, a rule forbids every call of `asked` whose text holds this. */
  readonly forbiddenText: string;
  /** Reads something untrusted and changes nothing. */
  readonly reading: PathCall;
  /** The same, and what the run then holds is large. */
  readonly readingMuch: PathCall;
  /** Writes a file that becomes part of an artifact; a person is asked. */
  writing(text: string): PathCall;
};

/** A server of tools that changes what it says of them. The agent of `DeputyBench` has its one tool. */
export type McpBench = {
  /** What the agent's model calls it. */
  readonly tool: string;
  readonly server: McpDouble;
};

/** Hosts of the suite's own. The agent of `DeputyBench` fetches by `call`; what is on the target's list is said here. */
export type EgressBench = {
  call(url: string): PathCall;
  readonly host: WebHost;
  /** URLs on the list that lead to `host` all the same, each over an address of this machine. */
  readonly listed: readonly string[];
  /** URLs that lead to `host` and may be reached, on the list and not; only where a test has opened those addresses. */
  readonly open?: { readonly listed: string; readonly unlisted: string };
};

/** An agent that runs programs on its workspace. */
export type CommandBench = {
  body(task: string): Readonly<Record<string, unknown>>;
  call(argv: readonly string[]): PathCall;
  /** A file outside that anybody on the machine may read and write. */
  readonly canary: { readonly path: string; readonly text: string };
  /** The file as it is now. */
  look(): Promise<string>;
  /** What the target's own processes have in their environment. */
  readonly environment: { readonly name: string; readonly value: string };
  /** Listens on every address of this machine. */
  readonly host: WebHost;
};

/** Settings that each differ from a sound one in one letter of a name. */
export type SettingsBench = {
  readonly misspelt: readonly string[];
  /** Starts a target of its own with that setting, or with none of them, and stops it again. */
  start(misspelt: string | null): Promise<{ readonly started: boolean; readonly said: string }>;
};
