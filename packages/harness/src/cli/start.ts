import type { Result } from "../base/result.ts";

export type StartOptions = {
  /** Where database, keys and artifacts are kept; absolute. */
  readonly home: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly configFile: string | null;
  /** `<provider>/<model>` for every agent, or null for what the configuration says. */
  readonly model: string | null;
  /** Whether later commands in this home are to find this server. */
  readonly announce: boolean;
  /** `all` in one process; or the API without a worker, or a worker without the API, of which there may be many. */
  readonly role: "all" | "server" | "worker";
  /** Runs that its worker advances at the same time, where not as many as usual. */
  readonly runsMax?: number;
};

export type Running = {
  /** Empty for a worker: it serves nothing. */
  readonly url: string;
  /** Where people find the web console; null where this process gives out none. */
  readonly consoleUrl: string | null;
  readonly home: string;
  readonly adminKey: string;
  readonly firstStart: boolean;
  /** Gives work back, then stops what was started here; the embedded database only if nobody else uses it. */
  stop(): Promise<void>;
};

export type StartRefusal = { readonly code: string; readonly detail: string; readonly remedy: string };

/** Starts database, API and worker, as the role says, in this process. The command line is handed one; it does not know how it works. */
export type StartHarness = (
  options: StartOptions,
  onProgress: (line: string) => void,
) => Promise<Result<Running, StartRefusal>>;
