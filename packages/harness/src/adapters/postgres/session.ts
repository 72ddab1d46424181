// How every session of ours is, whatever whoever runs the database has set for everybody: what is read and written must
// mean the same on every server, and a connection that waits for news is not one that was forgotten.

/**
 * Before these come what is set for the server, the database and the role; after them what a pool says for itself. A limit
 * on statements that suits the others of a server would end migrations half-way, each time anew. Not among them is
 * whether anything may be written at all: who takes that away has a reason.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  datestyle: "ISO,MDY",
  intervalstyle: "postgres",
  timezone: "UTC",
  bytea_output: "hex",
  extra_float_digits: "1",
  array_nulls: "on",
  transform_null_equals: "off",
  row_security: "on",
  default_transaction_isolation: "read\\ committed",
  default_transaction_deferrable: "off",
  statement_timeout: "0",
  lock_timeout: "0",
  idle_session_timeout: "0",
};

const OPTIONS = Object.entries(SETTINGS)
  .map(([name, value]) => `-c ${name}=${value}`)
  .join(" ");

/**
 * The same connection, for sessions that are as ours have to be. What the client library would take from the environment where
 * nothing is said (PGSSLMODE, PGSSLNEGOTIATION, PGOPTIONS) is meant for others: it is said here.
 */
export const inSession = <C extends Session>(connection: C): C & Required<Session> => ({
  ...connection,
  ssl: connection.ssl ?? false,
  sslnegotiation: "postgres",
  options: connection.options === undefined ? OPTIONS : `${OPTIONS} ${connection.options}`,
});

type Session = {
  readonly options?: string;
  readonly ssl?: false | { readonly rejectUnauthorized: boolean };
  readonly sslnegotiation?: "postgres";
};
