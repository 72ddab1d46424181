import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parsePasswd } from "./account.ts";
import { describeHost, findBinaries, type Host, majorOf } from "./platform.ts";

const HOST: Host = { platform: "linux", arch: "x64", glibcVersion: "2.36", resolvePackage: () => undefined };

test("this machine has its binaries, and they are Postgres 18", () => {
  const found = findBinaries(describeHost());
  expect(found.ok ? majorOf(found.value) : found.error).toBe("18");
});

test.each([
  ["unsupported_platform", { platform: "win32" }],
  ["unsupported_platform", { arch: "s390x" }],
  ["musl", { glibcVersion: undefined }],
  ["binaries_missing", {}],
] satisfies [string, Partial<Host>][])("refuses with %s on %o", (reason, difference) => {
  expect(findBinaries({ ...HOST, ...difference })).toMatchObject({ ok: false, error: { reason } });
});

test("a Mac has no glibc and needs none", () => {
  expect(findBinaries({ ...HOST, platform: "darwin", glibcVersion: undefined })).toMatchObject({
    error: { reason: "binaries_missing" },
  });
});

test("a package without its server is no package", () => {
  const folder = mkdtempSync(join(tmpdir(), "assent-platform-"));
  mkdirSync(join(folder, "dist"));
  writeFileSync(join(folder, "package.json"), '{"version":"18.4.0"}');
  const resolvePackage = (): string => join(folder, "dist", "index.js");
  expect(findBinaries({ ...HOST, resolvePackage })).toMatchObject({ error: { reason: "binaries_missing" } });
  mkdirSync(join(folder, "native", "bin"), { recursive: true });
  writeFileSync(join(folder, "native", "bin", "postgres"), "");
  expect(findBinaries({ ...HOST, resolvePackage })).toEqual({
    ok: true,
    value: { folder: join(folder, "native"), version: "18.4.0" },
  });
  rmSync(folder, { recursive: true });
});

test.each([
  ["root:x:0:0::/root:/bin/sh\nassent:x:998:997::/:/usr/sbin/nologin\n", { uid: 998, gid: 997 }],
  ["assent:x:0:0::/root:/bin/sh\n", undefined],
  ["assent:x:998:0::/:/bin/sh\n", undefined],
  ["assent2:x:998:997::/:/bin/sh\nmy-assent:x:1:1::/:\n", undefined],
  ["assent", undefined],
  ["", undefined],
])("reads the server's account from %j", (text, expected) => {
  expect(parsePasswd(text)).toEqual(expected);
});
