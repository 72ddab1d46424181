// The three logins of the embedded cluster. Their passwords are random, never in argv, and lie in a file that only
// we can read; the server's own user cannot, when it is another.

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { type EmbeddedRefusal, errorCode, refuse, type Refused } from "./refusal.ts";
import { ok, type Result } from "../../../base/result.ts";

/** `superuser` bootstraps and keeps presence; `owner` owns the schema and migrates; `app` serves and owns nothing. */
export type EmbeddedRole = "superuser" | "owner" | "app";

export const ROLE_NAMES: { readonly [R in EmbeddedRole]: string } = {
  superuser: "postgres",
  owner: "assent_owner",
  app: "assent_app",
};

export type Passwords = { readonly [R in EmbeddedRole]: string };

const PASSWORD_BYTES = 24;

const makePassword = (): string => randomBytes(PASSWORD_BYTES).toString("base64url");

export const makePasswords = (): Passwords => ({
  superuser: makePassword(),
  owner: makePassword(),
  app: makePassword(),
});

export function writePasswords(file: string, passwords: Passwords): void {
  writeFileSync(file, `${JSON.stringify(passwords)}\n`, { mode: 0o600, flag: "wx" });
}

export function readPasswords(file: string): Result<Passwords, EmbeddedRefusal> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    return refusePasswords(file, errorCode(error) ?? "unreadable");
  }
  const passwords = parsePasswords(text);
  return passwords === undefined ? refusePasswords(file, "its content is damaged") : ok(passwords);
}

export const refusePasswords = (file: string, why: string): Refused =>
  refuse(
    "passwords_unreadable",
    `the embedded database's passwords at ${file} cannot be used: ${why}`,
    "start as the user who made this database, or restore that file from a backup",
  );

function parsePasswords(text: string): Passwords | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (!("superuser" in value && "owner" in value && "app" in value)) return undefined;
  const { superuser, owner, app } = value;
  if (typeof superuser !== "string" || typeof owner !== "string" || typeof app !== "string") return undefined;
  return { superuser, owner, app };
}

/** Takes every password out of a text that is about to be shown. */
export function hidePasswords(text: string, passwords: Passwords): string {
  return Object.values(passwords).reduce(
    (hidden, password) => hidden.replaceAll(password, "[password]"),
    text,
  );
}
