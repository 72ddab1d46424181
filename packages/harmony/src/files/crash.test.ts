// Every writing call, with each of its file operations failing in turn, and with the process dying at each in turn.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { FileOperations } from "./operations.ts";
import { openFsStore } from "../fs-store.ts";
import { escalationsDir, harmonyDir, temporaryDir } from "../paths.ts";
import { WRITING_ACTS } from "../testing/acts.ts";
import { faultyOperations, quickOperations } from "../testing/faulty-operations.ts";
import { newRoot } from "../testing/root.ts";
import { ann, escalation, moment } from "../testing/samples.ts";
import { newAuditEntry } from "../audit.ts";

const FOREVER = Number.MAX_SAFE_INTEGER;
const names = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: "utf8" });

/** Whatever a dead process left in the temporary folder goes with the next write of anybody. */
async function expectNoLeftover(root: string): Promise<void> {
  const store = openFsStore(root, quickOperations);
  await store.appendAudit(newAuditEntry({ eventType: "sweep", at: moment(99), actor: ann }));
  expect(names(temporaryDir(root)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  const strangers = names(harmonyDir(root)).filter(
    (name) => /\.[a-z]+$/.test(name) && !/\.(json|hold)$/.test(name),
  );
  expect(strangers).toEqual([]);
}

test.each(
  WRITING_ACTS.flatMap((writing) => (["fail", "die"] as const).map((kind) => ({ ...writing, kind }))),
)("$name leaves the old or the new record when its k-th file operation makes it $kind", async (writing) => {
  const rehearsal = newRoot();
  await writing.prepare(openFsStore(rehearsal, quickOperations));
  const counted = faultyOperations({ kind: "fail", at: FOREVER });
  await writing.act(openFsStore(rehearsal, counted.operations));
  expect(counted.count()).toBeGreaterThan(9);

  let struck = 0;
  for (let k = 1; k <= counted.count(); k += 1) {
    const root = newRoot();
    await writing.prepare(openFsStore(root, quickOperations));
    const faulty = faultyOperations({ kind: writing.kind, at: k });
    const outcome = await writing.act(openFsStore(root, faulty.operations)).catch((error: unknown) => error);
    if (outcome instanceof Error) struck += 1;
    await writing.check(openFsStore(root, quickOperations));
    await expectNoLeftover(root);
  }
  // A fault that nobody notices proves nothing: all but those in the last clean-up must have been felt.
  expect(struck).toBeGreaterThan(counted.count() / 2);
});

test("content is on the disk before its name is, and the name before the caller hears of it", async () => {
  const root = newRoot();
  const done: string[] = [];
  const trace = (operation: string) => {
    done.push(operation);
  };
  const operations: FileOperations = {
    ...quickOperations,
    write: (handle, bytes) => {
      trace("write");
      return quickOperations.write(handle, bytes);
    },
    sync: () => trace("sync"),
    openFolder: (path) => {
      trace(`folder ${path.slice(root.length)}`);
      return quickOperations.openFolder(path);
    },
    link: (from, to) => {
      trace("link");
      quickOperations.link(from, to);
    },
    rename: (from, to) => {
      trace("rename");
      quickOperations.rename(from, to);
    },
  };
  const store = openFsStore(root, operations);
  const folder = "folder /.muse/harmony/escalations";
  await store.recordEscalation(escalation("e"));
  expect(done.slice(-5)).toEqual(["write", "sync", "link", folder, "sync"]);
  // Each new folder's own name is synced in its parent before anything is put into it.
  const made = done.slice(0, -5).filter((operation) => operation.startsWith("folder"));
  expect(made).toEqual(["folder /.muse", "folder /.muse/harmony", "folder /.muse/harmony"]);
  await store.recordEscalation(escalation("e", { escalatedAt: moment(5) }));
  expect(done.slice(-5)).toEqual(["write", "sync", "rename", folder, "sync"]);
});

test("a process that died between deciding and writing it down has decided; the next to resolve writes it down", async () => {
  const writing = WRITING_ACTS.find(({ name }) => name === "resolveEscalation");
  let behind = 0;
  for (let k = 1; k <= 80; k += 1) {
    const root = newRoot();
    const store = openFsStore(root, quickOperations);
    await writing?.prepare(store);
    const faulty = faultyOperations({ kind: "die", at: k });
    await writing?.act(openFsStore(root, faulty.operations)).catch(() => null);
    const [name] = readdirSync(escalationsDir(root));
    const onDisk = readStatus(`${escalationsDir(root)}/${name}`);
    const [record] = await store.listEscalations();
    if (onDisk !== record?.status) behind += 1;
    await writing?.check(store);
    expect(readStatus(`${escalationsDir(root)}/${name}`)).toBe("resolved");
  }
  expect(behind).toBeGreaterThan(3);
});

function readStatus(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8")).status;
}
