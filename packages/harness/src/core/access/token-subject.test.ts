import { expect, test } from "vitest";
import { providersSchema } from "./identity-provider.ts";
import { type IdentityProvider, isTrustedUrl, subjectOf } from "./token-subject.ts";

const provider: IdentityProvider = {
  name: "corp",
  issuer: "https://login.example.com",
  audience: "https://assent.example.com",
  algorithms: ["ES256"],
  typ: "at+jwt",
  jwksUrl: null,
  tenant: "default",
  kind: "human",
  services: [],
  nameClaim: "sub",
  rolesClaim: null,
  roles: {},
  mustSign: false,
};

test.each([
  ["a person", { sub: "ann" }, "human"],
  ["a person at a client", { sub: "ann", client_id: "console", azp: "console" }, "human"],
  ["a client by its id", { sub: "robot", client_id: "robot" }, "service"],
  ["a client by the party that it was issued to", { sub: "robot", azp: "robot" }, "service"],
  ["a client as Auth0 writes it", { sub: "robot@clients", azp: "robot" }, "service"],
  ["a client by its grant", { sub: "1f0c", gty: "client-credentials" }, "service"],
  ["a client as Okta writes it", { sub: "0oa1", cid: "0oa1" }, "service"],
  ["a person at a client of Okta's", { sub: "ann", cid: "0oa1" }, "human"],
  [
    "a client as Keycloak writes it",
    { sub: "1f0c", azp: "Robot", preferred_username: "service-account-robot" },
    "service",
  ],
  [
    "a person who is called as another client's user",
    { sub: "ann", azp: "console", preferred_username: "service-account-robot" },
    "human",
  ],
  ["a client as Entra writes it", { sub: "1f0c", azp: "robot", idtyp: "app" }, "service"],
])("a token of %s is no other kind's, though its issuer speaks for people", (_, claims, kind) => {
  expect(subjectOf(provider, claims)?.principal).toEqual({ kind, name: `corp:${claims.sub}` });
});

test.each([
  ["its name", { sub: "1f0c", email: "nightly@example.com" }, "service"],
  ["its subject", { sub: "robot-7", email: "bob@example.com" }, "service"],
  ["its client", { sub: "1f0c", email: "bob@example.com", azp: "batch" }, "service"],
  ["nothing of it", { sub: "1f0c", email: "bob@example.com", azp: "console" }, "human"],
])("what the configuration calls a service, by %s, is one however its token looks", (_, claims, kind) => {
  const services = ["nightly@example.com", "robot-7", "batch"];
  const named = { ...provider, nameClaim: "email", services };
  expect(subjectOf(named, claims)?.principal).toEqual({ kind, name: `corp:${claims.email}` });
  expect(subjectOf({ ...named, services: [] }, claims)?.principal.kind).toBe("human");
});

test("the configuration can name services, and none by nothing", () => {
  const given = { name: "corp", issuer: provider.issuer, audience: "a" };
  const parse = (services?: readonly string[]) =>
    providersSchema.safeParse([{ ...given, ...(services && { services }) }]);
  expect(parse(["robot"]).data?.[0]?.services).toEqual(["robot"]);
  expect(parse().data?.[0]?.services).toEqual([]);
  expect(parse([""]).success).toBe(false);
});

test.each([
  [undefined, "corp:ann@example.com"],
  [true, "corp:ann@example.com"],
  ["true", "corp:ann@example.com"],
  [false, undefined],
  ["false", undefined],
  [null, undefined],
  [1, undefined],
])("an address of which the issuer says verified: %s names %s", (verified, name) => {
  const claims = { sub: "1", email: "ann@example.com", email_verified: verified };
  expect(subjectOf({ ...provider, nameClaim: "email" }, claims)?.principal.name).toBe(name);
  // What is said of another claim is nothing to this one.
  expect(subjectOf(provider, claims)?.principal.name).toBe("corp:1");
});

test.each([
  ["https://login.example.com", true],
  ["http://127.0.0.1:8080/keys", true],
  ["http://127.1/keys", true],
  ["http://[::1]/keys", true],
  ["http://localhost/keys", true],
  ["http://localhost.example.com/keys", false],
  ["http://127.0.0.1.example.com/keys", false],
  ["http://login.example.com", false],
  ["https://login.example.com@evil.example", false],
  ["file:///keys", false],
  ["keys", false],
])("keys at %s are trusted: %s", (url, trusted) => {
  expect(isTrustedUrl(url)).toBe(trusted);
});

test.each([
  ["name", { issuer: "https://other.example.com" }],
  ["issuer", { name: "other" }],
])("two identity providers of one %s are refused", (of, other) => {
  const one = { name: "corp", issuer: "https://login.example.com", audience: "https://assent.example.com" };
  expect(providersSchema.safeParse([one, { ...one, ...other }]).error?.issues).toMatchObject([
    { path: [1, of], message: `another identity provider has this ${of}; each needs its own` },
  ]);
  const distinct = { ...one, name: "other", issuer: "https://other.example.com" };
  expect(providersSchema.safeParse([one, distinct]).success).toBe(true);
});
