// How many connections there may be, before anything is read from them: they are had without a key.

import type { FastifyInstance } from "fastify";
import { networkOf } from "./address-guard.ts";

export type ConnectionLimits = {
  readonly total: number;
  /** From one address; null for no limit of its own. */
  readonly perAddress: number | null;
};

export function limitConnections(
  server: FastifyInstance["server"],
  { total, perAddress }: ConnectionLimits,
): void {
  server.maxConnections = total;
  if (perAddress === null) return;
  const held = new Map<string, number>();
  server.on("connection", (socket) => {
    const network = networkOf(socket.remoteAddress ?? "");
    const count = (held.get(network) ?? 0) + 1;
    if (count > perAddress) {
      socket.destroy();
      return;
    }
    held.set(network, count);
    socket.once("close", () => {
      const left = (held.get(network) ?? 1) - 1;
      if (left === 0) held.delete(network);
      else held.set(network, left);
    });
  });
}
