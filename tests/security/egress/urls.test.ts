// Spec security 6, row egress URLs: address checks right for every odd form.

import { expect, test } from "vitest";
import fc from "fast-check";
import { classifyAddress } from "../../../packages/harness/src/core/egress/address.ts";
import {
  type AllowlistEntry,
  isAllowed,
  parseAllowlistEntry,
} from "../../../packages/harness/src/core/egress/allowlist.ts";
import { parseEgressUrl } from "../../../packages/harness/src/core/egress/url.ts";

const SPECIAL: readonly string[] = [
  "0.0.0.0",
  "0.255.255.255",
  "10.0.0.1",
  "10.255.255.255",
  "100.64.0.1",
  "100.127.255.255",
  "127.0.0.1",
  "127.255.255.254",
  "169.254.169.254",
  "168.63.129.16",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.1",
  "192.0.0.170",
  "192.0.2.1",
  "192.88.99.1",
  "192.168.0.1",
  "192.168.255.255",
  "198.18.0.1",
  "198.19.255.255",
  "198.51.100.7",
  "203.0.113.9",
  "224.0.0.1",
  "239.255.255.255",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "0:0:0:0:0:0:0:1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::ffff:8.8.8.8",
  "::FFFF:169.254.169.254",
  "::127.0.0.1",
  "::8.8.8.8",
  "::ffff:0:127.0.0.1",
  "64:ff9b::127.0.0.1",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b::10.0.0.1",
  "64:ff9b:1::8.8.8.8",
  "100::1",
  "100:0:0:1::1",
  "2001::1",
  "2001:0:4136:e378:8000:63bf:3fff:fdd2",
  "2001:2::1",
  "2001:10::1",
  "2001:20::1",
  "2001:db8::1",
  "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
  "2002:7f00:1::",
  "2002:808:808::1",
  "3fff::1",
  "3fff:fff:ffff::1",
  "4000::1",
  "5f00::1",
  "fc00::1",
  "fd00:ec2::254",
  "fe80::1",
  "fe80::1%eth0",
  "febf::1",
  "fec0::1",
  "ff02::1",
  "2606:4700::200:5efe:127.0.0.1",
  "2606:4700::5efe:a00:1",
  // No address at all, or one that readers disagree on.
  "",
  "localhost",
  "127.1",
  "2130706433",
  "0177.0.0.1",
  "010.8.8.8",
  "0x8.8.8.8",
  "8.8.8.8.",
  "8.8.8",
  "8.8.8.256",
  " 8.8.8.8",
  "٨.8.8.8",
  "8.8.8.8%1",
  "2606:4700::1%eth0",
  "2606:4700:::1",
  "2606::4700::1",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "[2606:4700::1]",
  "12345::",
];

const GLOBAL: readonly string[] = [
  "1.1.1.1",
  "8.8.8.8",
  "9.255.255.255",
  "11.0.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "126.255.255.255",
  "128.0.0.0",
  "169.253.255.255",
  "169.255.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "192.0.1.0",
  "192.0.3.0",
  "192.88.98.255",
  "192.167.255.255",
  "192.169.0.0",
  "198.17.255.255",
  "198.20.0.0",
  "203.0.112.255",
  "203.0.114.0",
  "223.255.255.255",
  "2001:200::1",
  "2001:4860:4860::8888",
  "2001:db7:ffff::1",
  "2001:db9::1",
  "2003::1",
  "2606:4700:4700::1111",
  "2a00:1450:4001:80b::200e",
  "2606:4700::5efe:808:808",
  "3ffe:ffff::1",
  "64:ff9b::8.8.8.8",
  "2001:4860:4860:0:0:0:8.8.8.8",
];

test.each(SPECIAL)("%s is not to be reached", (address) => {
  expect(classifyAddress(address).kind).toBe("special");
});

test.each(GLOBAL)("%s is on the open Internet", (address) => {
  expect(classifyAddress(address)).toEqual({ kind: "global" });
});

test("an IPv4 address is judged alike in every IPv6 wrapping that reaches it", () => {
  fc.assert(
    fc.property(fc.ipV4(), (four) => {
      const { kind } = classifyAddress(four);
      expect(classifyAddress(`64:ff9b::${four}`).kind).toBe(kind);
      expect(classifyAddress(`2606:4700::5efe:${four}`).kind).toBe(kind);
      expect(classifyAddress(`::ffff:${four}`).kind).toBe("special");
      expect(classifyAddress(`::${four}`).kind).toBe("special");
    }),
    { seed: 42 },
  );
});

test("every spelling of an IPv6 address is judged alike", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }), (groups) => {
      const long = groups.map((group) => group.toString(16).padStart(4, "0").toUpperCase()).join(":");
      // Node's own reading of the address, as URLs write it.
      const short = new URL(`http://[${long}]/`).hostname.slice(1, -1);
      expect(classifyAddress(short)).toEqual(classifyAddress(long));
    }),
    { seed: 42 },
  );
});

