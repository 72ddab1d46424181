// What repetitions may add to the calls of a provider: a share of them, so that trouble is never multiplied by those
// who meet it (after the retry budgets of gRPC and Envoy). A little flows in with time, or who only repeats would wait
// for ever.

export type RetryBudget = { readonly tokens: number; readonly atMs: number };

const TOKENS_MAX = 10;
const TOKENS_AT_START = 3;
const TOKENS_PER_SECOND = 0.1;

export const newRetryBudget = (atMs: number): RetryBudget => ({ tokens: TOKENS_AT_START, atMs });

const flow = ({ tokens, atMs }: RetryBudget, nowMs: number): RetryBudget => ({
  tokens: Math.min(TOKENS_MAX, tokens + (Math.max(0, nowMs - atMs) / 1_000) * TOKENS_PER_SECOND),
  // Also back, where the clock was set back: nothing would flow in until it is there again.
  atMs: nowMs,
});

/** A call that repeats nothing. */
export const afterFirst = (budget: RetryBudget, ratio: number, nowMs: number): RetryBudget => {
  const flowed = flow(budget, nowMs);
  return { ...flowed, tokens: Math.min(TOKENS_MAX, flowed.tokens + ratio) };
};

/** Takes one repetition out, or null: there is none left. */
export function takeRetry(budget: RetryBudget, nowMs: number): RetryBudget | null {
  const flowed = flow(budget, nowMs);
  return flowed.tokens < 1 ? null : { ...flowed, tokens: flowed.tokens - 1 };
}

/** How long until there is one, in ms. */
export const retryWaitMs = (budget: RetryBudget, nowMs: number): number =>
  Math.ceil((Math.max(0, 1 - flow(budget, nowMs).tokens) / TOKENS_PER_SECOND) * 1_000);
