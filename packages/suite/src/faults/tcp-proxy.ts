// A wire between two programs that can be made bad: slow, narrow, in slices, cut, reset, silent, or lying. It knows
// nothing of what it carries, so it stands before Postgres and before providers alike. What it did is counted: a fault
// that never fired has proved nothing.

import { once } from "node:events";
import { createServer, type Socket, connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { randomFrom } from "../chance.ts";

/** `up`: from who connects to who is connected to. */
export type WireDirection = "up" | "down" | "both";

export type WireFault = { readonly direction?: WireDirection } &
  /** Each piece waits; with jitter, longer by up to so much. */
  (
    | { readonly kind: "latency"; readonly ms: number; readonly jitterMs?: number }
    | { readonly kind: "rate"; readonly bytesPerSecond: number }
    /** Each piece arrives in pieces of so many bytes. */
    | { readonly kind: "slice"; readonly sizeBytes: number }
    /** Ends the connection in order after so many bytes, and those of the piece that are still allowed. */
    | { readonly kind: "cut"; readonly afterBytes: number }
    /** The same with a reset. */
    | { readonly kind: "reset"; readonly afterBytes: number }
    /** Takes everything and passes nothing on. */
    | { readonly kind: "black_hole" }
    /** Changes one bit in each so many bytes. */
    | { readonly kind: "corrupt"; readonly everyBytes: number }
    /** New connections are reset at once. */
    | { readonly kind: "refuse" }
  );
export type WireFaultKind = WireFault["kind"];

export type WirePlace =
  | { readonly host: string; readonly port: number }
  /** A socket of the file system. */
  | { readonly path: string };

export type TcpProxy = {
  readonly host: string;
  readonly port: number;
  /** From now on, for connections that are open as well; without arguments the wire is sound again. */
  set(...faults: readonly WireFault[]): void;
  /** Times each kind changed what went over the wire. */
  fired(): ReadonlyMap<WireFaultKind, number>;
  /** Connections that are open now. */
  open(): number;
  /** Resets all connections that are open now. */
  resetAll(): void;
  stop(): Promise<void>;
};

type Wire = {
  faults: readonly WireFault[];
  readonly fired: Map<WireFaultKind, number>;
  /** From 0 to 1; what the seed decides. */
  readonly chance: () => number;
};

const strikes = (direction: "up" | "down", fault: WireFault): boolean =>
  fault.direction === undefined || fault.direction === "both" || fault.direction === direction;

function note({ fired }: Wire, kind: WireFaultKind): void {
  fired.set(kind, (fired.get(kind) ?? 0) + 1);
}

/** Listens on a free port of the loopback interface. @param seed decides jitter and which bits are changed */
export async function startTcpProxy(to: WirePlace, seed: number = 1): Promise<TcpProxy> {
  const wire: Wire = { faults: [], fired: new Map(), chance: randomFrom(seed) };
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (wire.faults.some(({ kind }) => kind === "refuse")) {
      note(wire, "refuse");
      breakOff(client);
      return;
    }
    const upstream = connect({ ...to, allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      // A broken end is what this is for; the other end is told below.
      socket.on("error", () => undefined);
      socket.once("close", (hadError) => {
        sockets.delete(socket);
        // An end in order may have bytes on their way to the other side still.
        if (!hadError) return;
        client.destroy();
        upstream.destroy();
      });
    }
    void carry(wire, "up", client, upstream);
    void carry(wire, "down", upstream, client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const resetAll = (): void => {
    for (const socket of sockets) breakOff(socket);
  };
  return {
    host: "127.0.0.1",
    port: address.port,
    set: (...faults) => {
      wire.faults = faults;
    },
    fired: () => wire.fired,
    open: () => sockets.size / 2,
    resetAll,
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      resetAll();
      await closed;
    },
  };
}

// A socket of the file system knows no reset: there it is the end.
function breakOff(socket: Socket): void {
  if (socket.remoteAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

type Way = {
  readonly wire: Wire;
  readonly direction: "up" | "down";
  readonly from: Socket;
  readonly to: Socket;
  sizeBytes: number;
};

async function carry(wire: Wire, direction: "up" | "down", from: Socket, to: Socket): Promise<void> {
  const way: Way = { wire, direction, from, to, sizeBytes: 0 };
  try {
    // One direction that has ended must not take the other with it.
    const chunks: AsyncIterable<Buffer> = from.iterator({ destroyOnReturn: false });
    for await (const chunk of chunks) if (!(await pass(way, chunk))) return;
    // A black hole swallows the end as well.
    if (!wire.faults.some((fault) => fault.kind === "black_hole" && strikes(direction, fault))) to.end();
  } catch {
    // Whichever end broke: both are gone by now, and whoever is at them sees it.
    to.destroy();
  }
}

// False: the connection is over.
async function pass(way: Way, chunk: Buffer): Promise<boolean> {
  const { wire, direction } = way;
  let bytes: Buffer = chunk;
  let sliceBytes = bytes.byteLength;
  let bytesPerSecond = Number.POSITIVE_INFINITY;
  for (const fault of wire.faults) {
    if (!strikes(direction, fault)) continue;
    switch (fault.kind) {
      case "refuse":
        break;
      case "black_hole":
        note(wire, fault.kind);
        return true;
      case "latency":
        note(wire, fault.kind);
        await pause(fault.ms + (fault.jitterMs ?? 0) * wire.chance());
        break;
      case "rate":
        bytesPerSecond = fault.bytesPerSecond;
        sliceBytes = Math.min(sliceBytes, Math.max(1, Math.ceil(bytesPerSecond / SLICES_PER_SECOND)));
        note(wire, fault.kind);
        break;
      case "slice":
        if (bytes.byteLength > fault.sizeBytes) note(wire, fault.kind);
        sliceBytes = Math.min(sliceBytes, fault.sizeBytes);
        break;
      case "corrupt":
        bytes = corrupted(way, bytes, fault.everyBytes);
        break;
      case "cut":
      case "reset": {
        const room = fault.afterBytes - way.sizeBytes;
        if (bytes.byteLength < room) break;
        note(wire, fault.kind);
        if (room > 0) await write(way, bytes.subarray(0, room), sliceBytes, bytesPerSecond);
        endBoth(way, fault.kind);
        return false;
      }
    }
  }
  await write(way, bytes, sliceBytes, bytesPerSecond);
  return !way.to.destroyed;
}

/** A rate is kept in pieces of a fiftieth of a second. */
const SLICES_PER_SECOND = 50;

function endBoth({ from, to }: Way, how: "cut" | "reset"): void {
  if (how === "cut") {
    to.end();
    from.end();
    return;
  }
  breakOff(to);
  breakOff(from);
}

function corrupted({ wire, sizeBytes }: Way, bytes: Buffer, everyBytes: number): Buffer {
  const changed = Buffer.from(bytes);
  for (let at = everyBytes - (sizeBytes % everyBytes) - 1; at < changed.byteLength; at += everyBytes) {
    changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(wire.chance() * 8));
    note(wire, "corrupt");
  }
  return changed;
}

async function write(way: Way, bytes: Buffer, sliceBytes: number, bytesPerSecond: number): Promise<void> {
  for (let at = 0; at < bytes.byteLength; at += sliceBytes) {
    const slice = bytes.subarray(at, at + sliceBytes);
    if (way.to.destroyed) return;
    way.sizeBytes += slice.byteLength;
    if (Number.isFinite(bytesPerSecond)) await pause((slice.byteLength / bytesPerSecond) * 1_000);
    const flushed = way.to.write(slice);
    if (!flushed) await once(way.to, "drain");
    else if (sliceBytes < bytes.byteLength) await pause(0);
  }
}
