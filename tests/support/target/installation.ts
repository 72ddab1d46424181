// A whole installation in a folder of its own: home, configuration, an agent that stops at two gates (a file, then the
// suite's tool sink), and a git repository for it to work on.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GatedTask } from "@assent/suite";
import { fillHome } from "../migrated-home.ts";
import { LARGE_FILE, PROVIDER_AGENTS, PROVIDERS_CONFIG } from "./providers.ts";

export type Installation = {
  readonly folder: string;
  readonly home: string;
  readonly configFile: string;
  readonly gatedTask: GatedTask;
  /** What a server of it is started with, beside the machine's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** A task that asks nobody: it reads one file and says so. */
  readonly plainTask: Readonly<Record<string, string>>;
  remove(): void;
};

export const README = "A repository to work on.\n";

const TRANSCRIPT = {
  version: 1,
  description: "Writes a file, then tells the tool sink; each after a person agreed.",
  turns: [
    {
      text: "I write the note.",
      tool_calls: [
        {
          id: "call_write",
          tool: "write_file",
          arguments: { path: "NOTE.md", content: "Written under assent.\n" },
        },
      ],
    },
    {
      expect: { last_tool: "write_file" },
      on_error: { text: "The note was not written." },
      text: "Now I tell the sink.",
      tool_calls: [{ id: "call_tell", tool: "tell_sink", arguments: { text: "the note is written" } }],
    },
    {
      expect: { last_tool: "tell_sink" },
      on_error: { text: "The sink was not told." },
      text: "The note is written and the sink was told.",
    },
  ],
};

const TELLING = {
  version: 1,
  description: "Tells the sink and writes the note, both in one turn.",
  turns: [
    {
      text: "I tell, then I write.",
      tool_calls: [
        { id: "call_tell", tool: "tell_sink", arguments: { text: "before the question" } },
        {
          id: "call_write",
          tool: "write_file",
          arguments: { path: "NOTE.md", content: "Written after the effect.\n" },
        },
      ],
    },
    { expect: { last_tool: "write_file" }, text: "Told and written." },
  ],
};

const TELLER = {
  name: "teller",
  description: "Tells the tool sink, then writes a note.",
  system: "You tell the tool sink, then write a note. A person approves both.",
  models: ["scripted/telling"],
  tools: ["write_file", "tell_sink"],
  workspace: "required",
};

/** The longest of the tasks that take back what they did. */
export const ROLLBACK_STEPS_MAX = 3;

// Books so many times, one a turn, and then asks for what no transcript has: the model is at an end, and so is the run.
const booking = (steps: number, tool: string): unknown => ({
  version: 1,
  description: `Calls ${tool} ${steps} times, and then breaks off.`,
  turns: [
    ...Array.from({ length: steps }, (_, at) => ({
      text: `Step ${at + 1}.`,
      tool_calls: [{ id: `call_${at}`, tool, arguments: { text: `step ${at + 1}` } }],
    })),
    { expect: { last_tool: "no_such_tool" }, text: "This is never said." },
  ],
});

const booker = (name: string, transcript: string): unknown => ({
  name,
  description: "Books at the tool sink, and breaks off.",
  system: "You book at the tool sink.",
  models: [`scripted/${transcript}`],
  tools: ["book_sink", "tell_sink"],
  workspace: "none",
});

const AGENT = {
  name: "clerk",
  description: "Writes a note and tells the tool sink.",
  system: "You write a note and tell the tool sink. A person approves both.",
  models: ["scripted/note"],
  tools: ["write_file", "tell_sink"],
  workspace: "required",
};

const READING = {
  version: 1,
  description: "Reads a file and says so.",
  turns: [
    {
      text: "I read.",
      tool_calls: [{ id: "call_read", tool: "read_file", arguments: { path: "README.md" } }],
    },
    { expect: { last_tool: "read_file" }, text: "Read." },
  ],
};

const READER = {
  name: "reader",
  description: "Reads one file.",
  system: "You read.",
  models: ["scripted/reading"],
  tools: ["read_file"],
  workspace: "required",
};

