// A tool of an MCP server that is a program of this machine.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryFolder } from "../files/repository.ts";
import { until } from "../../support/until.ts";
import { connect, context, pinned, type Pinned } from "./tools.ts";

const PROGRAM = fileURLToPath(new URL("stdio-server.mjs", import.meta.url));

async function start(folder: string): Promise<Pinned> {
  const connection = connect(
    {
      transport: "stdio",
      command: process.execPath,
      // Read by no shell: were it, the last would be a second command.
      args: [PROGRAM, folder, `; touch ${folder}/shell`],
      cwd: folder,
      environment: { LANG: "C" },
    },
    [],
  );
  return await pinned(connection, "Tell-All", { effect: "idempotent", harm: ["write"] }, "notes");
}

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // A zombie takes a signal too.
    return !/^State:\s+Z/mu.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

test("it sees nothing of our environment, gets its own arguments, and is gone with all it started", async () => {
  const folder = temporaryFolder();
  const notes = await start(folder);
  const pids = readFileSync(`${folder}/pids`, "utf8").split(" ").map(Number);
  expect(notes.tool.manifest.name).toBe("notes__tell_all");
  expect(notes.tool.manifest.description).toBe(String.raw`Tells \u200bwhat it sees.`);
  const told = await notes.tool.execute({ note: "one" }, null, context);
  const seen: unknown = told.ok ? JSON.parse(told.value.output) : told.error;
  expect(seen).toEqual({
    env: { LANG: "C", PATH: expect.stringContaining("/usr/bin") },
    argv: [folder, `; touch ${folder}/shell`],
  });
  expect(readFileSync(`${folder}/effects`, "utf8")).toBe("one\n");
  expect(pids.map(isThere)).toEqual([true, true]);
  await notes.connection.close();
  await until("both processes are gone", () => !pids.some(isThere));
});

test("a call whose lease is another's is not written into its pipe", async () => {
  const folder = temporaryFolder();
  await using notes = await start(folder);
  const prove = async (): Promise<void> => await Promise.reject(new Error("it is another's"));
  const refused = await notes.tool.execute({ note: "late" }, null, { ...context, prove });
  expect(refused).toMatchObject({ ok: false, error: { code: "not_sent" } });
  await notes.tool.execute({ note: "in time" }, null, context);
  expect(readFileSync(`${folder}/effects`, "utf8")).toBe("in time\n");
});

test("one that died is started again at the next call", async () => {
  const folder = temporaryFolder();
  await using notes = await start(folder);
  const [pid = 0] = readFileSync(`${folder}/pids`, "utf8").split(" ").map(Number);
  process.kill(pid, "SIGKILL");
  await until("it is noticed", async () => {
    const told = await notes.tool.execute({ note: "two" }, null, context);
    return told.ok;
  });
  expect(readFileSync(`${folder}/pids`, "utf8")).not.toContain(`${pid} `);
});
