import { expect, test } from "vitest";
import { createRedactor } from "./redactor.ts";

const redact = (text: string): string => createRedactor().redactText(text).text;

test.each([
  ["an environment", "DB_PASSWORD=Tr0ub4dor&3\nNEXT=1", "DB_PASSWORD=[redacted:password]\nNEXT=1"],
  ["marks in a password", "password='a;b,c&d)e 1'", "password='[redacted:password]'"],
  ["marks in a bare password", "PGPASSWORD=p@ss;w0rd,!x psql", "PGPASSWORD=[redacted:password] psql"],
  [
    "a connection string",
    "Server=db;Uid=sa;Pwd=Str0ng#Pass;Timeout=5",
    "Server=db;Uid=sa;Pwd=[redacted:password];Timeout=5",
  ],
  ["an at sign in a URL's password", "amqp://u:p4@ss@h:5672/v", "amqp://u:[redacted:url_password]@h:5672/v"],
  [
    "basic authentication",
    "Authorization: Basic dXNlcjpwYXNzd29yZA==",
    "Authorization: Basic [redacted:authorization_header]",
  ],
  ["a cookie", "Cookie: sid=f3b1c2; theme=dark\nHost: x", "Cookie: [redacted:cookie_header]\nHost: x"],
  ["curl", "curl -u admin:s3cr3t! https://x", "curl -u admin:[redacted:curl_password] https://x"],
  ["netrc", "machine h login u password hunter2x", "machine h login u password [redacted:netrc_password]"],
  ["SQL", "ALTER USER x IDENTIFIED BY 'p w';", "ALTER USER x IDENTIFIED BY '[redacted:sql_password]';"],
  ["percent-encoding", "q=password%3DTr0ub4dor3", "q=password%3D[redacted:password]"],
  ["full-width letters", "ｐａｓｓｗｏｒｄ＝Ｔｒ０ｕｂ４ｄｏｒ", "ｐａｓｓｗｏｒｄ＝[redacted:password]"],
  ["zero-width spaces", "ghp_\u200ba8Kd02LmPq7RtZ3xWv5Bq1Yc6Hs9Ne4Uf0", "[redacted:github_pat]"],
  [
    "a domain's password on a command line",
    "psexec \\\\10.0.0.1 -u Admin -p braksha9 cmd & net use z: \\\\s\\x /user:bob Zx81kQpLm2",
    "psexec \\\\10.0.0.1 -u Admin -p [redacted:command_password] cmd & net use z: \\\\s\\x /user:bob [redacted:command_password]",
  ],
  [
    "a password that a program signs in with",
    'new NetworkCredential("a@example.com", "vzihlaquknriqlht"); new DirectoryEntry("LDAP://X", "A@X", "Rrhh1234")',
    'new NetworkCredential("a@example.com", "[redacted:code_password]"); new DirectoryEntry("LDAP://X", "A@X", "[redacted:code_password]")',
  ],
  [
    "what opens a vault",
    "Unseal Key 2: 0tZn+7QQCxphpHwTm7/dC3LpP5JGIbYl3PK8Sy81R+P2\nvault operator unseal 98m+o2ylRhVbOi+3o5ub6PbP343ocFUVORgSYeypMDjh",
    "Unseal Key 2: [redacted:vault_unseal_key]\nvault operator unseal [redacted:vault_unseal_key]",
  ],
  [
    "hashes that are guessed offline",
    `secret 9 $9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM $krb5tgs$23$*u$R$s*$${"a1".repeat(40)}`,
    "secret 9 [redacted:cisco_hash] [redacted:kerberos_hash]",
  ],
  ["a passphrase", 'mnemonic: "abandon ability able about above absent"', 'mnemonic: "[redacted:password]"'],
  [
    "a cut key",
    `-----BEGIN RSA PRIVATE KEY-----\n${"MIIEpAIBAAKCAQEAx3".repeat(6)}`,
    "[redacted:private_key]",
  ],
])("%s", (_, text, expected) => {
  expect(redact(text)).toBe(expected);
});

test("no part of a token is left, however much longer it is than its maker said", () => {
  const body = "aK9dX2mQ7".repeat(200);
  expect(redact(`ghp_${body} x`)).toBe("[redacted:github_pat] x");
});
