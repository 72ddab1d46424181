// What every command is given: the world, the global options, and one way to speak.

import { resolve } from "node:path";
import type { Result } from "../base/result.ts";
import type { Client } from "../client/client.ts";
import { openClient } from "./connection.ts";
import type { ExitName } from "./exit-codes.ts";
import type { Failure } from "./failure.ts";
import { createPaint, type Paint } from "./output/paint.ts";
import { visibleJson, visibleLine } from "./output/visible.ts";
import type { Deps, Io } from "./world.ts";

export type GlobalFlags = {
  readonly url?: string;
  readonly token?: string;
  readonly home: string;
  readonly json?: boolean;
  readonly color: boolean;
};

export type Outcome = Promise<Result<ExitName, Failure>>;

/** Runs one command in its context, and keeps what came of it. */
export type Perform = (command: (context: Context) => Outcome) => Promise<void>;

export type Context = {
  readonly io: Io;
  readonly deps: Deps;
  readonly json: boolean;
  /** Absolute. */
  readonly home: string;
  readonly paint: Paint;
  /** How to call this program again from here, for the commands it prints. */
  readonly command: string;
  /** For people, to read along: standard output; standard error with --json, so that the former stays JSON only. */
  say(lines: readonly string[]): void;
  /** A record for programs: one line of JSON on standard output; nothing without --json. */
  emit(record: unknown): void;
  /** The result of a command, in the form asked for. */
  show(record: unknown, lines: () => readonly string[]): void;
  /** Whether a question can be asked of somebody who can see what it is about. */
  readonly canAsk: boolean;
  openClient(): Promise<Result<Client, Failure>>;
};

export function createContext(flags: GlobalFlags, io: Io, deps: Deps): Context {
  const json = flags.json === true;
  const home = resolve(deps.cwd, flags.home);
  const readByPeople = json ? io.errIsTerminal : io.outIsTerminal;
  const say = (lines: readonly string[]): void => {
    if (lines.length === 0) return;
    const text = `${lines.join("\n")}\n`;
    if (json) io.err(text);
    else io.out(text);
  };
  const emit = (record: unknown): void => {
    if (json) io.out(`${visibleJson(record, 0)}\n`);
  };
  return {
    io,
    deps,
    json,
    home,
    paint: createPaint(readByPeople && flags.color && !deps.environment.noColor),
    command: commandOf(flags),
    say,
    emit,
    show: (record, lines) => (json ? emit(record) : say(lines())),
    canAsk: io.inIsTerminal && io.errIsTerminal && readByPeople,
    openClient: async () => await openClient({ url: flags.url, token: flags.token, home }, deps),
  };
}

// The token is left out: it would end up in terminals, logs and shell histories.
function commandOf(flags: GlobalFlags): string {
  const home = flags.home === DEFAULT_HOME ? "" : ` --home ${quote(flags.home)}`;
  const url = flags.url === undefined ? "" : ` --url ${quote(flags.url)}`;
  return visibleLine(`npx assent${home}${url}`);
}

export const DEFAULT_HOME = ".assent";

// For people to copy; nothing here is ever handed to a shell by us.
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
