// Asks a witness over HTTP. The operator names witnesses in a file of the installation; what they answer is read up to
// a limit, in bounded time, and followed nowhere else.

import type { AskWitness, WitnessAnswered } from "../../ports.ts";

/** A witness that does not answer keeps a round waiting this long, and nothing else. */
export const WITNESS_TIMEOUT_MS = 10_000;
/** A line of a post-quantum cosignature has 3.4 KB, and a witness a few keys at most. */
const ANSWER_CHARS_MAX = 64 * 1024;

export function createAskWitness(fetch: typeof globalThis.fetch): AskWitness {
  return async (url, body, signal) => {
    try {
      const response = await fetch(new URL("add-checkpoint", url.endsWith("/") ? url : `${url}/`), {
        method: "POST",
        body,
        redirect: "error",
        signal: AbortSignal.any([signal, AbortSignal.timeout(WITNESS_TIMEOUT_MS)]),
      });
      return await readAnswer(response);
    } catch (error) {
      if (error instanceof Error) return null;
      throw error;
    }
  };
}

async function readAnswer(response: Response): Promise<WitnessAnswered | null> {
  const decoder = new TextDecoder();
  let body = "";
  for await (const part of response.body ?? []) {
    body += decoder.decode(part, { stream: true });
    if (body.length > ANSWER_CHARS_MAX) return null;
  }
  return { status: response.status, body };
}
