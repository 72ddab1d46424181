// What a name promises of its value. Names are cut into words, so that apiKey, API_KEY, api-key and "Api Key" are one.

import { VENDORS } from "./vendors.ts";

/**
 * `password`: chosen by people, so that any value is one. `secret`: drawn, as a rule. `vendor`: a value that looks
 * drawn is a credential of theirs. `digest`: what looks drawn is none. `header`: everything up to the end. `url`: one that opens something where a part of it
 * looks drawn, and else as a `secret`.
 */
export type Expectation = "password" | "secret" | "vendor" | "digest" | "header" | "url" | "none";

export type KeyName = {
  readonly expects: Expectation;
  readonly kind: string;
  /** Stands in prose and in tests as a verb, too. */
  readonly isVerb?: boolean;
};

const NONE: KeyName = { expects: "none", kind: "" };

/** Longer names are cut at the front: what counts stands at the end. */
const NAME_CHARS_MAX = 96;

const HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "proxy authorization",
  "cookie",
  "set cookie",
]);

export const PASSWORDS: ReadonlySet<string> = new Set(
  "password passwd pwd pass passphrase passcode passwort pw userpassword dbpassword pgpassword mypassword mysqlpwd adminpassword rootpassword dbpass userpass secretpassword passwords pin otp totp mnemonic sshpass".split(
    " ",
  ),
);

export const SECRETS: ReadonlySet<string> = new Set(
  "secret secrets token tokens apikey apitoken apisecret accesstoken accesskey authtoken authkey bearer credential credentials cred creds jwt jws sid sessionid session sessid phpsessid jsessionid csrf csrftoken xsrf psk hmac dsn webhook signature sig privatekey secretkey clientsecret refreshtoken idtoken seckey sharedkey sharedaccesskey accountkey encryptionkey signingkey masterkey deploykey licensekey authorization auth pat otpauth secretaccesskey bottoken subscriptionkey appsecret appkey consumersecret consumerkey oauth nonce keypass storepass authenticator ticket sas".split(
    " ",
  ),
);

/** Words before `key` (or `id`) that make it a credential. */
export const BEFORE_KEY: ReadonlySet<string> = new Set(
  "api access secret private auth encryption signing sign master client shared service account storage subscription license licence app application consumer user admin server deploy deployment session security integration ingest ingestion write read webhook hmac aes crypto cookie jwt data root token host ssh sa sas primary secondary project personal ca rest restricted live test sandbox browser insert router global publishable merchant developer dev seed bot".split(
    " ",
  ),
);

/** As the last word they make the name one of something about a secret, not of the secret. */
export const ABOUT: ReadonlySet<string> = new Set(
  "count counts limit length len size max min type types name names kind expiry expires expiration ttl timeout policy field fields prefix suffix header url uri path file filename version index label column status state format env var variable description desc title message msg error hint help strength rules regex pattern input form reset manager provider store service class usage used total budget window bytes chars seconds ms at in on by enabled required rotation algorithm alg scope scopes issuer audience endpoint arn ref reference selector cost price rate".split(
    " ",
  ),
);

export const DIGESTS: ReadonlySet<string> = new Set(
  "sha sha1 sha256 sha512 md5 digest checksum integrity hash commit revision rev etag fingerprint thumbprint blob tree parent oid crc uuid guid shasum resolved build traceid spanid requestid traceparent correlationid color".split(
    " ",
  ),
);

const cache = new Map<string, KeyName>();
/** Names repeat; words of texts that only look like names do not, and are forgotten soon. */
const CACHED_MAX = 2_048;

/** @param name as written: any case, with `_`, `-`, `.`, blanks or capitals between its words */
export function readKeyName(name: string): KeyName {
  const short = name.slice(-NAME_CHARS_MAX);
  const cached = cache.get(short);
  if (cached !== undefined) return cached;
  const read = classify(short);
  const [oldest] = cache.size >= CACHED_MAX ? cache.keys() : [];
  if (oldest !== undefined) cache.delete(oldest);
  cache.set(short, read);
  return read;
}

export function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
}

