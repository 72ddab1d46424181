// The API of a process.

import { ROUTES } from "@assent/contract";
import type { Console } from "../api/console-files.ts";
import type { createServer } from "../api/server.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Harness } from "../services/harness.ts";
import type { StartRefusal } from "./refusal.ts";

type Place = Parameters<typeof createServer>[1] & {
  readonly host: string;
  readonly port: number;
  readonly console: Console;
};

type Served = {
  readonly url: string;
  /** Null where there is no web console to be had. */
  readonly consoleUrl: string | null;
};

export async function startServing(
  harness: Harness,
  { host, port, ...options }: Place,
  started: AsyncDisposableStack,
): Promise<Result<Served, StartRefusal>> {
  // A worker never loads it.
  const api = await import("../api/server.ts");
  const server = await api.createServer(harness, options);
  started.defer(async () => {
    await server.close();
  });
  try {
    const { url } = await server.listen(host, port);
    const { state } = options.console;
    if (state === "not_built") options.log("warn", "there is no web console: it was not built");
    return ok({ url, consoleUrl: state === "built" ? `${url}${ROUTES.getConsole.path}` : null });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (typeof code !== "string" || !Object.hasOwn(LISTEN_FAULTS, code)) throw error;
    return err({
      code: "address_unavailable",
      detail: `${host}:${port} cannot be listened on (${code}).`,
      remedy: LISTEN_FAULTS[code] ?? "",
    });
  }
}

const OF_THIS_MACHINE = "Name an address of this machine with --host: 127.0.0.1, or 0.0.0.0 for all of them.";
const LISTEN_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: "Stop whoever has it (another `assent up`?), or name another --port.",
  EACCES: "Ports below 1024 are the system's: name another --port.",
  EADDRNOTAVAIL: OF_THIS_MACHINE,
  ENOTFOUND: OF_THIS_MACHINE,
  EAI_AGAIN: OF_THIS_MACHINE,
};
