import { expect, test } from "vitest";
import { isPlaceholder, isReference } from "./placeholders.ts";

const DRAWN = "a8Kd02LmPq7RtZ3xWv5Bq1Yc6Hs9Ne4Uf0Gj8Tk2";

test.each([
  "${TOKEN}",
  "$TOKEN",
  "$(cat token)",
  "{{ token }}",
  "#{token}",
  "<token>",
  "<your token",
  "%TOKEN%",
  "%s",
  "@token@",
  "{api.token}",
  "process.env.TOKEN",
  "import.meta.env.X",
  'os.environ["TOKEN"]',
  'os.getenv("X")',
  'getenv("X")',
  "ENV['TOKEN']",
  'System.getenv("X")',
  "secrets.TOKEN",
  "var.token",
  "vars.token",
  "local.token",
  "data.token",
  "config.token",
  "env(TOKEN)",
  "vault:secret/data/x#token",
  "file:///run/x",
  "arn:aws:secretsmanager:x",
  "op://vault/item",
  "/run/secrets/token",
  "/etc/x",
  "/var/x",
  "/home/x",
  "/secrets/x",
  "/path/x",
  "/tmp/x",
  "/usr/x",
  "/opt/x",
  "/mnt/x",
  "./x",
  "../x",
  "~/x",
])("%j refers to a secret and is none", (value) => {
  expect(isReference(value)).toBe(true);
  expect(isPlaceholder(value)).toBe(true);
});

test.each([
  DRAWN,
  "hunter2!",
  "a$TOKEN",
  "$5hunter",
  "a{{b",
  "x<token>",
  "50%off",
  "@token",
  "{token",
  "xprocess.env.X",
  "myvault:x",
  "variable.token",
  "a/run/x",
  "/srv/x",
  ".x",
  "~x",
  "home/x",
])("%j refers to nothing", (value) => {
  expect(isReference(value)).toBe(false);
});

test.each([
  "example",
  "my-placeholder-1",
  "changeme",
  "change-me",
  "change_me",
  "replace-this",
  "dummy7",
  "sample-key-1",
  "[redacted:x]",
  "your-key",
  "your_key",
  "put-it-here",
  "insert-7",
  "todo-7",
  "fixme-7",
  "lorem7ipsum",
  "foobar7",
  "not-a-real-key",
  "notasecret",
  "fake-7",
  "undefined-7",
  "censored7",
  "hidden-7",
  "masked-7",
  "removed-7",
  "secret-key-here",
  "EXAMPLE-7",
])("%j says that a secret would stand there", (value) => {
  expect(isPlaceholder(value)).toBe(true);
});

test.each(["true", "null", "Password", "string", "required", "bearer", "sha256", "keychain", "same-origin"])(
  "%j is a value of such fields, and nobody's",
  (value) => {
    expect(isPlaceholder(value)).toBe(true);
  },
);

test.each([
  ["xxxxxxxx", true],
  ["********", true],
  ["ab***cd9", true],
  ["ab••••cd", true],
  ["......", true],
  ["abc...def", true],
  ["abc…def", true],
  ["------", true],
  ["", true],
  ["000000", true],
  ["ababab", true],
  ["ababa", false],
  ["abcabc", false],
  ["xxxx9k", false],
  ["XXXXX9k", true],
  ["ab**cd9!", false],
  ["a..b9!q", false],
])("%j fills a place: %s", (value, expected) => {
  expect(isPlaceholder(value)).toBe(expected);
});

test("in a long drawn value such a word excuses nothing, and in a long text of words it does", () => {
  expect(isPlaceholder(`${DRAWN}example`)).toBe(false);
  expect(isPlaceholder(`example${DRAWN}`)).toBe(false);
  expect(isPlaceholder("this is an example of a token that nobody has")).toBe(true);
  expect(isPlaceholder("zqXjVkWpGbQ1-example")).toBe(true);
});
