// One of several processes that migrate the same database at once. Addressed by environment: a password is never an
// argument.

import { migrate } from "../../../../packages/harness/src/adapters/postgres/migrate.ts";

const read = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
};
const password = read("TEST_PASSWORD");
const migrated = await migrate({
  connection: {
    host: read("TEST_HOST"),
    port: 5432,
    database: read("TEST_DATABASE"),
    user: read("TEST_USER"),
    password: () => password,
  },
  folder: read("TEST_FOLDER"),
});
process.send?.({
  event: migrated.ok ? "migrated" : "refused",
  value: migrated.ok ? migrated.value.applied.join() : migrated.error.reason,
});
process.disconnect();
