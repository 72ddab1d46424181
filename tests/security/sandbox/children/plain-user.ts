// Run as a user without any rights: whether a sandbox opens for them too, and what a command sees in it.

import { readdirSync } from "node:fs";
import { openSandbox } from "../../../../packages/harness/src/adapters/sandbox/open-sandbox.ts";
import { systemRandom } from "../../../../packages/harness/src/adapters/system/random.ts";
import { ok } from "../../../../packages/harness/src/base/result.ts";

const [folder = "", canary = ""] = process.argv.slice(2);
const opened = await openSandbox({ folder, random: systemRandom });
const written: string[] = [];
const outcome = opened.ok
  ? await opened.value.run(
      {
        argv: [
          "/bin/sh",
          "-c",
          'cat "$1"; cat <&3 <&4 <&5; cat <&7; mkdir closed; touch closed/x; chmod 0 closed; echo new > made',
          "x",
          canary,
        ],
        cwd: "",
        signal: AbortSignal.timeout(30_000),
      },
      {
        walk: async function* () {
          yield await Promise.resolve({ path: "seen.txt", sizeBytes: 4 });
        },
        read: async () => await Promise.resolve(ok(Buffer.from("seen"))),
        write: async (path) => {
          written.push(path);
          return await Promise.resolve(ok(null));
        },
        remove: async () => await Promise.resolve(ok(null)),
      },
    )
  : opened;
const left = readdirSync(folder).filter((name) => name.startsWith("."));
process.stdout.write(JSON.stringify({ uid: process.getuid?.(), outcome, written, left }));
