// Each form by itself: what of a text it takes, exactly, and what is one character short of it. What must go stands
// between « and ».

import { expect, test } from "vitest";
import { findStructures } from "./structures.ts";

/** So many characters of a drawn text, of these letters. */
const of = (chars: number, letters = "a8Kd02LmPq7RtZ3xWv5B"): string =>
  letters.repeat(Math.ceil(chars / letters.length)).slice(0, chars);
const hex = (chars: number): string => of(chars, "0a1b2c3d4e5f6789");
const upper = (chars: number): string => of(chars, "A7BQ2ZX9KD");
const digits = (chars: number): string => of(chars, "1839205746");

function found(marked: string): void {
  const text = marked.replaceAll(/[«»]/g, "");
  const wanted: [number, number][] = [];
  let taken = 0;
  for (const part of marked.matchAll(/«([^»]*)»/g)) {
    const start = part.index - taken;
    wanted.push([start, start + (part[1]?.length ?? 0)]);
    taken += 2;
  }
  expect(findStructures(text).map(({ start, end }) => [start, end])).toEqual(wanted);
}

test.each<[kind: string, marked: string, less: string]>([
  ["aws_access_key_id", `x «AKIA${upper(16)}» y`, `x AKIA${upper(15)} y`],
  ["aws_access_key_id", `x «ASIA${upper(16)}»,`, `x ASIA${upper(17)} y`],
  ["aws_access_key_id", `«ABIA${upper(16)}»`, `ABIA${upper(16)}x`],
  ["aws_access_key_id", `«ACCA${upper(16)}»`, `ACCA${of(16)}`],
  ["aws_access_key_id", `«A3TX${upper(16)}»`, `A3Tx${upper(16)}`],
  [
    "1password_secret_key",
    `«A3-${upper(6)}-${upper(6)}-${upper(5)}-${upper(5)}-${upper(5)}-${upper(5)}»`,
    `A3-${upper(6)}-${upper(6)}-${upper(5)}-${upper(5)}-${upper(5)}`,
  ],
  [
    "1password_secret_key",
    `«A3-${upper(6)}-${upper(6)}${upper(5)}-${upper(5)}-${upper(5)}-${upper(5)}»`,
    `A3-${upper(5)}-${upper(6)}-${upper(5)}-${upper(5)}-${upper(5)}-${upper(5)}`,
  ],
  ["airtable_pat", `«pat${of(14)}.${hex(40)}»`, `pat${of(14)}.${hex(39)}`],
  ["bcrypt_hash", `«$2b$12$${of(50)}»`, `$2b$12$${of(49)}`],
  ["bcrypt_hash", `«$2$12$${of(53)}»`, `$2c$12$${of(53)}`],
  ["url_password", "amqp://u:«p4ssw0rd»@h/v", "amqp://u:p4ssw0rd h/v"],
  ["url_password", "redis://:«p4ss/w0rd»@[::1]:6379".replace("/w", "w"), "redis://u/p:p4ss@h"],
  ["url_token", `https://«${of(24)}»@github.com/a/b`, `https://username@github.com/a/b`],
  [
    "webhook_url",
    `https://hooks.slack.com/services/«${of(16)}»`,
    `https://hooks.slack.com/services/${of(15)}`,
  ],
  ["webhook_url", `https://hooks.slack.com/workflows/«${of(16)}»`, `https://hooks.slack.com/other/${of(16)}`],
  ["webhook_url", `https://hooks.slack.com/triggers/«${of(16)}»`, `https://hooks.slack.com/${of(16)}`],
  [
    "webhook_url",
    `https://discord.com/api/webhooks/«${of(20)}»`,
    `https://discord.com/api/webhooks/${of(19)}`,
  ],
  ["webhook_url", `https://a.webhook.office.com/«${of(30)}»`, `https://a.webhook.office.com/${of(29)}`],
  [
    "webhook_url",
    `https://outlook.office.com/webhook/«${of(30)}»`,
    `https://outlook.office.com/webhook/${of(29)}`,
  ],
  [
    "webhook_url",
    `https://hooks.zapier.com/hooks/catch/«${of(8)}»`,
    `https://hooks.zapier.com/hooks/catch/${of(7)}`,
  ],
  [
    "webhook_url",
    `https://hooks.zapier.com/hooks/standard/«${of(8)}»`,
    `https://hooks.zapier.com/hooks/other/${of(8)}`,
  ],
  [
    "webhook_url",
    `https://maker.ifttt.com/trigger/x/with/key/«${of(10)}»`,
    `https://maker.ifttt.com/trigger/x/with/key/${of(9)}`,
  ],
  [
    "webhook_url",
    `https://chat.googleapis.com/v1/spaces/A1/messages?«key=${of(16)}»`,
    `https://chat.googleapis.com/v1/spaces/A1/messages?key=${of(15)}`,
  ],
  [
    "webhook_url",
    `https://events.pagerduty.com/integration/«${of(20)}»/enqueue`,
    `https://events.pagerduty.com/integration/${of(19)}/enqueue`,
  ],
  ["webhook_url", `https://hook.eu1.make.com/«${of(16)}»`, `https://hook.eu1.make.com/${of(15)}`],
  ["webhook_url", `https://hook.us2.make.com/«${of(16)}»`, `https://hook.asia.make.com/${of(16)}`],
  ["webhook_url", `https://hook.integromat.com/«${of(16)}»`, `https://hook.other.com/${of(16)}`],
  ["webhook_url", `https://webhook.site/«${of(30)}»`, `https://webhook.site/${of(29)}`],
  [
    "webhook_url",
    `https://a.logic.azure.com:443/workflows/x?sp=1&sig=«${of(20)}»`,
    `https://a.logic.azure.com:443/workflows/x?sp=1&sig=${of(19)}`,
  ],
  ["telegram_token", `x «123456:A${of(32)}» y`, `x 12345:A${of(32)} y`],
  ["telegram_token", `x «${digits(16)}:A${of(40)}» y`, `x 123456:A${of(31)} y`],
  ["mailchimp_key", `«${hex(32)}-us12»`, `${hex(31)}-us12`],
  ["mailchimp_key", `«${hex(32)}-us1»`, `${hex(32)}-us123`],
  ["terraform_token", `«${of(14)}.atlasv1.${of(40)}»`, `${of(14)}.atlasv1.${of(39)}`],
  ["terraform_token", `«${of(14)}.atlasv1.${of(60)}»`, `-${of(13)}.atlasv1.${of(40)}`],
  ["azure_client_secret", `«abc8Q~${of(28)}»`, `abc8Q~${of(27)}`],
  ["azure_client_secret", `«a.~1Q~${of(31)}»`, `abcdQ~${of(31)}`],
  ["maxmind_key", `«${of(6)}_${of(29)}_mmk»`, `${of(6)}_${of(28)}_mmk`],
  ["facebook_token", `«${digits(13)}|${of(26)}»`, `${digits(12)}|${of(26)}`],
  ["facebook_token", `«${digits(17)}%7C${of(26)}»`, `${digits(13)}%7C${of(25)}`],
  ["firebase_key", `«${of(6)}:APA91b${of(100)}»`, `${of(6)}:APA91b${of(99)}`],
  ["authress_key", `«sc_abcde.a1b2.acc-${hex(10)}.${of(30)}»`, `sc_abcde.a1b2.acc-${hex(10)}.${of(29)}`],
  [
    "authress_key",
    `«ext_abcde.a1b2c3.ACC_${hex(10)}.${of(30)}»`.replace("ACC", "acc"),
    `xx_abcde.a1b2.acc-${hex(10)}.${of(30)}`,
  ],
  ["shadow_hash", `root:«$6$salt$${of(60)}»:1`, `root:$6$salt$${of(59)}:1`],
  ["shadow_hash", `«$6$rounds=5000$salt$${of(86)}»`, `$6$rounds=$salt$${of(86)}`],
  ["shadow_hash", `«$5$salt$${of(40)}»`, `$5$salt$${of(39)}`],
  ["shadow_hash", `«$1$salt$${of(22)}»`, `$1$salt$${of(21)}`],
  ["shadow_hash", `«$apr1$salt$${of(22)}»`, `$apr1$saltsalt1$${of(22)}`],
  ["shadow_hash", `«$y$j9T$salt$${of(40)}»`, `$y$j9T$salt$${of(39)}`],
  ["argon2_hash", `«$argon2id$v=19$m=65536,t=3,p=4$${of(20)}»`, `$argon2x$v=19$m=65536,t=3,p=4$${of(20)}`],
  ["argon2_hash", `«$argon2i$${of(30)}»`, `$argon2i$${of(29)}`],
  ["argon2_hash", `«$argon2d$${of(30)}»`, `$argon2$${of(30)}`],
  ["scrypt_hash", `«$scrypt$${of(30)}»`, `$scrypt$${of(29)}`],
  ["pbkdf2_hash", `«pbkdf2_sha256$600000$salt$${of(20)}»`, `pbkdf2_sha256$600000$salt$${of(19)}`],
  ["cisco_hash", `secret 8 «$8$${of(14)}$${of(43)}»`, `secret 8 $8$${of(13)}$${of(43)}`],
  ["cisco_hash", `secret 9 «$9$${of(14)}$${of(43)}»`, `secret 9 $9$${of(14)}$${of(42)}`],
  ["kerberos_hash", `«$krb5asrep$23$u@R:${hex(32)}»`, `$krb5asrep$23$u@R:${hex(31)}`.replace("R:", "R ")],
  ["kerberos_hash", `«$krb5pa$18$u$R$${hex(32)}»`, `$krb5xx$18$u$R$${hex(32)}`],
  ["ldap_hash", `userPassword: «{SSHA}${of(20)}»`, `userPassword: {SSHA}${of(19)}`],
  ["ldap_hash", `«{SHA}${of(28)}»`, `{MD5}${of(28)}`],
  ["netrc_password", "machine h login u password «hunter2x»", "machine h login u account hunter2x"],
  ["sql_password", "IDENTIFIED BY '«p w»'", "IDENTIFIED BY p"],
  ["sql_password", 'IDENTIFIED BY PASSWORD "«p;w»"', "IDENTIFIED WITH 'p w'"],
  ["sql_password", "identified by '«p w»'", "identified as 'p w'"],
  ["sql_password", "identified by password '«p w»'", "identified by password p"],
  ["curl_password", "curl -s -u admin:«s3cr3t!» https://x", "curl -s -u admin https://x"],
  ["curl_password", "curl --user 'admin:«s3cr3t!»' https://x", "curl --user admin:s https://x"],
  ["curl_password", "curl --proxy-user=a:«s3cr3t!» https://x", "curl --other a:s3cr3t! https"],
  ["command_password", "sshpass -p '«s3cr3t!»' ssh x", "sshpass -e ssh x"],
  ["command_password", "mysql -u root -p«s3cr3t!» db", "mysql -u root -p db"],
  ["command_password", "mysqldump -p«s3cr3t!»", "mysqlcheck -ps3cr3t!"],
  ["command_password", "mysqladmin -u x -p«s3cr3t!» ping", "mysqladmin -u x | y -ps3cr3t!"],
  ["command_password", "redis-cli -h x -a «s3cr3t!» ping", "redis-cli -h x ping"],
  ["command_password", "docker login -u x -p «s3cr3t!» r.io", "docker login -u x r.io"],
  ["command_password", "PsExec \\\\h -u a -p «braksha9» cmd", "PsExec \\\\h -u a -p %PW% cmd"],
  ["command_password", "psexec -p «braksha9»", "psexec -p $PW"],
  ["command_password", "PSEXEC x -p «braksha9»", "PSEXEC | x -p braksha9"],
  ["command_password", "net use z: \\\\s\\x /user:bob «Zx81kQ»", "net use z: \\\\s\\x /user:bob *"],
  ["vault_unseal_key", `vault operator unseal «${of(40)}»`, `vault operator unseal ${of(39)}`],
  ["vault_unseal_key", `Unseal Key 1: «${of(44)}»`, `Unseal Key 1: ${of(39)}`],
  ["code_password", 'new NetworkCredential("a", "«vzihlaqu»")', 'new NetworkCredential("a", b)'],
  [
    "code_password",
    'new DirectoryEntry("LDAP://X", "A", "«Rrhh1234»")',
    'new DirectoryEntry("LDAP://X", "A")',
  ],
  ["command_password", "openssl rsa -passin pass:«s3cr3t!» -in k", "openssl rsa -passin env:X -in k"],
  ["pgpass_password", "h:5432:db:user:«s3cr3t!»", "h:5432:db:user:s3"],
  ["putty_private_key", `Private-Lines: 8\n«${of(40)}\n${of(30)}»`, `Private-Lines: 8\n${of(38)}`],
  ["encoded_private_key", `key: «LS0tLS1CRUdJTi${of(40)}»`, `key: LS0tLS1CRUdJTi${of(39)}`],
  ["steam_token", `Cookie2 steamLoginSecure=«${of(16)}»`, `Cookie2 steamLoginSecure=${of(15)}`],
  ["steam_token", `steamLogin=«${of(16)}»;`, `steamLogin: ${of(16)};`],
])("%s: %s", (kind, marked, less) => {
  found(marked);
  expect(findStructures(marked.replaceAll(/[«»]/g, "")).map((span) => span.kind)).toEqual([kind]);
  expect(findStructures(less).map((span) => span.kind)).toEqual([]);
});

