// Secrets that their surroundings give away: key blocks, JSON web tokens, URLs with a password or a secret path,
// command lines, and formats of a few makers that no prefix marks.

import { BASE64, BASE64URL, DOTTED, endOfRun } from "./characters.ts";
import { isPlaceholder } from "./placeholders.ts";
import { isDrawn } from "./randomness.ts";
import type { Span } from "./span.ts";

/** Every pattern is anchored at a literal, its repetitions are bounded and of one class: no text makes it slow. */
type StructureRule = {
  readonly kind: string;
  /** Where it can begin, found by plain search. */
  readonly literal: string;
  /** Tried at `back` characters before the literal; the group `secret` is what must go, else the whole. */
  readonly pattern: RegExp;
  readonly back?: RegExp;
  readonly mustBeDrawn?: boolean;
};

const RULES: readonly StructureRule[] = [
  ...["AKIA", "ASIA", "ABIA", "ACCA", "A3T"].map((literal) => ({
    kind: "aws_access_key_id",
    literal,
    pattern: /(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])/dy,
  })),
  {
    kind: "1password_secret_key",
    literal: "A3-",
    pattern: /A3-[A-Z0-9]{6}-[A-Z0-9]{6}-?[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3,4}/dy,
  },
  { kind: "airtable_pat", literal: "pat", pattern: /pat[A-Za-z0-9]{14}\.[0-9a-f]{40,}/dy },
  { kind: "bcrypt_hash", literal: "$2", pattern: /\$2[abxy]?\$\d\d\$[\w./]{50,}/dy },
  {
    kind: "url_password",
    literal: "://",
    pattern: /:\/\/[^\s"'`<>/?#@:]{0,128}:(?<secret>[^\s"'`<>/]{1,512})@(?=[\w.[%-])/dy,
  },
  {
    kind: "url_token",
    literal: "://",
    pattern: /:\/\/(?<secret>[\w.~%+=-]{8,512})@(?=[\w.[-])/dy,
    mustBeDrawn: true,
  },
  {
    kind: "webhook_url",
    literal: "hooks.slack.com/",
    pattern: /hooks\.slack\.com\/(?:services|workflows|triggers)\/(?<secret>[\w/+-]{16,})/dy,
  },
  { kind: "webhook_url", literal: "/api/webhooks/", pattern: /\/api\/webhooks\/(?<secret>[\w/.-]{20,})/dy },
  {
    kind: "webhook_url",
    literal: ".webhook.office.com/",
    pattern: /\.webhook\.office\.com\/(?<secret>[\w@/.-]{30,})/dy,
  },
  {
    kind: "webhook_url",
    literal: "outlook.office.com/webhook/",
    pattern: /outlook\.office\.com\/webhook\/(?<secret>[\w@/.-]{30,})/dy,
  },
  {
    kind: "webhook_url",
    literal: "hooks.zapier.com/hooks/",
    pattern: /hooks\.zapier\.com\/hooks\/(?:catch|standard)\/(?<secret>[\w/.-]{8,})/dy,
  },
  {
    kind: "webhook_url",
    literal: "maker.ifttt.com/",
    pattern: /maker\.ifttt\.com\/[\w/-]{0,80}key\/(?<secret>[\w-]{10,})/dy,
  },
  {
    kind: "webhook_url",
    literal: "chat.googleapis.com/",
    pattern: /chat\.googleapis\.com\/v1\/spaces\/[\w-]{1,40}\/messages\?(?<secret>[\w=&%.-]{20,})/dy,
  },
  {
    kind: "webhook_url",
    literal: "events.pagerduty.com/integration/",
    pattern: /events\.pagerduty\.com\/integration\/(?<secret>\w{20,})/dy,
  },
  {
    kind: "webhook_url",
    literal: "discordapp.com/api/",
    pattern: /discordapp\.com\/api\/webhooks\/(?<secret>[\w/.-]{20,})/dy,
  },
  {
    kind: "webhook_url",
    literal: "hook.",
    pattern: /hook\.(?:eu\d|us\d|integromat|make)[\w.]{0,20}\.com\/(?<secret>\w{16,})/dy,
  },
  { kind: "webhook_url", literal: "webhook.site/", pattern: /webhook\.site\/(?<secret>[\w-]{30,})/dy },
  {
    kind: "webhook_url",
    literal: "logic.azure.com",
    pattern: /logic\.azure\.com(?::443)?\/[^\s"'`<>]{10,400}?sig=(?<secret>[\w%-]{20,})/dy,
  },
  { kind: "telegram_token", literal: ":A", back: /\d{6,16}$/, pattern: /:A[\w-]{32,40}/dy },
  { kind: "mailchimp_key", literal: "-us", back: /[0-9a-f]{32}$/, pattern: /-us\d{1,2}\b/dy },
  {
    kind: "terraform_token",
    literal: ".atlasv1.",
    back: /[A-Za-z0-9]{14}$/,
    pattern: /\.atlasv1\.[\w=-]{40,}/dy,
  },
  { kind: "azure_client_secret", literal: "Q~", back: /[\w.~]{3}\d$/, pattern: /Q~[\w~.-]{28,}/dy },
  { kind: "maxmind_key", literal: "_mmk", back: /[A-Za-z0-9]{6}_[A-Za-z0-9]{29}$/, pattern: /_mmk/dy },
  { kind: "facebook_token", literal: "|", back: /\d{13,17}$/, pattern: /\|[\w-]{26,48}/dy },
  { kind: "facebook_token", literal: "%7C", back: /\d{13,17}$/, pattern: /%7C[\w-]{26,48}/dy },
  { kind: "firebase_key", literal: ":APA91b", back: /[\w-]{6,40}$/, pattern: /:APA91b[\w-]{100,}/dy },
  {
    kind: "authress_key",
    literal: ".acc",
    back: /(?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\.[a-z0-9]{4,6}$/i,
    pattern: /\.acc[_-][a-z0-9-]{10,32}\.[\w+/=-]{30,}/diy,
  },
  { kind: "shadow_hash", literal: "$6$", pattern: /\$6\$(?:rounds=\d{1,9}\$)?[\w./]{1,16}\$[\w./]{60,}/dy },
  { kind: "shadow_hash", literal: "$5$", pattern: /\$5\$(?:rounds=\d{1,9}\$)?[\w./]{1,16}\$[\w./]{40,}/dy },
  { kind: "shadow_hash", literal: "$1$", pattern: /\$1\$[\w./]{1,8}\$[\w./]{22}/dy },
  { kind: "shadow_hash", literal: "$apr1$", pattern: /\$apr1\$[\w./]{1,8}\$[\w./]{22}/dy },
  { kind: "shadow_hash", literal: "$y$", pattern: /\$y\$[\w./]{1,20}\$[\w./]{1,40}\$[\w./]{40,}/dy },
  { kind: "argon2_hash", literal: "$argon2", pattern: /\$argon2(?:id|i|d)\$[\w=,$+/.-]{30,}/dy },
  { kind: "scrypt_hash", literal: "$scrypt$", pattern: /\$scrypt\$[\w=,$+/.-]{30,}/dy },
  {
    kind: "pbkdf2_hash",
    literal: "pbkdf2_sha",
    pattern: /pbkdf2_sha\d{1,3}\$\d{1,9}\$[\w./+=-]{1,64}\$[\w./+=-]{20,}/dy,
  },
  ...["$8$", "$9$"].map((literal) => ({
    kind: "cisco_hash",
    literal,
    pattern: /\$[89]\$[\w./]{14}\$[\w./]{43}/dy,
  })),
  {
    kind: "kerberos_hash",
    literal: "$krb5",
    pattern: /\$krb5(?:tgs|asrep|pa)\$\d{1,2}\$[^\s"'`]{0,256}[0-9A-Fa-f$*]{32,16384}/dy,
  },
  { kind: "ldap_hash", literal: "SHA}", back: /\{S?$/, pattern: /SHA\}[\w+/=]{20,}/dy },
  {
    kind: "netrc_password",
    literal: "machine ",
    pattern:
      /machine\s{1,8}\S{1,128}\s{1,16}login\s{1,8}\S{1,128}\s{1,16}password\s{1,8}(?<secret>\S{1,256})/dy,
  },
  {
    kind: "sql_password",
    literal: "IDENTIFIED BY ",
    pattern: /IDENTIFIED BY (?:PASSWORD )?["'](?<secret>[^"'\r\n]{1,256})/dy,
  },
  {
    kind: "sql_password",
    literal: "identified by ",
    pattern: /identified by (?:password )?["'](?<secret>[^"'\r\n]{1,256})/dy,
  },
  {
    kind: "curl_password",
    literal: "curl ",
    pattern:
      /curl [^\r\n]{0,400}?(?:-u|--user|--proxy-user)[ =]{0,2}["']?[^\s:"']{0,128}:(?<secret>[^\s"']{2,256})/dy,
  },
  {
    kind: "command_password",
    literal: "sshpass ",
    pattern: /sshpass\s{1,4}-p\s{0,4}["']?(?<secret>[^\s"']{2,256})/dy,
  },
  {
    kind: "command_password",
    literal: "mysql",
    pattern: /mysql(?:dump|admin)? [^\r\n|;&]{0,200}?-p(?<secret>[^\s"'=-][^\s"']{2,128})/dy,
  },
  {
    kind: "command_password",
    literal: "redis-cli ",
    pattern: /redis-cli [^\r\n|;&]{0,200}?-a\s{1,4}["']?(?<secret>[^\s"']{2,256})/dy,
  },
  {
    kind: "command_password",
    literal: "docker login ",
    pattern: /docker login [^\r\n|;&]{0,200}?-p[= ]["']?(?<secret>[^\s"']{2,256})/dy,
  },
  ...["psexec", "PsExec", "psExec", "PSEXEC"].map((literal) => ({
    kind: "command_password",
    literal,
    pattern: /psexec[^\r\n|;&]{0,200}?\s-p\s{1,4}["']?(?<secret>[^\s"'%$][^\s"']{1,256})/diy,
  })),
  {
    kind: "command_password",
    literal: "net use ",
    pattern: /net use [^\r\n|;&]{0,200}?\/user:\S{1,128}\s{1,4}(?<secret>[^\s"'/*][^\s"']{1,256})/dy,
  },
  {
    kind: "vault_unseal_key",
    literal: "vault operator unseal ",
    pattern: /vault operator unseal (?<secret>[\w+/=-]{40,120})/dy,
  },
  {
    kind: "vault_unseal_key",
    literal: "Unseal Key ",
    pattern: /Unseal Key \d{1,3}:\s{1,4}(?<secret>[\w+/=-]{40,120})/dy,
  },
  {
    kind: "code_password",
    literal: "NetworkCredential(",
    pattern: /NetworkCredential\(\s{0,4}"[^"\r\n]{0,256}",\s{0,4}"(?<secret>[^"\r\n]{1,256})/dy,
  },
  {
    kind: "code_password",
    literal: "DirectoryEntry(",
    pattern:
      /DirectoryEntry\(\s{0,16}"[^"\r\n]{0,256}",\s{0,64}"[^"\r\n]{0,256}",\s{0,64}"(?<secret>[^"\r\n]{1,256})/dy,
  },
  {
    kind: "command_password",
    literal: "openssl ",
    pattern: /openssl [^\r\n]{0,200}?pass:(?<secret>[^\s"']{2,256})/dy,
  },
  {
    kind: "pgpass_password",
    literal: ":5432:",
    pattern: /:5432:[\w*-]{1,64}:[\w*-]{1,64}:(?<secret>[^\s"']{3,256})/dy,
  },
  {
    kind: "putty_private_key",
    literal: "Private-Lines:",
    pattern: /Private-Lines:\s{0,4}\d{1,4}\s{1,4}(?<secret>[\w+/=\s]{40,20000})/dy,
  },
  { kind: "encoded_private_key", literal: "LS0tLS1CRUdJTi", pattern: /LS0tLS1CRUdJTi[\w+/=-]{40,}/dy },
  { kind: "steam_token", literal: "steamLogin", pattern: /steamLogin(?:Secure)?=(?<secret>[\w%|.-]{16,})/dy },
];

/** How far before a literal its rule can begin. */
const BACK_CHARS_MAX = 96;

export function findStructures(text: string): Span[] {
  const spans: Span[] = [...findKeyBlocks(text), ...findWebTokens(text)];
  for (const rule of RULES) applyRule(text, rule, spans);
  return spans;
}

function applyRule(text: string, rule: StructureRule, spans: Span[]): void {
  for (let at = text.indexOf(rule.literal); at !== -1;) {
    const span = matchAt(text, at, rule);
    if (span !== null) spans.push(span);
    at = text.indexOf(rule.literal, Math.max(at + rule.literal.length, span?.end ?? 0));
  }
}

function matchAt(text: string, at: number, rule: StructureRule): Span | null {
  const back = rule.back?.exec(text.slice(Math.max(0, at - BACK_CHARS_MAX), at));
  if (rule.back !== undefined && (back === null || back === undefined)) return null;
  rule.pattern.lastIndex = at;
  const match = rule.pattern.exec(text);
  if (match === null) return null;
  const group = match.indices?.groups?.["secret"];
  if (group === undefined)
    return { start: at - (back?.[0].length ?? 0), end: rule.pattern.lastIndex, kind: rule.kind };
  const [start, end] = group;
  const secret = text.slice(start, Math.min(end, start + 256));
  if (rule.mustBeDrawn === true ? !isDrawn(secret) : isPlaceholder(secret)) return null;
  return { start, end, kind: rule.kind };
}

/** Header, dot, payload: both JSON, so both begin with `eyJ`; but an encrypted token's second part is a key. */
function findWebTokens(text: string): Span[] {
  const spans: Span[] = [];
  // Some libraries put a blank into the header's JSON, and its base64 begins otherwise.
  for (let at = text.indexOf("ey"); at !== -1; at = text.indexOf("ey", at)) {
    const header = endOfRun(text, at, BASE64URL, text.length);
    const isToken = text.startsWith("eyJ", at) || text.startsWith(".ey", header);
    if (!isToken || header - at < 12 || text.charAt(header) !== ".") {
      at = Math.max(header, at + 2);
      continue;
    }
    const end = endOfRun(text, at, BASE64 | DOTTED, text.length);
    const last = text.charAt(end - 1) === "." && text.charAt(end - 2) !== "." ? end - 1 : end;
    if (last - header > 12) spans.push({ start: at, end: Math.max(last, header + 1), kind: "jwt" });
    at = end;
  }
  return spans;
}

const BEGIN = "-----BEGIN ";
const BEGIN_LINE = /-----BEGIN [A-Z0-9 _-]{0,80}(?:PRIVATE KEY(?: BLOCK)?|OpenVPN Static key V1)-----/dy;
const END = "-----END";
/** A key of 16,384 bits in PEM has 12,700 characters; escaped twice, 13,500. */
const KEY_BLOCK_CHARS_MAX = 32_768;

function findKeyBlocks(text: string): Span[] {
  const spans: Span[] = [];
  for (let at = text.indexOf(BEGIN); at !== -1; at = text.indexOf(BEGIN, at + BEGIN.length)) {
    BEGIN_LINE.lastIndex = at;
    if (!BEGIN_LINE.test(text)) continue;
    const body = BEGIN_LINE.lastIndex;
    const parts = keyBlockParts(text, at, body);
    const end = parts.at(-1)?.end ?? body;
    if (end - body >= 40) spans.push(...parts);
    at = Math.max(at, end - BEGIN.length);
  }
  return spans;
}

/** Between the lines of a key, in files, in JSON, and in programs that put it together. */
const BETWEEN_LINES = /[\s\\"'`,:+()>|#*&;.]/;
/** What a key cannot be taken out across without taking a string's end along. */
const STRING_END = /["'`]/;
/** A line of a key behind the end of a string is at least this long; what is shorter is the text around. */
const KEY_LINE_CHARS_MIN = 32;

/**
 * Up to its END line; where that is missing (a record that was cut), as far as it can be a key's. One span for each
 * string that the key is put together from.
 */
function keyBlockParts(text: string, start: number, body: number): Span[] {
  const parts: Span[] = [];
  const stop = Math.min(text.length, body + KEY_BLOCK_CHARS_MAX);
  let partStart = start;
  let keyEnd = body;
  let isNewString = false;
  for (let at = body; at < stop;) {
    const run = endOfRun(text, at, BASE64, stop - at);
    // `"…" + "…"`: what joins strings is a character of base64 as well.
    if (isNewString && run - at === 1 && text.charAt(at) === "+") {
      at = run;
      continue;
    }
    const dashes = text.slice(at, run).indexOf(END);
    const isKey = dashes !== -1 || !isNewString || run - at >= KEY_LINE_CHARS_MIN || isBeforeEnd(text, run);
    if (run > at && !isKey) break;
    if (run > at && isNewString) {
      parts.push({ start: partStart, end: keyEnd, kind: "private_key" });
      [partStart, isNewString] = [at, false];
    }
    if (dashes !== -1) {
      keyEnd = endOfLineMark(text, at + dashes);
      break;
    }
    if (run > at) keyEnd = run;
    const next = text.charAt(run);
    if (run >= stop || !BETWEEN_LINES.test(next)) break;
    if (STRING_END.test(next)) isNewString = true;
    // `\n` and its like: the letter is no part of the key.
    at = next === "\\" && /[nrt]/.test(text.charAt(run + 1)) ? run + 2 : run + 1;
  }
  parts.push({ start: partStart, end: keyEnd, kind: "private_key" });
  return parts;
}

/** A key's last line can be shorter than any other. */
const BEFORE_END = /(?:\\[nrt]|[\s\\"'`,:+()>|#*&;.]){1,40}-----END/y;

function isBeforeEnd(text: string, at: number): boolean {
  BEFORE_END.lastIndex = at;
  return BEFORE_END.test(text);
}

function endOfLineMark(text: string, dashes: number): number {
  const close = text.indexOf("-----", dashes + END.length);
  return close === -1 || close - dashes > 120 ? dashes + END.length : close + 5;
}
