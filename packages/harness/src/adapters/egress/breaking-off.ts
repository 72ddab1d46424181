// What is known of a request that came to nothing.

/** The system's name of what went wrong, as far as it is one: nothing that came from the network is in it. */
export function systemCodeOf(error: Error): string | null {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return /^[A-Z][A-Z0-9_]{1,50}$/u.test(code) ? code : null;
}

/** Rejects when the signal is aborted, whatever becomes of the work. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    reject(new Error("aborted"));
  };
  signal.addEventListener("abort", abort, { once: true });
  // One that is aborted already tells nobody any more.
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
