// A time limit that ends with what it limits. AbortSignal.timeout keeps its timer and everything that hangs on it until
// the time is up, however early the work was done: minutes, of each call of a busy worker.

/** Aborts after so long, or with any of the others; disposed of, it keeps nothing. */
export function deadline(
  ms: number,
  ...others: readonly AbortSignal[]
): Disposable & { readonly signal: AbortSignal } {
  const late = new AbortController();
  const timer = setTimeout(() => {
    // As AbortSignal.timeout says it.
    late.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
  }, ms);
  // As there: waiting alone keeps no process alive.
  timer.unref();
  return {
    signal: others.length === 0 ? late.signal : AbortSignal.any([late.signal, ...others]),
    [Symbol.dispose]: () => {
      clearTimeout(timer);
    },
  };
}