const REFUSED: readonly string[] = [
  "",
  "example.org",
  "//example.org",
  "http:example.org",
  "http:/example.org",
  "http:///example.org",
  "https:\\\\example.org",
  "http://example.org\\@evil.example",
  "ftp://example.org/",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "data:text/plain,x",
  "gopher://example.org",
  "ws://example.org",
  "blob:https://example.org/x",
  "view-source:https://example.org",
  " https://example.org",
  "https://example.org ",
  "https://exa mple.org",
  "ht\ntps://example.org",
  "https://exam\tple.org",
  "https://example.org/\r\nX-Header: 1",
  "https://example.org/\0",
  "https://exa\u00admple.org",
  "https://exam\u200bple.org",
  "https://example.org/\u202e",
  "https://\ud800.example.org",
  "https://user@example.org",
  "https://user:pass@example.org",
  "https://@example.org",
  "https://:@example.org",
  "https://example.org@evil.example",
  "https://example.org%40evil.example",
  "https://example.org%2f@evil.example",
  "https://%65xample.org",
  "https://example.org%00.evil.example",
  "https://example.org./",
  "https://example.org../",
  "https://.example.org/",
  "https://example..org/",
  "https://",
  "https:///path",
  "https://?x",
  "https://#x",
  "https://example.org:0/",
  "https://example.org:65536/",
  "https://example.org:-1/",
  "https://example.org:80x/",
  "http://2130706433/",
  "http://0x7f000001/",
  "http://0x7f.1/",
  "http://0177.0.0.1/",
  "http://017700000001/",
  "http://127.1/",
  "http://127.0.1/",
  "http://127.0.0.1./",
  "http://127.0.0.0x1/",
  "http://127.0.0.1.5/",
  "http://256.1.1.1/",
  "http://1.2.3.4.5/",
  "http://foo.0x4/",
  "http://１２７.０.０.１/",
  "http://127。0。0。1/",
  "http://①②⑦.⓪.⓪.①/",
  "http://[fe80::1%25eth0]/",
  "http://[fe80::1%eth0]/",
  "http://[::1",
  "http://[::1]x/",
  "http://[127.0.0.1]/",
  "http://[v1.x]/",
  `https://example.org/${"x".repeat(3_000)}`,
];

test.each(REFUSED)("%j is no URL to fetch", (text) => {
  expect(parseEgressUrl(text)).toMatchObject({ ok: false, error: { code: "url_invalid" } });
});

test.each([
  ["https://example.org", "https://example.org/", "example.org", 443],
  ["HTTP://EXAMPLE.org/", "http://example.org/", "example.org", 80],
  ["https://example.org:443/a/../b?q=1#f", "https://example.org/b?q=1", "example.org", 443],
  ["https://example.org:8443/", "https://example.org:8443/", "example.org", 8443],
  ["https://bücher.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443],
  ["https://EXAMPLE。org/", "https://example.org/", "example.org", 443],
  ["https://exаmple.org/", "https://xn--exmple-4nf.org/", "xn--exmple-4nf.org", 443],
  ["http://127.0.0.1/", "http://127.0.0.1/", "127.0.0.1", 80],
  ["http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]/", "::ffff:7f00:1", 80],
  ["https://example.org/?u=user@host", "https://example.org/?u=user@host", "example.org", 443],
])("%s is read once", (text, href, host, port) => {
  const parsed = parseEgressUrl(text);
  expect(parsed).toMatchObject({ ok: true, value: { href, host, port } });
});

function entries(...texts: readonly string[]): readonly AllowlistEntry[] {
  return texts.map((text) => {
    const entry = parseAllowlistEntry(text);
    if (!entry.ok) throw new Error(entry.error);
    return entry.value;
  });
}

function allows(list: readonly AllowlistEntry[], text: string): boolean {
  const url = parseEgressUrl(text);
  return url.ok && isAllowed(url.value, list);
}

test.each([
  ["example.org", "https://example.org/", true],
  ["example.org", "http://EXAMPLE.ORG/", true],
  ["EXAMPLE.org", "https://example.org/", true],
  ["example.org", "https://www.example.org/", false],
  ["example.org", "https://example.org.evil.example/", false],
  ["example.org", "https://evil.example/?https://example.org", false],
  ["example.org", "https://evil.example/#@example.org", false],
  ["example.org", "https://xexample.org/", false],
  ["example.org", "https://exаmple.org/", false],
  ["example.org", "https://example.org:8443/", false],
  ["example.org:8443", "https://example.org:8443/", true],
  ["example.org:8443", "https://example.org/", false],
  ["*.example.org", "https://a.example.org/", true],
  ["*.example.org", "https://a.b.example.org/", true],
  ["*.example.org", "https://example.org/", false],
  ["*.example.org", "https://evilexample.org/", false],
  ["*.example.org", "https://a.example.org.evil.example/", false],
  ["bücher.example", "https://xn--bcher-kva.example/", true],
  ["xn--bcher-kva.example", "https://bücher.example/", true],
  ["8.8.8.8", "https://8.8.8.8/", true],
  ["[2606:4700::1111]", "https://[2606:4700:0:0::1111]/", true],
  ["[2606:4700::1111]:8443", "https://[2606:4700::1111]:8443/", true],
])("%s and %s: %s", (entry, url, expected) => {
  expect(allows(entries(entry), url)).toBe(expected);
});

test.each([
  "",
  "*",
  "*.",
  "*.org",
  "*.8.8.8.8",
  "a.*.org",
  "https://example.org",
  "example.org/x",
  "a@b.org",
  "a b",
])("%j is no entry", (text) => {
  expect(parseAllowlistEntry(text).ok).toBe(false);
});

test("no list, nothing allowed", () => {
  expect(allows([], "https://example.org/")).toBe(false);
});
