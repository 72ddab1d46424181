// What somebody of another tenant can do with ids of ours, who may do everything in a tenant of their own. Each route that
// takes an id is given a real one of its own kind and a body that the owner's request would be served with; afterwards
// the owner sends the very same request, and is served: so it was the tenant that it was refused for.

import type { Answer } from "../../client.ts";
import type { HttpRequest } from "../../http.ts";
import { fieldsOf, isProblem } from "../../run-reading.ts";
import type { ScenarioContext } from "../../scenario.ts";
import type { Role } from "../../target.ts";
import { openDrivenRun } from "../../worlds/driven-run.ts";
import { type Belongings, get, makeBelongings, waitAtGate } from "./belongings.ts";

export type Attack = {
  /** Method and path, as the served document has them. */
  readonly route: string;
  /** For the placeholders of the path in order; where it has none, for the body. */
  readonly ids: readonly string[];
  readonly body?: (ids: readonly string[]) => unknown;
  /** Whose request it would be. */
  readonly owner: Role;
  readonly accept?: string;
  /** The id is a name, which each tenant may give to somebody of its own: it is served, and nobody else's is meant. */
  readonly isName?: true;
};

const RUN = "/api/harness/runs/{id}";

const yes = (digest: string) => (ids: readonly string[]) => ({
  approval_id: ids[0],
  decision: "approve",
  action_digest: digest,
});

/** One that waits is looked at, then decided, and another one called off. */
function onWaiting({ run, approval }: Belongings["waiting"], digest: string): readonly Attack[] {
  const requester = { owner: "requester" as const };
  return [
    { route: `GET ${RUN}`, ids: [run], ...requester },
    { route: `GET ${RUN}/events`, ids: [run], ...requester },
    { route: `GET ${RUN}/events`, ids: [run], ...requester, accept: "text/event-stream" },
    { route: `GET ${RUN}/events/{version}/proof`, ids: [run], ...requester },
    { route: "GET /api/harness/approvals/{id}", ids: [approval], ...requester },
    { route: "POST /api/harness/approve", ids: [approval], body: yes(digest), owner: "approver" },
  ];
}

const output = () => ({ output: "It is done." });
const none = () => ({});

function onDriven({ driven, failed, dead, finished }: Belongings, calledOff: string): readonly Attack[] {
  const owner = "requester";
  const call = { tool: driven?.tool ?? "", arguments: {} };
  return [
    ...(finished === undefined
      ? []
      : [
          {
            route: `GET ${RUN}/artifacts/{artifact}`,
            ids: [finished.run, finished.artifact],
            owner,
          } as const,
        ]),
    ...(driven === undefined
      ? []
      : ([
          { route: `POST ${RUN}/plan`, ids: [driven.run], body: () => ({ calls: [call] }), owner },
          { route: `POST ${RUN}/actions`, ids: [driven.run], body: () => call, owner },
          { route: `GET ${RUN}/actions/{action}`, ids: [driven.run, driven.action], owner },
          {
            route: `POST ${RUN}/actions/{action}/result`,
            ids: [driven.run, driven.action],
            body: output,
            owner,
          },
          { route: `POST ${RUN}/finish`, ids: [driven.run], body: output, owner },
        ] as const)),
    ...(failed === undefined
      ? []
      : ([
          { route: `POST ${RUN}/compensations`, ids: [failed.run], body: none, owner },
          {
            route: `POST ${RUN}/compensations/{action}/result`,
            ids: [failed.run, failed.action],
            body: output,
            owner,
          },
        ] as const)),
    ...(dead === undefined
      ? []
      : [{ route: `POST ${RUN}/redrive`, ids: [dead], body: none, owner } as const]),
    { route: `POST ${RUN}/cancel`, ids: [calledOff], owner },
  ];
}

const reason = (): unknown => ({ reason: "It is not fine any more." });
const comment = (): unknown => ({ comment: "It was taken back by hand." });
const rotate = (): unknown => ({ overlap_seconds: 0 });
const change = ([name]: readonly string[]): unknown => ({
  principal: { name, kind: "service" },
  must_sign: true,
});

const messages = (): unknown => ({});

