// Where a name gives a secret away: in each way of assigning, exactly the value, which stands between « and »; and what
// looks like it and is none.

import { expect, test } from "vitest";
import { findAssignedSecrets } from "./assignments.ts";

function found(marked: string): void {
  const text = marked.replaceAll(/[«»]/g, "");
  const spans = findAssignedSecrets(text);
  let shown = text;
  for (const { start, end } of spans.toSorted((a, b) => b.start - a.start))
    shown = `${shown.slice(0, start)}«${shown.slice(start, end)}»${shown.slice(end)}`;
  expect(shown).toBe(marked);
}

const DRAWN = "a8Kd02LmPq7RtZ3xWv5B";

test.each([
  ["an environment", "DB_PASSWORD=«Tr0ub4dor&3»\nNEXT=1"],
  ["with export", "export API_KEY=«8f7d6s5a4d3f2g1h0j9k»"],
  ["YAML", "password: «hunter2!»\nname: x"],
  ["YAML, with blanks", "  api_key  :   «8f7d6s5a4d3f2g1h0j9k»"],
  ["YAML, in a block", "password: |\n  «hunter2!»\n"],
  ["YAML, on the next line", `token:\n  «${DRAWN}»`],
  ["JSON", '{"password": "«hunter2!»", "b": 1}'],
  ["JSON within JSON", String.raw`{"x": "{\"password\": \"«hunter2!»\"}"}`],
  ["single quotes", "{'password': '«hunter2!»'}"],
  ["backticks", "password = `«hunter2!»`"],
  ["a constant with a type", 'const password: string = "«hunter2!»";'],
  ["a walrus", 'password := "«hunter2!»"'],
  ["an arrow", "'password' => '«hunter2!»'"],
  ["a pointer", "config->password = '«hunter2!»'"],
  ["a default", `token ?? "«${DRAWN}»"`],
  ["a comparison", 'if (password == "«hunter2!»")'],
  ["another", 'if (password === "«hunter2!»")'],
  ["a call", 'setPassword("«hunter2!»")'],
  ["a constructor", 'Password.new("«hunter2!»")'],
  ["two arguments", '("password", "«hunter2!»")'],
  ["an element", "<password>«hunter2!»</password>"],
  ["an element with attributes", '<password encrypted="false">«hunter2!»</password>'],
  ["an attribute", '<user password="«hunter2!»"/>'],
  ["a pair of attributes", `<add key="ApiKey" value="«${DRAWN}»"/>`],
  ["a pair of members", `{"name": "API_TOKEN", "value": "«${DRAWN}»"}`],
  ["a pair of elements", `<key>ApiToken</key>\n<string>«${DRAWN}»</string>`],
  ["a query string", `https://x/?api_key=«${DRAWN}»&b=1`],
  ["an encoded query string", "q=password%3D«Tr0ub4dor3»"],
  ["a flag", "tool --password «hunter2!» -v"],
  ["a flag with an equals sign", "tool --password=«hunter2!» -v"],
  ["prose", "The password is «hunter2!» for now"],
  ["prose with a colon", "password: «hunter2!»"],
  ["prose, changed to", "password set to «hunter2!9»"],
  ["a list", `tokens: ["«${DRAWN}»", "«8f7d6s5a4d3f2g1h0j9k»"]`],
  ["an index", "os.environ['PASSWORD'] = '«hunter2!»'"],
  ["two words", `API key: «${DRAWN}»`],
  ["a header", "Authorization: Bearer «abcdef0123456789»"],
  ["a header of another scheme", "Authorization: Basic «dXNlcjpwYXNzd29yZA==»"],
  ["a header without one", `Authorization: «${DRAWN}»`],
  ["a header without one that a person chose", "Authorization: «letmein»\nHost: x"],
  ["the same with digits", "> authorization: «hunter2go»\n> host: x"],
  ["a header without one on a command line", `curl -H "Authorization: «letmein»" https://x`],
  ["a header without one in code", `headers: { Authorization: "«letmein»" }`],
  ["a header without one in JSON", '{"authorization": "«open-sesame»"}'],
  ["a header in a variable", "PROXY_AUTHORIZATION=«hunter2go»"],
  ["a header of nobody's scheme", "Authorization: «Acme hunter2go»"],
  ["a connection string", `"connectionString": "«Endpoint=sb://x/;Key=${DRAWN}»"`],
  ["the URL of a webhook", `webhookUrl: "«https://hooks.example.com/in/${DRAWN}»"`],
  ["a service of two words, the last of them common", `linked_in: "«3f2b8c1a-9d4e-4f60-8a7b-1c2d3e4f5a6b»"`],
  ["one's own of a service", `mydatadog = "«3f2b8c1a9d4e4f608a7b1c2d3e4f5a6b»"`],
  ["a header in JSON", '{"Authorization": "Bearer «abcdef0123456789»"}'],
  ["a header of a proxy", "Proxy-Authorization: Basic «dXNlcjpwYXNzd29yZA==»"],
  ["a cookie", "Cookie: «sid=f3b1c2; theme=dark»\nHost: x"],
  ["a cookie that is set", "Set-Cookie: «sid=f3b1c2d4; Path=/»\nHost: x"],
  ["a scheme in another place", `"token": "Bearer «${DRAWN}»"`],
  ["three quotes", 'password = """«hunter2!»"""'],
  ["a string with a prefix", "password = b'«hunter2!»'"],
  ["several", "password=«hunter2!» token=«8f7d6s5a4d3f2g1h0j9k»"],
  ["a connection string", "Server=db;Uid=sa;Pwd=«Str0ng#Pass»;Timeout=5"],
  ["a passphrase", 'mnemonic: "«abandon ability able about»"'],
  ["of a service", `heroku_key = "«3f2b8c1a-9d4e-4f60-8a7b-1c2d3e4f5a6b»"`],
])("%s", (_, marked) => {
  found(marked);
});

