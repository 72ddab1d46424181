// The only file of the command line that reads the process environment.

export type Environment = {
  readonly url: string | null;
  readonly token: string | null;
  /** A file with the key that requests are signed with. */
  readonly signingKey: string | null;
  /** https://no-color.org: set and not empty means none. */
  readonly noColor: boolean;
};

export function readEnvironment(): Environment {
  const { ASSENT_URL, ASSENT_TOKEN, ASSENT_SIGNING_KEY, NO_COLOR } = process.env;
  return {
    url: notEmpty(ASSENT_URL),
    token: notEmpty(ASSENT_TOKEN),
    signingKey: notEmpty(ASSENT_SIGNING_KEY),
    noColor: notEmpty(NO_COLOR) !== null,
  };
}

/** Sounds like a secret and is the name of a file, which an error has to name. */
const PATHS: readonly string[] = ["ASSENT_SIGNING_KEY"];

/** What this process was told in confidence: the values of variables whose names say so. */
export const confidences = (): readonly string[] =>
  Object.entries(process.env).flatMap(([name, value]) =>
    /KEY|SECRET|TOKEN|PASSWORD|DATABASE_(?:MIGRATION_)?URL|HEADERS/.test(name) &&
    !PATHS.includes(name) &&
    value !== undefined
      ? [value]
      : [],
  );

/** For a child process: our own environment and these variables, without the key to the harness. */
export function childEnvironment(extra: Readonly<Record<string, string>>): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[0] !== "ASSENT_TOKEN",
  );
  return { ...Object.fromEntries(inherited), ...extra };
}

function notEmpty(value: string | undefined): string | null {
  return value === undefined || value === "" ? null : value;
}