/** Removed last: each of the others is served while it is there. */
function onWebhook(webhook: string | undefined): readonly Attack[] {
  if (webhook === undefined) return [];
  const path = "/api/harness/webhooks/{id}";
  const of = { ids: [webhook], owner: "admin" } as const;
  return [
    { route: `GET ${path}/deliveries`, ...of },
    { route: `POST ${path}/rotate`, ...of, body: rotate },
    { route: `POST ${path}/ping`, ...of },
    { route: `POST ${path}/redeliver`, ...of, body: messages },
    { route: `POST ${path}/enable`, ...of },
    { route: `DELETE ${path}`, ...of },
  ];
}

function onThings({
  documents,
  keys,
  signingKeys,
  precedent,
  escalation,
  webhook,
  person,
}: Belongings): readonly Attack[] {
  const [requester, admin] = ["requester", "admin"] as const;
  return [
    ...documents.flatMap((id): readonly Attack[] => [
      { route: "GET /api/harness/documents/{id}", ids: [id], owner: requester },
      { route: "DELETE /api/harness/documents/{id}", ids: [id], owner: requester },
    ]),
    ...(precedent === undefined
      ? []
      : [
          {
            route: "POST /api/harness/precedents/{id}/revoke",
            ids: [precedent],
            body: reason,
            owner: "approver",
          } as const,
        ]),
    ...(escalation === undefined
      ? []
      : [
          {
            route: "POST /api/harness/escalations/{id}/resolve",
            ids: [escalation],
            body: comment,
            owner: "approver",
          } as const,
        ]),
    ...onWebhook(webhook),
    ...(person === undefined
      ? []
      : [
          {
            route: "POST /api/harness/principals",
            ids: [person],
            body: change,
            owner: admin,
            isName: true,
          } as const,
        ]),
    ...[
      { path: "/api/harness/keys/{id}", ids: keys },
      { path: "/api/harness/signing-keys/{id}", ids: signingKeys },
    ].flatMap(({ path, ids: [rotated, revoked] }): readonly Attack[] =>
      rotated === undefined || revoked === undefined
        ? []
        : [
            { route: `POST ${path}/rotate`, ids: [rotated], body: rotate, owner: admin },
            { route: `DELETE ${path}`, ids: [revoked], owner: admin },
          ],
    ),
  ];
}

/** Of one form with the id, and nobody's. */
export const unknownLike = (id: string): string => {
  const last = id.slice(-UNKNOWN_CHARS);
  const other = last === "0".repeat(last.length) ? "1" : "0";
  return `${id.slice(0, -last.length)}${other.repeat(last.length)}`;
};
const UNKNOWN_CHARS = 8;

function requestOf(context: ScenarioContext, attack: Attack, ids: readonly string[]): HttpRequest {
  const [method = "", template = ""] = attack.route.split(" ");
  const left = [...ids];
  const path = template
    .replace("{version}", "1")
    .replaceAll(/\{[^}]+\}/gu, () => encodeURIComponent(left.shift() ?? ""));
  const body = attack.body === undefined ? null : JSON.stringify(attack.body(ids));
  return {
    method,
    path,
    headers: {
      accept: attack.accept ?? "application/json",
      ...(method === "GET" ? {} : { "idempotency-key": context.unique("foreign") }),
      ...(body === null ? {} : { "content-type": "application/json" }),
    },
    body,
  };
}

/** All of it but what tells one request from another: two that are answered alike are answered the same. */
function shown({ status, headers, json, text }: Answer, ids: readonly string[]): string {
  const { request_id: _, trace_id: __, instance: ___, ...fields } = fieldsOf(json);
  const body = json === undefined ? text : JSON.stringify(fields);
  const names = Object.keys(headers).toSorted();
  // The longest first: one may be in another.
  const bare = ids
    .toSorted((a, b) => b.length - a.length)
    .reduce((left, id) => left.replaceAll(id, "the id"), body);
  return JSON.stringify({ status, type: headers["content-type"], names, body: bare });
}

type Stranger = {
  readonly role: Role;
  /** May everything, so that nothing but the tenant can be what it is refused for. */
  readonly isAdmin: boolean;
  /** A run of their own. */
  readonly run: string | null;
};

async function meet(context: ScenarioContext): Promise<Stranger> {
  const isAdmin = context.capabilities.has("administrators");
  const role = isAdmin ? "other_admin" : "other_tenant";
  const client = context.client(role);
  if (!context.capabilities.has("external_runs")) return { role, isAdmin, run: null };
  const run = await openDrivenRun(context, client, {
    task: "Nothing in particular.",
    approver: "none",
    tools: [{ name: "look" }],
  });
  return { role, isAdmin, run: run.id };
}

