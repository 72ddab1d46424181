/** What was to be found out could not be asked: no fault of the harness, and no pass either. */
export class PreconditionMissing extends Error {
  override readonly name = "PreconditionMissing";
}