test("what stands in a password's place is none", () => {
  for (const text of [
    "amqp://u:${PASSWORD}@h",
    "amqp://u:<password>@h",
    "sshpass -p $PASS ssh",
    "curl -u a:changeme x",
  ])
    expect(findStructures(text)).toEqual([]);
});

test("a form is found each time it comes, and one that fails does not hide the next", () => {
  found(`«AKIA${upper(16)}» AKIA «AKIA${upper(16)}»`);
  found("a://u:«p4ss»@h b://u:«w0rd»@h");
});

const HEADER = "eyJhbGciOiJIUzI1NiJ9";
const PAYLOAD = "eyJzdWIiOiIxIn0";

test.each([
  ["three parts", `a «${HEADER}.${PAYLOAD}.c2lnbmF0dXJl» b`],
  ["without a signature", `a «${HEADER}.${PAYLOAD}». b`],
  ["at the end of a sentence", `It is «${HEADER}.${PAYLOAD}.c2ln». Yes`],
  ["with a blank in its header", `«eyAiYWxnIjoiSFMyNTYifQ.${PAYLOAD}.c2ln»`],
  ["encrypted, in five parts", `«${HEADER}.${of(16)}.${of(16)}.${of(16)}.${of(16)}»`],
  ["two of them", `«${HEADER}.${PAYLOAD}.c2ln» and «${HEADER}.${PAYLOAD}.c2ln»`],
  ["a header alone", HEADER],
  ["a header too short", `eyJhbGciOiJ.${PAYLOAD}`.replace(PAYLOAD, of(16))],
  ["with too little behind its header", `${HEADER}.abcdefghij`],
  ["words that begin so", "they.eyelid.keyboard eyebrow"],
])("a web token %s", (_, marked) => {
  found(marked);
});

