// For tests: file operations of which the k-th fails, or at which the process dies.

import { nodeOperations, type FileOperations } from "../files/operations.ts";

/** The real ones without waiting for the disk: no test can cut the power. */
export const quickOperations: FileOperations = { ...nodeOperations, sync: () => {} };

/** `fail`: the k-th operation fails with EIO. `die`: it and all later ones never happen, as after SIGKILL. */
export type Fault = { readonly kind: "fail" | "die"; readonly at: number };

export type FaultyOperations = {
  readonly operations: FileOperations;
  /** Operations asked for so far. */
  readonly count: () => number;
};

/** A pid that no process has; what it leaves behind is a dead process's. */
const DEAD_PID = 2_147_483_647;

/**
 * Runs `strike` instead of the k-th operation; what it returns is passed on as an exception. Only what touches the disk
 * counts. The operations believe to be another process, one that is dead for everybody who looks afterwards.
 */
export function strikeAt(k: number, strike: () => Error): FaultyOperations {
  let count = 0;
  const struck = <A extends readonly unknown[], R>(operation: (...args: A) => R): ((...args: A) => R) => {
    return (...args) => {
      count += 1;
      if (count >= k) {
        const error = strike();
        if (count === k || error.name === "Died") throw error;
      }
      return operation(...args);
    };
  };
  const n = quickOperations;
  const operations: FileOperations = {
    ...n,
    createExclusive: struck((path: string) => n.createExclusive(path)),
    openForRead: struck((path: string) => n.openForRead(path)),
    openFolder: struck((path: string) => n.openFolder(path)),
    statOf: struck((handle: number) => n.statOf(handle)),
    statAt: struck((path: string) => n.statAt(path)),
    // Half of it at a time, so that a file may be torn in the middle.
    write: struck((handle: number, bytes: Uint8Array) =>
      n.write(handle, bytes.subarray(0, Math.ceil(bytes.length / 2))),
    ),
    read: struck((handle: number, into: Uint8Array, at: number) => n.read(handle, into, at)),
    sync: struck((handle: number) => n.sync(handle)),
    // A handle is freed even when the caller is told that closing failed.
    close: (handle) => {
      n.close(handle);
      struck(() => null)();
    },
    link: struck((from: string, to: string) => n.link(from, to)),
    rename: struck((from: string, to: string) => n.rename(from, to)),
    unlink: struck((path: string) => n.unlink(path)),
    makeFolder: struck((path: string) => n.makeFolder(path)),
    removeFolder: struck((path: string) => n.removeFolder(path)),
    names: struck((path: string, max: number) => n.names(path, max)),
    process: { ...n.process, pid: DEAD_PID, isAlive: (pid) => pid === DEAD_PID || n.process.isAlive(pid) },
  };
  return { operations, count: () => count };
}

class Died extends Error {
  override readonly name = "Died";
}

export function faultyOperations({ kind, at }: Fault): FaultyOperations {
  return strikeAt(at, () =>
    kind === "die"
      ? new Died("the process was killed")
      : Object.assign(new Error("EIO: fault"), { code: "EIO" }),
  );
}
