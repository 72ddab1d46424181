// Text that arrives in parts. What could still become a part of a secret is held back; how much that can be is bounded.

import { type TextRedactor, replaceSpans } from "./redact.ts";

export type RedactingStream = {
  /** Takes the next part; returns what can be given away by now, redacted. */
  push(chunk: string): string;
  /** Ends the stream; returns what was held back, redacted. */
  flush(): string;
};

/**
 * Held back at least: longer than any token but a key block, and than a name and its value. A secret that is longer
 * is followed for as long as it goes on.
 */
export const STREAM_HELD_CHARS = 4_096;

/** Given away already, but still looked at: the name before a value, the line before a token. */
const CONTEXT_CHARS = 512;

/** Past this a secret that does not end is given away as its mark, and what follows of it is swallowed. */
const STREAM_HELD_CHARS_MAX = 65_536;

export function createRedactingStream(redactor: TextRedactor): RedactingStream {
  let context = "";
  let held = "";
  /** Inside a secret longer than the stream may hold: nothing passes until it ends. */
  let swallowing = false;
  /** Looked at again only when this much is there, so that many small parts cost no more than few large ones. */
  let nextLook = STREAM_HELD_CHARS * 2;

  const give = (end: number): string => {
    const whole = context + held;
    const base = context.length;
    const spans = redactor
      .findSpans(whole)
      .filter((span) => span.end > base && span.start < base + end)
      .map((span) => ({
        ...span,
        start: Math.max(0, span.start - base),
        end: Math.min(end, span.end - base),
      }));
    const given = replaceSpans(held.slice(0, end), spans);
    context = whole.slice(0, base + end).slice(-CONTEXT_CHARS);
    held = held.slice(end);
    return given;
  };

  const swallow = (): void => {
    const rest = /[^A-Za-z0-9+/=_.~\s\\-]/.exec(held);
    if (rest === null) held = "";
    else {
      held = held.slice(rest.index);
      swallowing = false;
    }
    context = "";
  };

  return {
    push: (chunk) => {
      held += chunk;
      if (swallowing) swallow();
      if (held.length <= nextLook) return "";
      const end = safeEnd(redactor, context, held);
      nextLook = end > 0 ? STREAM_HELD_CHARS * 2 : held.length + STREAM_HELD_CHARS;
      if (end > 0) return give(end);
      if (held.length <= STREAM_HELD_CHARS_MAX) return "";
      const given = give(held.length);
      swallowing = true;
      nextLook = STREAM_HELD_CHARS * 2;
      return given;
    },
    // While a secret is swallowed nothing is held.
    flush: () => {
      const given = give(held.length);
      context = "";
      swallowing = false;
      return given;
    },
  };
}

/** Before the last STREAM_HELD_CHARS, at the end of a line or of a word, and not inside of a secret. */
function safeEnd(redactor: TextRedactor, context: string, held: string): number {
  let end = held.length - STREAM_HELD_CHARS;
  const line = held.lastIndexOf("\n", end - 1) + 1;
  const blank = held.lastIndexOf(" ", end - 1) + 1;
  end = line > 0 ? line : blank > 0 ? blank : end;
  for (const span of redactor.findSpans(context + held)) {
    const [start, stop] = [span.start - context.length, span.end - context.length];
    if (start < end && end < stop) end = start;
  }
  return Math.max(0, end);
}
