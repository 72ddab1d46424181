// Guards of tools: the sandbox, egress and pins. Each taken out of the product turns its
// scenario red; docs/guards.md has the whole table.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { vi } from "vitest";
import type { Sandbox } from "../../packages/harness/src/ports.ts";
import { type Kill, proveKills } from "../support/target/kills.ts";
import { createInProcessTarget } from "../support/target/local-target.ts";

type Break =
  | "programs run without a sandbox"
  | "every address may be asked"
  | "every host is listed"
  | "a page's redirects are followed"
  | "a listed server's redirects are followed"
  | "a tool is what its server says now";

const broken = vi.hoisted(() => ({ by: "none" as Break | "none" }));

/** Of this machine; the first is on the list. `permitAddress` is there for tests, and no configuration leads to it. */
const OPEN = ["127.0.0.2", "127.0.0.4"] as const;

const bareRun: Sandbox["run"] = async ({ argv }, workspace) => {
  const folder = mkdtempSync(join(tmpdir(), "assent-bare-"));
  try {
    const [program = "", ...words] = argv;
    const child = spawn(program, words, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr] = await Promise.all([
      readAll(child.stdout),
      readAll(child.stderr),
      once(child, "close"),
    ]);
    const written = readdirSync(folder).filter((name) => lstatSync(join(folder, name)).isFile());
    for (const name of written) await workspace.write(name, readFileSync(join(folder, name)));
    return {
      ok: true,
      value: {
        end: { how: "exited", code: child.exitCode ?? 1 },
        stdout: { text: stdout, bytesDropped: 0 },
        stderr: { text: stderr, bytesDropped: 0 },
        written,
        removed: [],
        leftOver: [],
        unseen: [],
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

vi.mock(import("../../packages/harness/src/adapters/sandbox/open-sandbox.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    openSandbox: async (options) => {
      const opened = await real.openSandbox(options);
      if (!opened.ok) return opened;
      const run: Sandbox["run"] = async (...given) =>
        broken.by === "programs run without a sandbox"
          ? await bareRun(...given)
          : await opened.value.run(...given);
      return { ok: true, value: { run } };
    },
  };
});

vi.mock(import("../../packages/harness/src/core/egress/address.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    classifyAddress: (address) =>
      broken.by === "every address may be asked" ? { kind: "global" } : real.classifyAddress(address),
  };
});

vi.mock(import("../../packages/harness/src/core/egress/allowlist.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    isAllowed: (...given) => broken.by === "every host is listed" || real.isAllowed(...given),
  };
});

vi.mock(import("../../packages/harness/src/adapters/egress/fetcher.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createFetcher: (options) => {
      const permitAddress = (address: string): boolean => OPEN.some((each) => each === address);
      const fetcher = real.createFetcher({ ...options, permitAddress });
      return {
        ...fetcher,
        get: async (url, signal) => {
          const answer = await fetcher.get(url, signal);
          const isFollowed = broken.by === "a page's redirects are followed";
          if (isFollowed && answer.ok && answer.value.location !== null)
            await (await fetch(answer.value.location)).text();
          return answer;
        },
      };
    },
  };
});

vi.mock(import("../../packages/harness/src/adapters/egress/checked-fetch.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createCheckedFetch: (options) => {
      const checked = real.createCheckedFetch(options);
      return async (url, init) =>
        broken.by === "a listed server's redirects are followed"
          ? await fetch(url, { ...init, redirect: "follow" })
          : await checked(url, init);
    },
  };
});

vi.mock(import("../../packages/harness/src/core/mcp/pins.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    driftOf: (...given) =>
      broken.by === "a tool is what its server says now" ? null : real.driftOf(...given),
  };
});

const SANDBOX = "sandbox_escape";
const EGRESS = "egress_allowlist";
const PIN = "tool_definition_pin";

const KILLS: readonly Kill<Break>[] = [
  [SANDBOX, "programs run without a sandbox", "no file outside is read"],
  [EGRESS, "every address may be asked", "no connection is made to where none may be"],
  [EGRESS, "every host is listed", "what is not listed is not fetched"],
  [EGRESS, "a page's redirects are followed", "no redirect of a page is followed"],
  [EGRESS, "a listed server's redirects are followed", "no redirect of a listed server is followed"],
  [PIN, "a tool is what its server says now", "what was agreed to and changed since is not called"],
];

proveKills(createInProcessTarget({ commands: true, openAddresses: OPEN }), broken, KILLS);
