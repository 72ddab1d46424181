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
  /** Names, subjects and client ids that are services', whatever their tokens look like. */
  readonly services: readonly string[];
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
      kind: isClientsOwn(claims) || isNamed(provider, claims) ? "service" : provider.kind,
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
function isClientsOwn(claims: Readonly<Record<string, unknown>>): boolean {
  const { sub, gty, idtyp, preferred_username } = claims;
  if (gty === "client-credentials" || idtyp === "app") return true;
  return clientsOf(claims).some(
    (client) =>
      sub === client ||
      sub === `${client}@clients` ||
      // Keycloak's user of a client's own (compared as it writes user names); its subject is some UUID.
      preferred_username === `service-account-${client.toLowerCase()}`,
  );
}

/** The client that the token was given to: `cid` is Okta's word, `appid` Entra's older one. */
const clientsOf = ({ client_id, azp, cid, appid }: Readonly<Record<string, unknown>>): readonly string[] =>
  [client_id, azp, cid, appid].filter((client): client is string => typeof client === "string");

/** Whom the configuration calls a service. By a client it is that client's own tokens, and those it got for people as well. */
const isNamed = (
  { services, nameClaim }: IdentityProvider,
  claims: Readonly<Record<string, unknown>>,
): boolean =>
  [claims[nameClaim], claims["sub"], ...clientsOf(claims)].some(
    (said) => typeof said === "string" && services.includes(said),
  );

/** https, or this machine: whoever can change the keys on their way can make any token. */
export function isTrustedUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return false;
  if (url.protocol === "https:") return true;
  return url.protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
}