function toolConfig(sinkUrl: string): unknown {
  return {
    kind: "http",
    url: sinkUrl,
    manifest: {
      name: "tell_sink",
      version: "1",
      description: "Tells the suite's tool sink something.",
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
  };
}

function bookConfig(sinkUrl: string): unknown {
  return {
    kind: "http",
    url: sinkUrl,
    compensation: {
      url: sinkUrl.replace("/effect", "/undo"),
      effect: "idempotent",
      description: "The booking is cancelled.",
    },
    manifest: {
      name: "book_sink",
      version: "1",
      description: "Books at the suite's tool sink.",
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
  };
}

// Nothing of the machine's own git configuration may change what the tests see.
function git(folder: string, ...args: readonly string[]): void {
  execFileSync("git", ["-C", folder, ...args], {
    stdio: "pipe",
    env: {
      ...process.env,
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_SYSTEM: "/dev/null",
      GIT_AUTHOR_NAME: "tester",
      GIT_AUTHOR_EMAIL: "tester@example.invalid",
      GIT_COMMITTER_NAME: "tester",
      GIT_COMMITTER_EMAIL: "tester@example.invalid",
    },
  });
}

/** What a principal may ask of the one route with a quota of its own; nothing but the burst asks it. */
export const BURST_REQUESTS = 7;
export const BURST_LIMITS = { "access.read": { requests: BURST_REQUESTS, window_seconds: 3_600 } };

export function createInstallation(
  sinkUrl: string,
  environment: Readonly<Record<string, string>> = {},
  withContent = false,
  more: Readonly<Record<string, unknown>> = {},
  /** Beside those of every installation. */
  moreTools: readonly unknown[] = [],
): Installation {
  const folder = mkdtempSync(join(tmpdir(), "assent-target-"));
  // When we are root, the database's own user has to pass through.
  chmodSync(folder, 0o711);
  const put = (path: string, value: unknown): void => {
    writeFileSync(join(folder, path), typeof value === "string" ? value : JSON.stringify(value));
  };
  for (const name of ["home", "agents", "transcripts", "repository"]) mkdirSync(join(folder, name));
  chmodSync(join(folder, "home"), 0o711);
  fillHome(join(folder, "home"));
  put("agents/clerk.json", AGENT);
  put("transcripts/note.transcript.json", TRANSCRIPT);
  put("agents/teller.json", TELLER);
  put("transcripts/telling.transcript.json", TELLING);
  for (let steps = 1; steps <= ROLLBACK_STEPS_MAX; steps += 1) {
    put(`agents/booker-${steps}.json`, booker(`booker-${steps}`, `booking-${steps}`));
    put(`transcripts/booking-${steps}.transcript.json`, booking(steps, "book_sink"));
  }
  put("agents/irreversible.json", booker("irreversible", "irreversible"));
  put("transcripts/irreversible.transcript.json", booking(1, "tell_sink"));
  put("agents/reader.json", READER);
  put("transcripts/reading.transcript.json", READING);
  for (const agent of PROVIDER_AGENTS) put(`agents/${agent.name}.json`, agent);
  put(`repository/${LARGE_FILE}`, "a".repeat(1_000_000));
  put("repository/README.md", README);
  git(join(folder, "repository"), "init", "--quiet", "--initial-branch=main");
  git(join(folder, "repository"), "add", "--all");
  git(join(folder, "repository"), "commit", "--quiet", "--message=Begin");
  put("assent.config.json", {
    workspaces: { notes: { path: "repository" } },
    agents: "agents",
    transcripts: "transcripts",
    providers: PROVIDERS_CONFIG,
    telemetry: { content: withContent },
    limits: { actions: BURST_LIMITS },
    tools: [toolConfig(sinkUrl), bookConfig(sinkUrl), ...moreTools],
    ...more,
  });
  return {
    folder,
    home: join(folder, "home"),
    configFile: join(folder, "assent.config.json"),
    gatedTask: {
      body: { agent: "clerk", task: "Write the note and tell the sink.", workspace: "notes" },
      sinkEffects: 1,
    },
    environment,
    plainTask: { agent: "reader", task: "Read the file.", workspace: "notes" },
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