test.each([
  ["a count", "token_count: 12345678"],
  ["a number of tokens", "tokens: 4096"],
  ["a name", "password: string"],
  ["a reference", "password=${DB_PASSWORD}"],
  ["another", "password: process.env.DB_PASSWORD"],
  ["a placeholder", "password=changeme"],
  ["a mark of ours", "password=[redacted:password]"],
  ["stars", "password: ********"],
  ["a digest", "password_hash: 5f4dcc3b5aa765d61d8327deb882cf99"],
  ["a verb", "Pass the file_2.txt to it"],
  ["a call with a variable", "setPassword(newPassword)"],
  ["a comparison with a variable", "if (token == other_token_2)"],
  ["a sentence", "The password is at least eight characters long."],
  ["a path", "/etc/passwd: hunter2!"],
  ["a short value", "password=ab"],
  ["a short secret", "token=ab12!"],
  ["nothing behind it", "password="],
  ["a name at the end", "the token"],
  ["a header that says nothing", "Authorization: none"],
  ["a header in a sentence", "Authorization: needed for 2 of them"],
  ["a header that a program sends", "headers: { authorization: accessToken, host }"],
  ["another", "authorization: request.headers.authorization"],
  ["another alone", "authorization: bearerToken"],
  ["a member of a program's list", "authorization: settings,\n  host,"],
  ["a variable", "authorization = letmein"],
  ["names of headers", '["authorization", "set-cookie", "content-type"]'],
  ["a header of nobody's scheme in words", "Authorization: Needed here"],
  ["a webhook that everybody may know", 'webhookUrl: "https://example.com/hooks/incoming-messages"'],
  ["a webhook with a short number in its path", 'webhookUrl: "https://example.com/hooks/aK9dX2mQ7/in"'],
  ["a server without a password", 'connectionString: "postgres://app@localhost:5432/app1"'],
  ["a network", "linked_in: yes"],
  ["a cookie without a value", "Cookie: accepted"],
  ["an address", 'token_url: "https://example.com/token"'],
  ["a type", "password: Optional[str] = None"],
  ["a harmless name", `colour=${DRAWN}`],
])("%s is no secret", (_, text) => {
  found(text);
});