const TELLS_NOTHING = "another tenant's id is answered as one that nobody has, to the byte";

async function put(context: ScenarioContext, stranger: Stranger, attack: Attack): Promise<void> {
  const client = context.client(stranger.role);
  const { ids, route } = attack;
  const unknown = ids.map(unknownLike);
  const ask = async (given: readonly string[]): Promise<Answer> =>
    await client.request(requestOf(context, attack, given));
  const compare = async (theirs: readonly string[], nobodys: readonly string[]): Promise<void> => {
    const [real, absent] = [await ask(theirs), await ask(nobodys)];
    const found = { route, real: real.status, absent: absent.status, body: real.text, other: absent.text };
    if (attack.isName === true)
      return context.check(
        "a name is answered alike, whoever has it elsewhere",
        real.status === absent.status && real.status < 500,
        found,
      );
    const isRefused = stranger.isAdmin ? real.status === 404 : [401, 403, 404].includes(real.status);
    context.check("another tenant's key gets nothing by ids of ours", isRefused && isProblem(real), found);
    context.check(TELLS_NOTHING, shown(real, theirs) === shown(absent, nobodys), found);
  };
  await compare(ids, unknown);
  const [, ...inner] = ids;
  if (inner.length === 0) return;
  await compare(ids, [ids[0] ?? "", ...inner.map(unknownLike)]);
  // A run of their own opens nothing that is in one of ours.
  if (stranger.run !== null)
    await compare([stranger.run, ...inner], [stranger.run, ...inner.map(unknownLike)]);
}

const LISTS: readonly (readonly [role: Role, path: string])[] = [
  ["requester", "/api/harness/documents"],
  ["approver", "/api/harness/precedents"],
  ["approver", "/api/harness/escalations"],
  ["admin", "/api/harness/keys"],
  ["admin", "/api/harness/signing-keys"],
  ["admin", "/api/harness/principals"],
];

/** What there is of everything, as its owners see it; but not when they last looked. */
async function ownersView(context: ScenarioContext, attacks: readonly Attack[]): Promise<readonly string[]> {
  const paths = attacks.flatMap(({ route, ids: [id = ""] }): (readonly [Role, string])[] => {
    if (!route.includes(RUN)) return [];
    const path = `/api/harness/runs/${encodeURIComponent(id)}`;
    return [
      ["requester", path],
      ["requester", `${path}/events?after=0`],
    ];
  });
  const asked = new Map([...paths, ...LISTS].map(([role, path]) => [path, role]));
  const views: string[] = [];
  for (const [path, role] of asked) {
    if (context.target.key(role) === null) continue;
    const { status, text } = await get(context, role, path);
    views.push(`${path} ${status} ${text.replaceAll(/"last_used_at":(?:null|"[^"]*")/gu, "")}`);
  }
  return views;
}

/** @param routes of the served document */
export async function attackIds(
  context: ScenarioContext,
  routes: ReadonlySet<string>,
  waiting: Belongings["waiting"] & { readonly digest: string },
): Promise<void> {
  const made = await makeBelongings(context, waiting);
  const calledOff = await waitAtGate(context);
  const attacks = attacksOn(made, waiting.digest, calledOff.run).filter(({ route }) => routes.has(route));
  const stranger = await meet(context);
  const before = await ownersView(context, attacks);
  for (const attack of attacks) await put(context, stranger, attack);
  const after = await ownersView(context, attacks);
  const changed = after.filter((view, at) => view !== before[at]);
  context.check("and nothing of ours is changed by it", changed.length === 0, changed);
  for (const attack of attacks.filter(({ accept }) => accept === undefined)) {
    const { status, text } = await context
      .client(attack.owner)
      .request(requestOf(context, attack, attack.ids));
    context.check("the owner is served what the stranger was refused", status >= 200 && status < 300, {
      route: attack.route,
      status,
      text,
    });
  }
  const tried = new Set(attacks.map(({ route }) => route));
  context.read("routes tried with ids of another tenant", [...tried]);
}

export const attacksOn = (made: Belongings, digest: string, calledOff: string): readonly Attack[] => [
  ...onWaiting(made.waiting, digest),
  ...onDriven(made, calledOff),
  ...onThings(made),
];
