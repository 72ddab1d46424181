// What stands where a secret would stand, and is none: a reference to it, or a word that says "put it here". Masking
// these takes meaning out of documentation and code, and hides nothing.

import { shapeOf } from "./randomness.ts";

const REFERENCES: readonly RegExp[] = [
  // ${TOKEN}, $TOKEN, $(cat token), {{ token }}, %TOKEN%, %s, <token>, @token@, #{token}
  /^(?:\$[{(A-Za-z_]|\{\{|#\{|<[^<>]{1,80}>?$|%[A-Za-z_]{1,60}%?$|@[A-Za-z_.]{1,60}@$|\{[A-Za-z_.]{1,60}\}$)/,
  // process.env.TOKEN, os.environ["TOKEN"], ENV['TOKEN'], secrets.TOKEN, var.token
  /^(?:process\.env|import\.meta|os\.environ|os\.getenv|getenv|ENV\[|System\.getenv|secrets\.|vars?\.|local\.|data\.|config\.|env\()/,
  // vault:secret/data/x#token, file:///run/secrets/x, arn:aws:…, op://vault/item, /run/secrets/token
  /^(?:vault:|file:|arn:|op:\/\/|\/(?:run|etc|var|home|secrets|path|tmp|usr|opt|mnt)\/|\.{1,2}\/|~\/)/,
];

const WORDS =
  /(?:example|placeholder|changeme|change[_-]me|replace|dummy|sample|redacted|your[_-]|[_-]here\b|insert|todo|fixme|lorem|foobar|not[_-]?a[_-]?(?:real|secret)|fake|undefined|censored|hidden|masked|removed|secret[_-]?(?:name|key)[_-]?here)/i;

/** Words that are values of such fields in programs and schemas, and nobody's secret. */
const VALUES: ReadonlySet<string> = new Set(
  "function symbol bigint await async return const true false null none nil undefined yes no on off string number boolean bool int integer object array any unknown void str bytes text uuid required optional password passwd secret token apikey api_key bearer basic digest oauth oauth2 jwt cookie header query session default enabled disabled empty test user admin root value key name id auto always never unset missing invalid expired valid revoked wrong incorrect reset changed wildcard public private same-origin include omit hash sha256 sha1 md5 hmac rsa ed25519 aes vault env file keychain changeme".split(
    " ",
  ),
);

/** `xxxxxxxx`, `********`, `......`, `12345…`-like fillers: few different characters, or a run of the alphabet. */
function isFiller(value: string): boolean {
  const core = value.replaceAll(/[^A-Za-z0-9*•]/g, "").toLowerCase();
  if (core.length === 0) return true;
  if (/[*•]{3}/.test(value) || /(?:x{5}|\.{3}|…)/i.test(value)) return true;
  return value.length >= 6 && new Set(core).size <= 2;
}

export function isReference(value: string): boolean {
  return REFERENCES.some((pattern) => pattern.test(value));
}

export function isPlaceholder(value: string): boolean {
  if (VALUES.has(value.toLowerCase()) || isFiller(value) || isReference(value)) return true;
  const word = WORDS.exec(value);
  // In a long drawn value such a word stands by chance or as bait, and excuses nothing.
  return word !== null && (value.length < 40 || shapeOf(value).oddShare < 0.5);
}
