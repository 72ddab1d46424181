// The socket below a connection. pg reads what arrives in the socket's own event, where an exception ends the process;
// its parser throws at bytes that are no Postgres's. Here they end the connection instead.

import { Socket } from "node:net";

export const GARBLED = "Received unexpected bytes from the database";

class Wire extends Socket {
  override emit(event: string | symbol, ...given: unknown[]): boolean {
    if (event !== "data") return super.emit(event, ...given);
    try {
      return super.emit(event, ...given);
    } catch (error) {
      this.destroy(new Error(GARBLED, { cause: error }));
      return true;
    }
  }
}

/** For pg's option `stream`. TLS, where it is spoken, refuses changed bytes by itself. */
export const openWire = (): Socket => new Wire();
