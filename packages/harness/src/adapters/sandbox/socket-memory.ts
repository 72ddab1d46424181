// What a sandbox's sockets hold in the kernel: memory that no process shows as its own. A pair of local sockets takes
// bytes until its buffers are full, and a few hundred of them held gigabytes behind processes of 14 MB.

import { readFile } from "node:fs/promises";
import { unlessGone } from "./process-tree.ts";

const KIB = 1024;

/**
 * What one socket counts as. The kernel's usual buffers are 208 KiB, in whole messages; seccomp.ts keeps programs from
 * widening them.
 */
const SOCKET_BYTES = 256 * KIB;
/** Bytes in a queue of TCP cost the kernel up to about twice as much. */
const QUEUED_FACTOR = 2;

/** A lower bound is no use to a limit: sockets that are empty count as if they were full. */
export async function socketMemory(root: number): Promise<number> {
  const read = async (name: string): Promise<string> =>
    (await unlessGone(readFile(`/proc/${root}/net/${name}`, "utf8"))) ?? "";
  const sockets = socketsIn(await read("sockstat"));
  // Most commands have none, and then there are no queues either.
  if (sockets === 0) return 0;
  const queued = queuedIn(await read("tcp")) + queuedIn(await read("tcp6"));
  return sockets * SOCKET_BYTES + queued * QUEUED_FACTOR;
}

/** Sockets of the network namespace, of every family, also those that are on their way from one process to another. */
export const socketsIn = (sockstat: string): number =>
  Number(/^sockets: used (\d+)$/mu.exec(sockstat)?.[1] ?? 0);

/** proc_net_tcp: `sl local_address rem_address st tx_queue:rx_queue …`, in hexadecimal. TCP widens its buffers by itself. */
export function queuedIn(table: string): number {
  let bytes = 0;
  for (const [, sent = "0", received = "0"] of table.matchAll(
    /^\s*\d+: \S+ \S+ [0-9A-F]{2} ([0-9A-F]{8}):([0-9A-F]{8}) /gmu,
  ))
    bytes += Number.parseInt(sent, 16) + Number.parseInt(received, 16);
  return bytes;
}
