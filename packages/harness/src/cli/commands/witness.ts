// A witness of its own: a small server with a file of memory per log. It sees sizes and roots, and no entry.

import { createHash, randomBytes } from "node:crypto";
import { openSync, fsyncSync, closeSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join, resolve } from "node:path";
import {
  answerAddCheckpoint,
  openCheckpoint,
  parseVerifierKey,
  signerKey,
  type SignerKey,
  SIGNATURE_TYPES,
  type VerifierKey,
  type WitnessLog,
  type WitnessRecord,
} from "@assent/tlog";
import { err, ok, type Result } from "../../base/result.ts";
import { makeFolder } from "../../make-folder.ts";
import type { Context, Outcome } from "../context.ts";
import { type Failure, usageFailure } from "../failure.ts";

export type WitnessFlags = {
  readonly state: string;
  readonly name: string;
  readonly log?: readonly string[];
  readonly port: number;
  readonly host: string;
};

/** Sixteen post-quantum signatures and 63 hashes; what is larger is no checkpoint. */
const BODY_BYTES_MAX = 256 * 1024;
/** A client that sends nothing holds no connection for longer. */
const REQUEST_TIMEOUT_MS = 10_000;

export async function serveWitness(context: Context, flags: WitnessFlags): Outcome {
  const folder = resolve(context.deps.cwd, flags.state);
  const logs = readLogs(flags.log ?? []);
  if (!logs.ok) return logs;
  if (!/^[^\s+]+$/u.test(flags.name))
    return err(usageFailure("name_invalid", "A witness's name has no spaces and no plus sign.", NAME_HINT));
  const opened = openKey(folder, flags.name);
  if (!opened.ok) return opened;
  const key = opened.value;
  const witness = createWitness(folder, key, logs.value, () => context.deps.clock.now());
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, reply) => {
    void witness(request, reply);
  });
  const stopped = Promise.withResolvers<undefined>();
  const forget = context.io.onStopSignal(() => stopped.resolve(undefined));
  server.listen(flags.port, flags.host, () => {
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : flags.port;
    context.show({ url: `http://${flags.host}:${port}`, vkey: key.vkey }, () => [
      `Witness ${key.name} listens on http://${flags.host}:${port}`,
      `For policy files: ${key.vkey}`,
    ]);
  });
  const faults: Error[] = [];
  server.on("error", (error) => {
    faults.push(error);
    stopped.resolve(undefined);
  });
  await stopped.promise;
  forget();
  server.closeAllConnections();
  server.close();
  const [fault] = faults;
  return fault === undefined ? ok("ok") : err(notListening(flags, fault));
}

const NAME_HINT = "Give it as a URL without its scheme, such as witness.example.org/one.";

function notListening({ host, port }: WitnessFlags, fault: Error): Failure {
  const why = "code" in fault ? String(fault.code) : fault.message;
  return {
    exit: "cannot_start",
    code: "address_unavailable",
    detail: `${host}:${port} cannot be listened on (${why})`,
    remedy: "Name another --port or --host.",
  };
}

function openKey(folder: string, name: string): Result<SignerKey, Failure> {
  try {
    return ok(readKey(folder, name));
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    const detail = `${folder} cannot be made, read or written: ${String(error.code)}`;
    return err(usageFailure("state_unusable", detail, "Name another folder with --state."));
  }
}

function readLogs(vkeys: readonly string[]): Result<WitnessLog[], Failure> {
  const logs = new Map<string, VerifierKey[]>();
  for (const text of vkeys) {
    const key = parseVerifierKey(text);
    if (!key.ok)
      return err(usageFailure("key_invalid", key.error, "Give it as `assent audit log` prints it."));
    logs.set(key.value.name, [...(logs.get(key.value.name) ?? []), key.value]);
  }
  if (logs.size === 0)
    return err(usageFailure("no_log", "A witness knows its logs.", "Name one with --log."));
  return ok([...logs].map(([origin, keys]) => ({ origin, keys })));
}

function readKey(folder: string, name: string): SignerKey {
  makeFolder(folder, 0o700);
  const file = join(folder, "seed");
  try {
    writeFileSync(file, randomBytes(32).toString("base64"), { mode: 0o600, flag: "wx", flush: true });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  return signerKey(name, SIGNATURE_TYPES.cosignature, Buffer.from(readFileSync(file, "utf8"), "base64"));
}

type Handle = (request: IncomingMessage, reply: ServerResponse) => Promise<void>;

export function createWitness(
  folder: string,
  key: SignerKey,
  logs: readonly WitnessLog[],
  now: () => Date,
): Handle {
  const fileOf = (origin: string): string =>
    join(folder, `${createHash("sha256").update(origin).digest("hex")}.checkpoint`);
  const recordOf = (origin: string): WitnessRecord | null => {
    const log = logs.find((known) => known.origin === origin);
    const note = log === undefined ? null : readIfThere(fileOf(origin));
    if (log === undefined || note === null) return null;
    const opened = openCheckpoint(note, origin, log.keys, "any");
    // It may be from before the log had its second line, and is this witness's own. One that cannot be read is no leave to begin anew: then a rewritten history could be cosigned.
    if (!opened.ok) throw new Error(`the memory of ${origin} is damaged: ${opened.error}`);
    return { size: opened.value.size, root: opened.value.root, note };
  };
  return async (request, reply) => {
    try {
      const path = (request.url ?? "").split("?", 1)[0] ?? "";
      if (request.method === "GET") {
        const hash = /^\/([0-9a-f]{64})\/checkpoint$/.exec(path)?.[1];
        const note = hash === undefined ? null : readIfThere(join(folder, `${hash}.checkpoint`));
        send(reply, note === null ? 404 : 200, note ?? "There is none.\n");
        return;
      }
      if (request.method !== "POST" || path !== "/add-checkpoint") {
        send(reply, 404, "POST /add-checkpoint\n");
        return;
      }
      const body = await readBody(request);
      if (body === null) {
        send(reply, 413, "too long\n");
        return;
      }
      // From here to the answer nothing waits, so no other request comes in between.
      const answer = answerAddCheckpoint(body, logs, recordOf, [key], Math.floor(now().getTime() / 1000));
      if (answer.status === 200) keep(fileOf(originOf(answer.record.note)), answer.record.note);
      send(reply, answer.status, answer.body, answer.status === 409 ? answer.contentType : "text/plain");
    } catch (error) {
      send(reply, 500, `${error instanceof Error ? error.message : "unknown"}\n`);
    }
  };
}

const originOf = (note: string): string => note.slice(0, note.indexOf("\n"));

function send(reply: ServerResponse, status: number, body: string, type = "text/plain"): void {
  reply.writeHead(status, { "content-type": `${type}; charset=utf-8` });
  reply.end(body);
}

async function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    const bytes = Buffer.isBuffer(part) ? part : Buffer.from(String(part));
    size += bytes.byteLength;
    if (size > BODY_BYTES_MAX) return null;
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

// Durable before the cosignature leaves: a witness that forgets one would cosign another branch.
function keep(file: string, note: string): void {
  writeFileSync(`${file}.tmp`, note, { flush: true });
  renameSync(`${file}.tmp`, file);
  const folder = openSync(join(file, ".."), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
