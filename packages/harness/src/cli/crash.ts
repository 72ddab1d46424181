// What a process says when it breaks (invariant 9). An error's message quotes whatever it was about, and what is written
// to standard error ends in other people's logs.

import { createRedactor } from "../core/redact/redactor.ts";

/** @returns takes the given secrets, in every encoding, and whatever looks like one out of a text */
export function redactionOf(secrets: () => readonly string[]): (text: string) => string {
  return (text) => {
    // Made where it is needed: most commands break nothing and need not wait for it.
    const redactor = createRedactor();
    for (const secret of secrets()) redactor.register(secret, "environment");
    return redactor.redactText(text).text;
  };
}

/** The stack of what nobody caught, in as many lines as it has. */
export function crashText(error: unknown, redact: (text: string) => string): string {
  const text =
    error instanceof Error ? (error.stack ?? error.message) : "something that is no error was thrown";
  try {
    return `assent: it broke (internal_error). Please report it.\n${redact(text)}\n`;
  } catch {
    return "assent: it broke (internal_error), and what it had to say could not be redacted.\n";
  }
}