/** Their last word says something about a name in all others: `secret_url` tells where a secret is. */
const SPELLED_OUT: readonly (readonly [end: string, KeyName])[] = [
  ["connectionstring", { expects: "url", kind: "connection_string" }],
  ["connectionstr", { expects: "url", kind: "connection_string" }],
  ["connstr", { expects: "url", kind: "connection_string" }],
  ["webhookurl", { expects: "url", kind: "webhook_url" }],
];

const spelledOut = (words: readonly string[]): KeyName | undefined => {
  const squeezed = words.slice(-3).join("");
  return SPELLED_OUT.find(([end]) => squeezed.endsWith(end))?.[1];
};

function classify(name: string): KeyName {
  const words = wordsOf(name);
  // token1, password_2, SECRET_KEY_OLD
  while (
    words.length > 1 &&
    spelledOut(words) === undefined &&
    /^(?:\d+|old|new|prod|production|dev|staging|current|previous|v\d+|value|raw|plain|plaintext|base64|b64|string|str|txt|data|base|default|override)$/.test(
      words.at(-1) ?? "",
    )
  )
    words.pop();
  const known = spelledOut(words);
  if (known !== undefined) return known;
  const last = (words.at(-1) ?? "").replace(/\d+$/, "");
  const joined = words.slice(-2).join(" ");
  const squeezed = words.slice(-3).join("");
  if (HEADERS.has(joined) || HEADERS.has(last)) return { expects: "header", kind: `${last}_header` };
  if (DIGESTS.has(last) || DIGESTS.has(words.at(-1) ?? "") || DIGESTS.has(words.slice(-2).join("")))
    return { expects: "digest", kind: "" };
  const vendor = words.find((word) => VENDORS.has(word)) ?? vendorIn(words);
  // linked_in ends with a word that says something about others.
  const isAbout = ABOUT.has(last) && !VENDORS.has(words.slice(-2).join(""));
  if (isAbout) return vendor !== undefined && last === "id" ? ofVendor(vendor) : NONE;
  if (PASSWORDS.has(last) || endsAs(squeezed, PASSWORD_ENDS))
    return { expects: "password", kind: "password", isVerb: last === "pass" && words.length < 3 };
  if (isSecretName(words, last, squeezed))
    return { expects: "secret", kind: vendor === undefined ? kindOf(last) : `${vendor}_credential` };
  return vendor === undefined ? NONE : ofVendor(vendor);
}

const ofVendor = (vendor: string): KeyName => ({ expects: "vendor", kind: `${vendor}_credential` });

/** Names of two words: linked_in, new-relic, message_bird. */
function vendorIn(words: readonly string[]): string | undefined {
  for (let at = 0; at + 1 < words.length; at += 1) {
    const pair = `${words[at] ?? ""}${words[at + 1] ?? ""}`;
    if (VENDORS.has(pair)) return pair;
  }
  // adafruitToken is two words, but adafruittoken, heroku2 or mydatadog are one.
  return words
    .flatMap((word) => /^(?:my|our)?([a-z]{4,})/.exec(word)?.[1] ?? [])
    .find((word) => VENDORS.has(word));
}

const PASSWORD_ENDS: readonly string[] = ["password", "passwd", "passphrase", "passcode", "pwd"];
const SECRET_ENDS: readonly string[] = [
  "secret",
  "token",
  "apikey",
  "secretkey",
  "accesskey",
  "privatekey",
  "authkey",
  "credential",
  "credentials",
  "sessionid",
  "clientid",
  "dsn",
];

const endsAs = (text: string, ends: readonly string[]): boolean => ends.some((end) => text.endsWith(end));

function isSecretName(words: readonly string[], last: string, squeezed: string): boolean {
  if (SECRETS.has(last) || endsAs(squeezed, SECRET_ENDS)) return true;
  const before = words.at(-2) ?? "";
  return (last === "key" || last === "keys") && (BEFORE_KEY.has(before) || VENDORS.has(before));
}

const kindOf = (last: string): string =>
  last.includes("token") || last === "jwt"
    ? "token"
    : last.startsWith("key") || last.endsWith("key")
      ? "key"
      : last.startsWith("sess") || last === "sid"
        ? "session"
        : "secret";
