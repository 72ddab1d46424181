// The far end of the Python shim: reads one call per line from standard input, answers one line each. It holds no
// logic: names and arguments go straight to @assent/harmony's public surface.

import { readSync, writeSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import {
  AgentProvenance,
  AuditEventType,
  appendAudit,
  auditToJson,
  blobFingerprint,
  computeEscalationId,
  computePatternId,
  computeResolutionId,
  EscalationRecord,
  EscalationStatus,
  escalationPath,
  escalationsDir,
  fakeId,
  harmonyDir,
  isHarmonyError,
  listAudit,
  listEscalations,
  loadEscalation,
  longId,
  museDir,
  recordEscalation,
  Resolution,
  resolveEscalation,
  saveResolution,
  splitId,
  type Json,
} from "@assent/harmony";

// Arguments come from our own Python side; `text` and friends check them where they enter.
type Call = { readonly id: number; readonly name: string; readonly args: readonly unknown[] };
type Options = { readonly [key: string]: unknown };

const text = (value: unknown): string => {
  if (typeof value !== "string") throw new TypeError("want text");
  return value;
};
const options = (value: unknown): Options =>
  typeof value === "object" && value !== null ? { ...value } : {};
const actor = (value: unknown): AgentProvenance => AgentProvenance.fromJSON(value);
const isJson = (value: unknown): value is { [key: string]: Json } =>
  typeof value === "object" && value !== null;

const CALLS: { readonly [name: string]: (args: readonly unknown[]) => unknown } = {
  constants: () => ({ EscalationStatus, AuditEventType }),
  museDir: ([root]) => museDir(text(root)),
  harmonyDir: ([root]) => harmonyDir(text(root)),
  escalationsDir: ([root]) => escalationsDir(text(root)),
  escalationPath: ([root, id]) => escalationPath(text(root), text(id)),
  fakeId: ([name]) => fakeId(text(name)),
  longId: ([id, strip]) => longId(text(id), { strip: strip === true }),
  splitId: ([id]) => splitId(text(id)),
  blobFingerprint: ([ours, theirs]) => blobFingerprint(text(ours), text(theirs)),
  computeEscalationId: ([pattern, reason]) => computeEscalationId(text(pattern), text(reason)),
  computePatternId: ([domain, scope, conflictType, fingerprint]) =>
    computePatternId({
      domain: text(domain),
      scope: text(scope),
      conflictType: text(conflictType),
      blobFingerprint: text(fingerprint),
    }),
  computeResolutionId: ([pattern, strategy, result]) =>
    computeResolutionId(text(pattern), text(strategy), result === null ? null : text(result)),
  recordEscalation: ([root, record]) => recordEscalation(text(root), EscalationRecord.fromJSON(record)),
  loadEscalation: ([root, id]) => loadEscalation(text(root), text(id)),
  listEscalations: ([root, status]) =>
    listEscalations(text(root), status === null ? {} : { status: text(status) }),
  resolveEscalation: ([root, id, resolutionId, by, at]) =>
    resolveEscalation(text(root), text(id), text(resolutionId), actor(by), text(at)),
  saveResolution: ([root, resolution]) => saveResolution(text(root), Resolution.fromJSON(resolution)),
  appendAudit: ([root, eventType, by, rest]) => {
    const { patternId, metadata } = options(rest);
    return auditToJson(
      appendAudit(text(root), text(eventType), actor(by), {
        patternId: patternId === null ? null : text(patternId),
        ...(isJson(metadata) ? { metadata } : {}),
      }),
    );
  },
  listAudit: ([root]) => listAudit(text(root)).map((entry) => auditToJson(entry)),
};

function isCall(value: unknown): value is Call {
  return typeof value === "object" && value !== null && "id" in value && "name" in value && "args" in value;
}

function answer(line: string): unknown {
  const call: unknown = JSON.parse(line);
  if (!isCall(call)) throw new TypeError("not a call");
  try {
    const run = CALLS[call.name];
    if (run === undefined) throw new TypeError(`no such call: ${call.name}`);
    return { id: call.id, value: run(call.args) };
  } catch (error) {
    const code = isHarmonyError(error) ? error.code : "failure";
    return { id: call.id, error: { code, message: String(error) } };
  }
}

// Blocking reads: between a call and its answer stands no event loop, for the seed document times each call.
function* lines(): Generator<string> {
  const decoder = new StringDecoder("utf8");
  const chunk = new Uint8Array(65_536);
  let rest = "";
  for (let length = readSync(0, chunk); length > 0; length = readSync(0, chunk)) {
    const parts = (rest + decoder.write(chunk.subarray(0, length))).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

function send(value: unknown): void {
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`, "utf8");
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
}

for (const line of lines()) send(answer(line));
