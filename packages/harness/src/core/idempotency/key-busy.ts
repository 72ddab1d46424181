/** Another request holds the idempotency key, and has not let go of it in the time that may be waited for it. */
export class KeyBusy extends Error {
  override readonly name = "KeyBusy";
}
