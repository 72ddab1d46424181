// Rules of anybody, tried in a thread of their own. What Cedar parses it keeps for good, what it is told to read it reads to the
// end, and what makes it fall over takes its memory along: none of that may be the memory that decides calls.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Result } from "../../base/result.ts";
import type { PolicyDiff } from "../../core/decide/policy-diff.ts";
import type { PolicyRefusal, PolicyTrials } from "../../core/decide/policy-point.ts";

/** From the thread, in this order: one of the first, then one of the second for each batch of records. */
export type TrialAnswer = {
  readonly opened: Result<{ readonly version: string; readonly rules: number }, PolicyRefusal>;
  readonly judged: PolicyDiff;
};

const SOURCE = new URL("./trial-thread.ts", import.meta.url);
const isSource = import.meta.url.endsWith(".ts");

/** Of the thread's own heap; a set of rules and a batch of records take a tenth of it. */
const HEAP_MB_MAX = 256;

/** Nothing of this process's environment or of its output is the thread's. Ended, it has left nothing behind. */
export const openTrial: PolicyTrials = async (text, signal) => {
  const thread = new Worker(isSource ? SOURCE : new URL("./trial-thread.js", import.meta.url), {
    workerData: { text },
    env: {},
    stdout: true,
    stderr: true,
    execArgv: isSource ? ["--conditions=assent-source"] : [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  });
  const gone = new AbortController();
  const end = (): void => {
    gone.abort();
  };
  // Whoever waits is told by that; without a listener it would end this process.
  thread.on("error", end);
  thread.on("exit", end);
  const ended = AbortSignal.any([signal, gone.signal]);
  const next = async <K extends keyof TrialAnswer>(): Promise<TrialAnswer[K]> => {
    // Another program of ours, of the same version, which says what the type says.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const [answer] = (await once(thread, "message", { signal: ended })) as [TrialAnswer[K]];
    return answer;
  };
  const close = async (): Promise<void> => {
    await thread.terminate();
  };
  try {
    const opened = await next<"opened">();
    if (!opened.ok) {
      await close();
      return opened;
    }
    const judge = async (records: readonly unknown[]): Promise<PolicyDiff> => {
      const answer = next<"judged">();
      // A thread has no origin.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      thread.postMessage(records);
      return await answer;
    };
    return { ok: true, value: { ...opened.value, judge, [Symbol.asyncDispose]: close } };
  } catch (error) {
    await close();
    throw error;
  }
};