const LINE = of(64);
const BEGIN = "-----BEGIN RSA PRIVATE KEY-----";
const END = "-----END RSA PRIVATE KEY-----";

test.each([
  ["in lines", `a\n«${BEGIN}\n${LINE}\n${LINE}\n${END}»\nb`],
  ["of a kind without a name", `«-----BEGIN PRIVATE KEY-----\n${LINE}\n-----END PRIVATE KEY-----»`],
  ["of OpenPGP", `«-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n${LINE}\n-----END PGP PRIVATE KEY BLOCK-----»`],
  [
    "of OpenVPN",
    `«-----BEGIN OpenVPN Static key V1-----\n${hex(32)}\n${hex(32)}\n-----END OpenVPN Static key V1-----»`,
  ],
  ["with escaped lines", `{"k":"«${BEGIN}\\n${LINE}\\n${LINE}\\n${END}»\\n"}`],
  ["that was cut", `«${BEGIN}\n${LINE}\n${LINE}»`],
  ["that was cut in its END", `«${BEGIN}\n${LINE}\n-----END» RSA`],
  ["put together from strings", `"«${BEGIN}»\\n" + "«${LINE}»\\n" + "«${LINE}\\n${END}»"`],
  [
    "put together from strings, the last of them short",
    `'«${BEGIN}»\\n' . '«${LINE}»\\n' . '«${of(20)}»\\n' . '«${END}»\\n'`,
  ],
  ["put together without blanks", `"«${BEGIN}»\\n"+"«${LINE}»\\n"+"«${of(8)}»\\n"+"«${END}»"`],
  [
    "with text behind its string that is followed by nothing of a key",
    `"«${BEGIN}\\n${LINE}»" + "${of(20)}"`,
  ],
  ["with text behind its string", `"«${BEGIN}\\n${LINE}»", "next", 5`],
  ["too short to be one", `${BEGIN}\n${of(38)}`],
  ["that is public", `-----BEGIN PUBLIC KEY-----\n${LINE}\n-----END PUBLIC KEY-----`],
  ["two of them", `«${BEGIN}\n${LINE}\n${END}»\n«${BEGIN}\n${LINE}\n${END}»`],
])("a key %s", (_, marked) => {
  found(marked);
});

test.each([" +\n  ", "+", ",\n", " .\n", " &\n"])(
  "a whole key that a program joins with %j is gone",
  (joint) => {
    const lines = [BEGIN, ...Array.from({ length: 25 }, (_, at) => of(64 + at).slice(at)), of(20), END];
    for (const quote of ['"', "'", "`"]) {
      const text = lines.map((line) => `${quote}${line}\\n${quote}`).join(joint);
      const spans = findStructures(text);
      const left = lines.filter((line) => {
        const at = text.indexOf(line);
        return !spans.some(({ start, end }) => start <= at && at + line.length <= end);
      });
      expect(left).toEqual([]);
    }
  },
);
