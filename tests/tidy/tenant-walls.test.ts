// Invariant 8, tenant walls, as the code states it: every statement on a tenant's table names the tenant, every
// connection that is not inside a tenant's transaction is in a file that is listed here with its reason.

import { expect, test } from "vitest";
import { listFiles, read, visit } from "./tree.ts";

const POSTGRES = "packages/harness/src/adapters/postgres";
const MIGRATIONS = listFiles(`${POSTGRES}/migrations/*.sql`);
const FILES = listFiles(`${POSTGRES}/**/*.ts`).filter((file) => !file.endsWith(".test.ts"));

/** Who may talk to the database outside a tenant's transaction, and why. */
const OUTSIDE: Readonly<Record<string, string>> = {
  "alone.ts": "holds the lock of who changes the signer's keys, reads no table",
  "audit-log.ts": "names the tenant for the log's statements; one look-up of ids by a function of the schema",
  "audit-review.ts": "the owner checks the evidence of all tenants, and changes nothing",
  "review-walls.ts":
    "the owner holds the catalogue against what the migrations make, and reads no tenant's rows",
  "bootstrap.ts": "the owner makes tenants and their first key",
  "breakers.ts": "how providers are, which is of no tenant",
  "connect.ts": "begins and ends transactions",
  "content.ts": "asks by digest what nobody names; whose it is, is not told",
  "embedded/": "starts the server; there is no tenant yet",
  "given.ts": "looks at the database that it was given",
  "log-hold.ts": "holds the lock of who keeps the logs, reads no table",
  "migrate.ts": "the owner changes the schema",
  "older-rows.ts": "one look-up of ids by a function of the schema; rows are a tenant's",
  "ear.ts": "listens, reads no table",
  "kept-session.ts": "keeps a connection, sends nothing of its own",
  "presence.ts": "holds a worker's lock, reads no table",
  "sealing-store.ts":
    "names the tenant for its keys; the installation's own, and one look-up of ids by a function of the schema",
  "store.ts": "names the tenant for all others; look-ups across tenants by functions of the schema",
  "webhooks.ts":
    "names the tenant for its rows; what is due and what is old is found by functions of the schema",
  "wake-ups.ts": "sends an empty NOTIFY, reads no table",
};

const tables: ReadonlySet<string> = new Set(
  MIGRATIONS.flatMap((file) =>
    [...read(file).matchAll(/create table assent\.(\w+) \(([\s\S]*?)\n\);/g)]
      .filter(([, , body]) => /^\s*tenant_id uuid/m.test(body ?? ""))
      .map(([, name]) => name ?? ""),
  ),
);

/** Every text of a file that could be SQL, with its interpolations as `?`. */
function statementsOf(file: string, text: string): string[] {
  const found: string[] = [];
  visit(file, text, (node) => {
    if (node.type === "Literal" && typeof node["value"] === "string") found.push(node["value"]);
    if (node.type === "TemplateLiteral" && Array.isArray(node["quasis"]))
      found.push(node["quasis"].map((quasi: { value: { raw: string } }) => quasi.value.raw).join("?"));
  });
  return found;
}

/** What is wrong with a statement; empty where nothing is. */
function complaintsOf(sql: string): string[] {
  const complaints: string[] = [];
  const named = [...sql.matchAll(/\b(from|join|into|update)\s+assent\.(\w+)\b(?:\s+(?:as\s+)?(\w+))?/gi)];
  for (const [, word = "", table = "", alias = ""] of named) {
    if (!tables.has(table)) continue;
    switch (word.toLowerCase()) {
      case "into":
        if (!new RegExp(`into\\s+assent\\.${table}\\s*(?:as \\w+ )?\\(\\s*tenant_id\\b`, "i").test(sql))
          complaints.push(`an insert into ${table} does not begin with the tenant`);
        break;
      case "join":
        if (
          !new RegExp(
            `\\b${alias}\\.tenant_id = \\w+\\.tenant_id|\\b\\w+\\.tenant_id = ${alias}\\.tenant_id|\\b${alias}\\.tenant_id = \\$1`,
            "i",
          ).test(sql)
        )
          complaints.push(`a join with ${table} leaves the tenant out`);
        break;
      default:
        // A join's condition says that two rows are of one tenant, not of which.
        if (!/\btenant_id = \$1/i.test(sql))
          complaints.push(`a statement on ${table} does not name the tenant`);
    }
  }
  return complaints;
}

test("there are tables with a tenant, and statements on them", () => {
  expect([...tables]).toEqual(
    expect.arrayContaining(["runs", "steps", "approvals", "documents", "api_keys"]),
  );
  const all = FILES.flatMap((file) => statementsOf(file, read(file)));
  expect(
    all.filter((sql) => [...tables].some((table) => sql.includes(`assent.${table}`))).length,
  ).toBeGreaterThan(30);
});

test("every statement on a tenant's table names the tenant", () => {
  const found = FILES.filter(
    (file) => !file.endsWith("/bootstrap.ts") && !file.includes("/embedded/"),
  ).flatMap((file) =>
    statementsOf(file, read(file)).flatMap((sql) =>
      complaintsOf(sql).map((complaint) => `${file}: ${complaint}`),
    ),
  );
  expect(found).toEqual([]);
});

test("a statement that forgets the tenant is found", () => {
  expect(complaintsOf("select * from assent.runs where id = $1")).toHaveLength(1);
  expect(complaintsOf("update assent.runs set state = $2 where id = $1")).toHaveLength(1);
  expect(complaintsOf("delete from assent.documents where id = $1")).toHaveLength(1);
  expect(complaintsOf("insert into assent.runs (id) values ($1)")).toHaveLength(1);
  expect(
    complaintsOf("select 1 from assent.runs r join assent.steps s on s.run_id = r.id where r.tenant_id = $1"),
  ).toHaveLength(1);
  expect(
    complaintsOf("select 1 from assent.runs r join assent.steps s on s.tenant_id = r.tenant_id where true"),
  ).toHaveLength(1);
  expect(complaintsOf("select 1 from assent.runs where tenant_id = $1")).toEqual([]);
});

test("only the listed files talk to the database outside a tenant's transaction", () => {
  const talking = FILES.filter((file) =>
    /\b(?:pool|client|boss|database)\.query\s*[(<]|queryOn\(|new (?:Client|Pool)\(|connectPool\(/.test(
      read(file),
    ),
  ).map((file) => file.slice(POSTGRES.length + 1));
  const listed = (file: string): boolean =>
    Object.keys(OUTSIDE).some((name) => (name.endsWith("/") ? file.startsWith(name) : file === name));
  expect(talking.filter((file) => !listed(file))).toEqual([]);
  // A reason for a file that does no such thing (any more) is a hole waiting for its use.
  expect(
    Object.keys(OUTSIDE).filter(
      (name) => !FILES.some((file) => file.slice(POSTGRES.length + 1).startsWith(name)),
    ),
  ).toEqual([]);
});
