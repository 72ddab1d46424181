// What is still to be found out when a connection is there and nothing was sent: a library in between knows of no such
// moment, so the question goes with the call and not through its hands.

import { AsyncLocalStorage } from "node:async_hooks";

const proofs = new AsyncLocalStorage<() => Promise<void>>();

/** Nothing was sent. */
export class NotProven extends Error {
  override readonly name = "NotProven";
}

/** What of `call` goes out first goes out once `prove` has resolved; where it rejects, nothing does (NotProven). */
export async function underProof<T>(prove: () => Promise<void>, call: () => Promise<T>): Promise<T> {
  let isProven = false;
  const first = async (): Promise<void> => {
    // What comes later ("never mind", after the lease was lost) belongs to a call that has been made.
    if (isProven) return;
    try {
      await prove();
    } catch (error) {
      throw new NotProven("The call is not ours to make any more.", { cause: error });
    }
    isProven = true;
  };
  return await proofs.run(first, call);
}

/** To be awaited by whoever is about to send the first byte. */
export async function proveBeforeSending(): Promise<void> {
  await proofs.getStore()?.();
}
