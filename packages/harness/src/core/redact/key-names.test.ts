// What a name promises of its value, however it is written.

import { expect, test } from "vitest";
import { ABOUT, BEFORE_KEY, DIGESTS, PASSWORDS, readKeyName, SECRETS, wordsOf } from "./key-names.ts";
import { VENDORS } from "./vendors.ts";

test.each([
  ["apiKey", ["api", "key"]],
  ["API_KEY", ["api", "key"]],
  ["api-key", ["api", "key"]],
  ["Api Key", ["api", "key"]],
  ["api.key", ["api", "key"]],
  ["AWSSecretKey", ["aws", "secret", "key"]],
  ["parseJSONToken2", ["parse", "json", "token2"]],
  ["v2Token", ["v2", "token"]],
  ["__x__", ["x"]],
  ["", []],
])("%j is the words %j", (name, words) => {
  expect(wordsOf(name)).toEqual(words);
});

test.each<[expects: string, kind: string, names: string]>([
  [
    "password",
    "password",
    "password Password DB_PASSWORD dbPassword passwd pwd pw passphrase passcode passwort pin otp totp mnemonic sshpass userpassword rootpassword mysqlpwd password1 password_2 PASSWORD_OLD password-prod dbpass secretpassword myUserPasswd",
  ],
  [
    "secret",
    "token",
    "token accessToken access-token AUTH_TOKEN tokens max_tokens bot_token idToken refreshtoken jwt token_prod token_v2 myapitoken",
  ],
  [
    "secret",
    "key",
    "apiKey api_key API-KEY apikey privateKey primary_key encryption_key data_key user_key API_KEY_BASE64 SECRET_KEY_OLD secretkey deploykey keys.api.key keypass",
  ],
  [
    "secret",
    "secret",
    "secret client_secret clientSecret csrf dsn webhook signature nonce hmac credential creds client_id clientid ticket sas",
  ],
  ["secret", "session", "session sid phpsessid".replace("phpsessid", "sessid")],
  ["header", "authorization_header", "authorization Authorization proxy-authorization x-proxy-authorization"],
  ["header", "cookie_header", "cookie Cookie set-cookie Set-Cookie"],
  [
    "digest",
    "",
    "sha256 md5 commit etag uuid traceId password_hash passwordDigest token_hash checksum fingerprint requestId parent",
  ],
  ["vendor", "github_credential", "github githubId github_id GITHUB"],
  ["vendor", "newrelic_credential", "new-relic newRelic new_relic"],
  ["vendor", "heroku_credential", "heroku heroku2"],
  ["url", "webhook_url", "webhookUrl WEBHOOK_URL slack_webhook_url webhook-url-prod"],
  ["url", "connection_string", "connectionString DB_CONNECTION_STRING connection_string_2 connstr conn_str"],
  ["vendor", "linkedin_credential", "linked_in LinkedIn linkedin linked-in"],
  ["vendor", "datadog_credential", "mydatadog ourdatadog2 datadog"],
  ["secret", "github_credential", "github_token GITHUB_TOKEN githubToken"],
  ["secret", "stripe_credential", "stripe_key stripeKey STRIPE_KEYS"],
  [
    "none",
    "",
    "name email key public_key sort_key foreignKey token_count tokenType secretName secret_path password_policy passwordLength cookie_policy connection_string_name webhook_url_count logged_in secret_url string connection api_key_name id user_id HTMLParser title x",
  ],
])("%s (%s): %s", (expects, kind, names) => {
  for (const name of names.split(" ")) {
    const read = readKeyName(name);
    expect([name, read.expects, read.kind]).toEqual([name, expects, kind]);
  }
});

test("pass alone, or with one word before it, is a verb as often as a name", () => {
  for (const [name, isVerb] of [
    ["pass", true],
    ["tests_pass", true],
    ["db_user_pass", false],
    ["password", false],
  ] as const)
    expect([name, readKeyName(name).isVerb]).toEqual([name, isVerb]);
});

test("a very long name is read by its end, and a name is read the same each time", () => {
  const long = `${"x".repeat(200)}_api_key`;
  for (let time = 0; time < 2; time += 1)
    expect(readKeyName(long)).toEqual({ expects: "secret", kind: "key" });
  expect(readKeyName(`password_${"x".repeat(200)}`).expects).toBe("none");
  // However many other names there were meanwhile.
  for (let n = 0; n < 5_000; n += 1) readKeyName(`name_${n}`);
  expect(readKeyName(long)).toEqual({ expects: "secret", kind: "key" });
});

// What is listed and never looked at guards nothing: another list may come before it.
test("whatever is listed is read as it is listed", () => {
  const odd = (names: readonly string[], ...expected: readonly string[]): readonly string[] =>
    names.filter((name) => !expected.includes(readKeyName(name).expects));
  expect(odd([...PASSWORDS], "password")).toEqual([]);
  expect(odd([...SECRETS], "secret", "header")).toEqual([]);
  expect(odd([...VENDORS], "vendor", "secret")).toEqual([]);
  expect(odd([...DIGESTS], "digest")).toEqual([]);
  expect(
    odd(
      [...BEFORE_KEY].map((word) => `${word}_key`),
      "secret",
    ),
  ).toEqual([]);
  const about = [...ABOUT].flatMap((word) => [`token_${word}`, `some_${word}`]);
  expect(odd(about, "none")).toEqual([]);
});
