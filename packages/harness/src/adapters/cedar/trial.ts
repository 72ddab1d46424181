// Rules of anybody, tried in a thread of their own. What Cedar parses it keeps for good, what it is told to read it reads to the
// end, and what makes it fall over takes its memory along: none of that may be the memory that decides calls.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { PolicyDiff } from "../../core/decide/policy-diff.ts";
import type { PolicyTrials } from "../../core/decide/policy-trials.ts";
import type { TrialAnswer } from "./trial-thread.ts";

/** Built, it is JavaScript as this file is. */
const isSource = import.meta.url.endsWith(".ts");
const THREAD = new URL(`./trial-thread${isSource ? ".ts" : ".js"}`, import.meta.url);

/** Of the thread's own heap; a set of rules and a batch of records take a tenth of it. */
const HEAP_MB_MAX = 256;

/** Nothing of this process's environment or of its output is the thread's. Ended, it has left nothing behind. */
export const openTrial: PolicyTrials = async (text, signal) => {
  const thread = new Worker(THREAD, {
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
