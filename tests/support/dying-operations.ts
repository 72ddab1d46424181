import {
  diskOperations,
  type FileOperations,
} from "../../packages/harness/src/adapters/files/file-operations.ts";

/** Fails the k-th operation and all that follow, as a process that dies there. */
export function dyingAt(k: number): { operations: FileOperations; calls: () => number } {
  let calls = 0;
  const guard =
    <A extends readonly unknown[], T>(work: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      calls += 1;
      if (calls >= k) throw new Error("died here");
      return await work(...args);
    };
  return {
    calls: () => calls,
    operations: {
      makeFolder: guard(async (path) => await diskOperations.makeFolder(path)),
      list: guard(async (path) => await diskOperations.list(path)),
      read: guard(async (path, max) => await diskOperations.read(path, max)),
      create: guard(async (path, content) => await diskOperations.create(path, content)),
      overwrite: guard(async (path, content) => await diskOperations.overwrite(path, content)),
      sync: guard(async (path) => await diskOperations.sync(path)),
      rename: guard(async (from, to) => await diskOperations.rename(from, to)),
      size: guard(async (path) => await diskOperations.size(path)),
      remove: guard(async (path) => await diskOperations.remove(path)),
    },
  };
}
