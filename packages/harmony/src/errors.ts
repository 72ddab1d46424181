// Reasons are data: a caller branches on the code, only a person reads the message.

export type HarmonyErrorCode =
  | "invalid_id" // not `sha256:` and 64 lower-case hex digits
  | "invalid_text" // not well-formed Unicode, or longer than its limit
  | "invalid_timestamp" // no offset, or not a moment between the years 1 and 9999
  | "invalid_record" // a record whose fields do not fit together
  | "already_resolved" // an escalation is decided once; `details.record` is the decision that stands
  | "too_large" // refused at write, so that it is never lost at read
  | "too_many" // a folder holds more entries than a reader will look at
  | "revoked" // an answer taken out of force is not given again
  | "not_a_person" // a program would write or remove a rule, which only people do
  | "contended" // another live process kept the record's claim for longer than we wait
  | "untrusted_path"; // the store's own folder is a link or not a folder

/** What went wrong, to what. `code` is stable; `details` never holds file content. */
export class HarmonyError extends Error {
  override readonly name = "HarmonyError";
  readonly code: HarmonyErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: HarmonyErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.details = Object.freeze({ ...details });
  }
}

/** True for an error of Harmony's, also one thrown by a second copy of this package. */
export function isHarmonyError(error: unknown): error is HarmonyError {
  return error instanceof Error && error.name === "HarmonyError" && "code" in error;
}
