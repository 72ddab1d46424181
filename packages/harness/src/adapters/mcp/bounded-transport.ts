// What a server can make this process hold and send. The SDK answers whatever a server asks, however often, reads an
// answer's stream for as long as the server leaves it open, and waits for the end of what it gets for a notification:
// a server that wants harm has thousands of sockets of ours that way, or a call that never ends.

import { AsyncLocalStorage } from "node:async_hooks";
import type { Transport } from "@modelcontextprotocol/client";

/** Answers to a server's own questions that are on their way at once; more are not given. */
const OWED_ANSWERS_MAX = 16;
/** For handing over what nobody answers. */
const NOTIFY_MS_MAX = 20_000;

const asking = new AsyncLocalStorage<AbortSignal>();

/** Whatever the requests of `ask` still hold open is closed once it has its result: later words belong to nobody. */
export async function askOnce<T>(ask: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  try {
    return await asking.run(over.signal, ask);
  } finally {
    over.abort();
  }
}

/** The same transport, bounded. */
export function boundedTransport(transport: Transport): Transport {
  const send = transport.send.bind(transport);
  let owed = 0;
  transport.send = async (message, options = {}) => {
    if (!("method" in message)) {
      if (owed >= OWED_ANSWERS_MAX) throw new Error("The server asks more than it lets be answered.");
      owed += 1;
    }
    const isRequest = "method" in message && "id" in message;
    const ours = isRequest ? asking.getStore() : AbortSignal.timeout(NOTIFY_MS_MAX);
    const signals = [ours, options.requestSignal].filter((signal) => signal !== undefined);
    try {
      await send(
        message,
        signals.length === 0 ? options : { ...options, requestSignal: AbortSignal.any(signals) },
      );
    } finally {
      if (!("method" in message)) owed -= 1;
    }
  };
  return transport;
}
