// What an identity provider's token says of its holder, in this installation's terms.

import type { Role } from "@assent/contract";

export type TokenSubject = {
  /** The tenant's short name. */
  readonly tenant: string;
  /** Named `<provider>:<claim>`: a name that no key can have, so that nobody becomes somebody else. */
  readonly principal: { readonly kind: "human" | "service"; readonly name: string };
  readonly roles: readonly Role[];
  /** Only signed requests are taken. */
  readonly mustSign: boolean;
};

export type IdentityProvider = {
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
  /** Asymmetric ones only: with HMAC a public key would be a shared secret. */
  readonly algorithms: readonly string[];
  readonly typ: string;
  /** Null: as the issuer's discovery document says. */
  readonly jwksUrl: string | null;
  readonly tenant: string;
  readonly kind: "human" | "service";
  readonly nameClaim: string;
  readonly rolesClaim: string | null;
  /** Roles by a value of that claim. */
  readonly roles: Readonly<Record<string, readonly Role[]>>;
  readonly mustSign: boolean;
};

export const SUBJECT_NAME_CHARS_MAX = 200;

/** Null where the claims name nobody. Values that the configuration does not know give no role. */
export function subjectOf(
  provider: IdentityProvider,
  claims: Readonly<Record<string, unknown>>,
): TokenSubject | null {
  const name = claims[provider.nameClaim];
  if (!isVouchedFor(claims, provider.nameClaim)) return null;
  if (typeof name !== "string" || name === "" || name.length > SUBJECT_NAME_CHARS_MAX) return null;
  // What a terminal or a log would not show as it is could pass for another name.
  if (!/^[\x21-\x7e]+$/.test(name)) return null;
  const found = provider.rolesClaim === null ? [] : claims[provider.rolesClaim];
  const values = (Array.isArray(found) ? found : typeof found === "string" ? found.split(" ") : []).filter(
    (value): value is string => typeof value === "string",
  );
  const roles = values.flatMap((value) =>
    Object.hasOwn(provider.roles, value) ? (provider.roles[value] ?? []) : [],
  );
  return {
    tenant: provider.tenant,
    principal: {
      kind: isClientsOwn(claims) ? "service" : provider.kind,
      name: `${provider.name}:${name}`,
    },
    roles: [...new Set(roles)],
    mustSign: provider.mustSign,
  };
}

/**
 * Where the issuer says of the claim that nobody has checked it (OpenID Connect Core, 5.1: `email_verified`), its holder may
 * have written anybody's address there. Some write the word and not the value.
 */
function isVouchedFor(claims: Readonly<Record<string, unknown>>, claim: string): boolean {
  const said = claims[`${claim}_verified`];
  return said === undefined || said === true || said === "true";
}

/**
 * A token that a program got for itself (OAuth 2.0, 4.4) speaks for no person, whoever else the issuer speaks for: its subject
 * is the client (RFC 9068, 2.2 and 5), or the issuer says so in words of its own.
 */
function isClientsOwn({ sub, client_id, azp, gty, idtyp }: Readonly<Record<string, unknown>>): boolean {
  if (gty === "client-credentials" || idtyp === "app") return true;
  return [client_id, azp].some(
    (client) => typeof client === "string" && (sub === client || sub === `${client}@clients`),
  );
}

/** https, or this machine: whoever can change the keys on their way can make any token. */
export function isTrustedUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return false;
  if (url.protocol === "https:") return true;
  return url.protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
}
