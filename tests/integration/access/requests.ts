// A well-formed request for every route of the router. What it names does not exist, so it is about who may ask.

import { randomBytes } from "node:crypto";
import type { RegisteredRoute } from "../../../packages/harness/src/api/server.ts";

const hex = (bytes: number): string => randomBytes(bytes).toString("hex");
const DIGEST = `sha256:${"0".repeat(64)}`;

const BODIES: Readonly<Record<string, unknown>> = {
  "/api/harness/run": { agent: "tester", task: "Do it." },
  "/api/harness/runs/:id/plan": { calls: [{ tool: "read", arguments: {} }] },
  "/api/harness/runs/:id/actions": { tool: "read", arguments: {} },
  "/api/harness/runs/:id/actions/:action/result": { output: null },
  "/api/harness/runs/:id/finish": { output: null },
  "/api/harness/runs/:id/compensations": {},
  "/api/harness/runs/:id/compensations/:action/result": { output: null },
  "/api/harness/runs/:id/redrive": {},
  "/api/harness/approve": {
    approval_id: `apr_${"0".repeat(32)}`,
    decision: "approve",
    action_digest: DIGEST,
  },
  "/api/harness/precedents/:id/revoke": { reason: "A mistake." },
  "/api/harness/escalations/:id/resolve": { comment: "Taken back by hand." },
  "/api/harness/policies/trial": { text: "permit (principal, action, resource);", days: 7 },
  "/api/harness/documents": { name: "a.md", text: "Some words." },
  "/api/harness/keys": { principal: { name: "ci", kind: "service" }, scopes: ["runs:read"] },
  "/api/harness/keys/:id/rotate": {},
  "/api/harness/principals": { principal: { name: "ci", kind: "service" }, must_sign: true },
  "/api/harness/signing-keys": { principal: { name: "ci", kind: "service" }, algorithm: "hmac-sha256" },
  "/api/harness/signing-keys/:id/rotate": {},
  "/api/harness/webhooks": { url: "https://hooks.example.org/" },
  "/api/harness/webhooks/:id/rotate": {},
  "/api/harness/webhooks/:id/redeliver": {},
  "/api/harness/audit/erase": { epoch: 1, index: 0, reason: "The person asked for it." },
  "/api/harness/audit/epoch": { reason: "A backup was restored." },
  "/api/harness/audit/rotate": { step: "add" },
  "/api/harness/audit/rekey": {},
  "/api/harness/audit/prune": {},
};

const QUERIES: Readonly<Record<string, string>> = {
  "/api/harness/decisions": "?since=2026-01-01T00:00:00Z",
  "/api/harness/documents/search": "?q=words",
};

export function bodyOf({ method, path }: RegisteredRoute): unknown {
  return method === "POST" ? BODIES[path] : undefined;
}

/** @param id stands for the resource that the path names; a random one of the right form if left out */
export function pathOf({ path }: RegisteredRoute, id?: string): string {
  const own = id ?? randomId(path);
  return (
    path
      .replace(":action", `act_${hex(16)}`)
      .replace(":epoch", "1")
      .replace(":version", "1")
      .replace(":artifact", `art_${hex(16)}`)
      .replace(/:id\b/, own) + (QUERIES[path] ?? "")
  );
}

function randomId(path: string): string {
  if (/\/(?:precedents|escalations)\//.test(path)) return `sha256:${hex(32)}`;
  if (path.includes("/webhooks/")) return `whk_${hex(16)}`;
  if (path.includes("/signing-keys/")) return `sgk_${hex(16)}`;
  const kind = path.includes("/keys/")
    ? "key"
    : path.includes("/documents/")
      ? "doc"
      : path.includes("/approvals/")
        ? "apr"
        : "run";
  return `${kind}_${hex(16)}`;
}
