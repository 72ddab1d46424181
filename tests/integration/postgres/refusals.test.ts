// Each is an embedded database that cannot run: said by its name, with what to do, and without a password.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  type EmbeddedOptions,
  openEmbedded,
} from "../../../packages/harness/src/adapters/postgres/embedded/embedded.ts";
import { describeHost } from "../../../packages/harness/src/adapters/postgres/embedded/platform.ts";
import { readPidFile } from "../../../packages/harness/src/adapters/postgres/embedded/postmaster.ts";
import { makeFolderWithCluster, makeScratchFolder } from "./processes.ts";

async function refusalOf(options: EmbeddedOptions): Promise<{ reason: string; text: string }> {
  const opened = await openEmbedded({ fsync: false, ...options });
  if (opened.ok) throw new Error(`opened, and ${await opened.value.release()}`);
  const { reason, message, remedy, detail } = opened.error;
  return { reason, text: `${message}\n${remedy}\n${detail}` };
}

async function makeCluster(folder: string): Promise<void> {
  const opened = await openEmbedded({ folder, fsync: false });
  if (!opened.ok) throw new Error(opened.error.message);
  expect(await opened.value.release()).toBe("stopped");
}

test("a missing platform package", async () => {
  await using folder = makeScratchFolder();
  const host = { ...describeHost(), resolvePackage: () => undefined };
  const { reason, text } = await refusalOf({ folder: folder.path, host });
  expect(reason).toBe("binaries_missing");
  expect(text).toContain("npm ci");
});

// Closed to root too: one refuses with EPERM or EROFS, in the other no folder can ever be made.
test.each(process.platform === "linux" ? ["/sys/assent", "/proc/assent"] : ["/System/assent"])(
  "a folder that nobody can write: %s",
  async (folder) => {
    expect(await refusalOf({ folder })).toMatchObject({ reason: "folder_unwritable" });
  },
);

test("a folder below a file", async () => {
  await using folder = makeScratchFolder();
  writeFileSync(join(folder.path, "file"), "");
  const { reason, text } = await refusalOf({ folder: join(folder.path, "file", "below") });
  expect(reason).toBe("folder_unwritable");
  expect(text).toContain(folder.path);
});

test("a cluster of another major version, one without its control file, one with damaged passwords", async () => {
  await using folder = makeFolderWithCluster();
  await makeCluster(folder.path);
  const home = join(folder.path, "postgres");
  const version = join(home, "data", "PG_VERSION");
  writeFileSync(version, "17\n");
  expect(await refusalOf({ folder: folder.path })).toMatchObject({ reason: "version_mismatch" });
  writeFileSync(version, "18\n");
  const passwords = readFileSync(join(home, "passwords.json"), "utf8");
  for (const damaged of ["", "{", "null", '{"superuser":1}']) {
    writeFileSync(join(home, "passwords.json"), damaged);
    expect(await refusalOf({ folder: folder.path })).toMatchObject({ reason: "passwords_unreadable" });
  }
  writeFileSync(join(home, "passwords.json"), passwords.replaceAll(/[A-Z]/g, "x"));
  expect(await refusalOf({ folder: folder.path })).toMatchObject({ reason: "passwords_unreadable" });
  // A server of ours that lets nobody in is not left behind.
  expect(readPidFile(home)).toBeUndefined();
  writeFileSync(join(home, "passwords.json"), passwords);
  writeFileSync(join(home, "data", "global", "pg_control"), "damaged");
  const { reason, text } = await refusalOf({ folder: folder.path });
  expect(reason).toBe("data_corrupt");
  for (const secret of passwords.matchAll(/[\w-]{32}/g)) expect(text).not.toContain(secret[0]);
  rmSync(join(home, "data", "global", "pg_control"));
  expect(await refusalOf({ folder: folder.path })).toMatchObject({ reason: "data_corrupt" });
});

test("a server that cannot start says why", async () => {
  await using folder = makeFolderWithCluster();
  await makeCluster(folder.path);
  writeFileSync(join(folder.path, "postgres", "data", "postgresql.conf"), "no_such_setting = 1\n");
  const { reason, text } = await refusalOf({ folder: folder.path });
  expect(reason).toBe("start_failed");
  expect(text).toContain("no_such_setting");
});

test("a pointer to a database that was made for another folder", async () => {
  await using folder = makeScratchFolder();
  writeFileSync(
    join(folder.path, "postgres.json"),
    '{"home":"/var/lib/assent/00000000000000000000000000000000"}\n',
  );
  expect(await refusalOf({ folder: folder.path })).toMatchObject({ reason: "folder_moved" });
});

test("an abort ends the opening with its reason, and leaves nothing half made", async () => {
  await using folder = makeScratchFolder();
  const controller = new AbortController();
  const opening = openEmbedded({
    folder: folder.path,
    signal: controller.signal,
    onProgress: () => {
      controller.abort();
    },
  });
  await expect(opening).rejects.toMatchObject({ name: "AbortError" });
  await makeCluster(folder.path);
});
