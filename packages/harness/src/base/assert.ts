/** A broken invariant of our own code: never a refusal, never shown to a caller, always ends what is going on. */
export class AssertionFailed extends Error {
  override readonly name = "AssertionFailed";
}

export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new AssertionFailed(invariant);
}

/** For the end of an exhaustive switch: a new case does not compile until it is handled. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`not one of the known cases: ${JSON.stringify(value)}`);
}
