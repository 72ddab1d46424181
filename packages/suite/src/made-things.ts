// Documents, keys and remembered answers that a trial has made: none of them is left behind at a harness that others use.
// An answer that was remembered would answer the next trial's question, and a document would be among its passages.

import type { Answer, HarnessClient } from "./client.ts";
import type { HttpRequest } from "./http.ts";
import { fieldsOf, textOf } from "./run-reading.ts";
import type { Role } from "./target.ts";

export type MadeThings = {
  readonly note: (role: Role, request: HttpRequest, answer: Answer) => void;
  /** Takes away what is still there, as well as the harness lets it. Whatever goes wrong is no word on the trial. */
  readonly end: (client: (role: Role) => HarnessClient) => Promise<void>;
};

/** What is made by a POST there and taken away by a DELETE of its id below. */
const PLACES = ["/api/harness/documents", "/api/harness/keys", "/api/harness/signing-keys"] as const;
const PRECEDENTS = "/api/harness/precedents";
/** Between the clock that dates answers and the one that dates decisions; and dates are to the second. */
const CLOCKS_MS = 5_000;
const REASON = JSON.stringify({ reason: "The trial that gave this answer is over." });

type Remembered = { readonly role: Role; readonly comment: string; readonly sinceMs: number };

function sentFields({ body }: HttpRequest): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(JSON.parse(Buffer.from(body ?? "").toString("utf8")));
  } catch {
    return {};
  }
}

export function watchMadeThings(): MadeThings {
  const made = new Map<string, Role>();
  const remembered: Remembered[] = [];
  const noteMade = (role: Role, { method, path }: HttpRequest, { status, json }: Answer): void => {
    if (status < 200 || status >= 300) return;
    if (method === "DELETE") made.delete(path);
    const place = PLACES.find(
      (each) => path === each || (path.startsWith(`${each}/`) && path.endsWith("/rotate")),
    );
    const id = textOf(fieldsOf(json)["id"]);
    if (method === "POST" && place !== undefined && id !== "")
      made.set(`${place}/${encodeURIComponent(id)}`, role);
  };
  const note: MadeThings["note"] = (role, request, answer) => {
    noteMade(role, request, answer);
    if (request.path !== "/api/harness/approve" || answer.status !== 200) return;
    const { remember, comment } = sentFields(request);
    // Without words of its own it cannot be told from what others remembered.
    if (remember !== true || textOf(comment) === "") return;
    const at = Date.parse(answer.headers["date"] ?? "");
    const sinceMs = (Number.isNaN(at) ? Date.now() : at) - CLOCKS_MS;
    remembered.push({ role, comment: textOf(comment), sinceMs });
  };
  const end: MadeThings["end"] = async (client) => {
    for (const [path, role] of made) await client(role).request(requestOf("DELETE", path, null));
    const [first] = remembered;
    if (first === undefined) return;
    const listed = await client(first.role).request(requestOf("GET", PRECEDENTS, null));
    const { data } = fieldsOf(listed.json);
    for (const row of (Array.isArray(data) ? data : []).map(fieldsOf)) {
      const given = remembered.find((each) => isOf(each, row));
      if (given === undefined) continue;
      const path = `${PRECEDENTS}/${encodeURIComponent(textOf(row["id"]))}/revoke`;
      await client(given.role).request(requestOf("POST", path, REASON));
    }
  };
  return { note, end };
}

/** In force, with the trial's words, and given since. */
function isOf({ comment, sinceMs }: Remembered, row: Readonly<Record<string, unknown>>): boolean {
  const at = Date.parse(textOf(row["decided_at"]));
  const isStanding = row["revoked_at"] === null || row["revoked_at"] === undefined;
  return isStanding && textOf(row["rationale"]).includes(comment) && !(at < sinceMs);
}

const requestOf = (method: "GET" | "POST" | "DELETE", path: string, body: string | null): HttpRequest => ({
  method,
  path,
  headers: { accept: "application/json", ...(body === null ? {} : { "content-type": "application/json" }) },
  body,
});
