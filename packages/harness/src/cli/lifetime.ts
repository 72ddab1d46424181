import { resolve } from "node:path";
import { err, ok, type Result } from "../base/result.ts";
import type { Context } from "./context.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import type { Failure } from "./failure.ts";
import { visibleLine } from "./output/visible.ts";
import type { Running } from "./start.ts";

export type Lifetime = {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly stopped: Promise<void>;
  end(): void;
};

/** The first signal asks for a clean end, the second does not wait for it. */
export function beginLifetime(context: Context): Lifetime {
  const stop = new AbortController();
  const stopped = Promise.withResolvers<void>();
  const end = context.io.onStopSignal((name) => {
    if (stop.signal.aborted) {
      context.io.exitNow(EXIT_CODES.interrupted.code);
      return;
    }
    context.emit({ event: "stopping", signal: name });
    context.say([`${name}: stopping cleanly. Once more exits at once.`]);
    stop.abort();
    stopped.resolve();
  });
  return { signal: stop.signal, stopped: stopped.promise, end };
}

export type ServeFlags = {
  readonly port: number;
  readonly host: string;
  readonly config?: string;
  readonly model?: string;
  readonly announce: boolean;
  readonly role: "all" | "server" | "worker";
  readonly runsMax?: number;
};

export async function startHere(context: Context, flags: ServeFlags): Promise<Result<Running, Failure>> {
  const started = await context.deps.startHarness(
    {
      home: context.home,
      host: flags.host,
      port: flags.port,
      configFile: flags.config === undefined ? null : resolve(context.deps.cwd, flags.config),
      model: flags.model ?? null,
      announce: flags.announce,
      role: flags.role,
      ...(flags.runsMax === undefined ? {} : { runsMax: flags.runsMax }),
    },
    (line) => {
      context.emit({ event: "progress", detail: line });
      context.say([visibleLine(line)]);
    },
  );
  return started.ok ? ok(started.value) : err({ exit: "cannot_start", ...started.error });
}
