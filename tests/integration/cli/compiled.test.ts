// The commands keep what node compiled beside their own code, and only where the code is of whoever runs them: another's
// cache would be code of another's.

import { execFileSync } from "node:child_process";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";

const PACKAGES = fileURLToPath(new URL("../../../packages/", import.meta.url));

let folder = "";
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The command as it is installed, with nothing in it but a word about the cache. */
function install(command: string, entry: string, name: string): string {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "assent-compiled-")));
  for (const path of ["bin", dirname(entry)]) mkdirSync(join(folder, path), { recursive: true });
  cpSync(join(PACKAGES, command), join(folder, "bin", "command.mjs"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(
    join(folder, entry),
    `import module from "node:module";
     export const ${name} = async () => { console.log(module.getCompileCacheDir() ?? "none"); return 0; };`,
  );
  return folder;
}

/** Where it keeps what was compiled. */
function placeOf(): string {
  const { PATH } = process.env;
  return execFileSync(process.execPath, [join(folder, "bin", "command.mjs")], {
    encoding: "utf8",
    env: { PATH },
  }).trim();
}

describe.each([
  ["harness/bin/assent.mjs", "dist/cli/process.js", "runProcess"],
  ["harmony/bin/harmony.mjs", "dist/cli.js", "runCli"],
])("%s", (...of) => {
  test("keeps what was compiled beside itself", () => {
    const own = join(install(...of), "node_modules", ".cache", "compiled");
    expect(placeOf().startsWith(own)).toBe(true);
    expect(existsSync(own)).toBe(true);
  });

  test("keeps nothing where the code is another's", () => {
    // Nobody else can give a folder away.
    if (process.getuid?.() !== 0) return;
    chownSync(install(...of), 12_345, 12_345);
    expect(placeOf()).toBe("none");
    expect(existsSync(join(folder, "node_modules"))).toBe(false);
  });
});
