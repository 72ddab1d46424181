// Files that no tool may reach, beside the workspace and beside its home, and a model that the suite speaks for.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Canary, PathBench, PathCall, ProviderBoard } from "@assent/suite";
import { type Installation, README } from "./installation.ts";
import { WALKER } from "./providers.ts";

const reads = (path: string): readonly PathCall[] => [
  { tool: "read_file", arguments: { path } },
  { tool: "list_files", arguments: { path } },
  { tool: "search_files", arguments: { text: "canary", path } },
];
const writes = (path: string, text: string): readonly PathCall[] => [
  { tool: "write_file", arguments: { path, content: text } },
  { tool: "edit_file", arguments: { path, old_text: "canary", new_text: text } },
];

/** As many calls as a model may make in one answer, and no more questions than one run can ask. */
const CALLS_OF_TURN = 12;

/** In a copy that is there; one that is only being made has no tree yet. */
function link(target: string, path: string): void {
  if (existsSync(dirname(path))) symlinkSync(target, path);
}

function putCanary(folder: string, index: number): Canary {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o777);
  const canary = { path: join(folder, "canary.txt"), text: `canary-${index}-a7716c of a path scenario` };
  writeFileSync(canary.path, canary.text);
  return canary;
}

export function createPathBench(installation: Installation, board: ProviderBoard): PathBench {
  const folders = [join(installation.folder, "outside"), join(installation.home, "canaries")];
  const canaries = folders.map(putCanary);
  let from = 0;
  return {
    body: (task) => ({ agent: WALKER, task, workspace: "notes" }),
    script: (calls, before) => {
      from = board.requests.length;
      // What something happens before is a turn of its own; all else is as well asked for together.
      const size = before === undefined ? CALLS_OF_TURN : 1;
      let next = 0;
      board.answerWith(() => {
        before?.(next);
        const turn = calls.slice(next, next + size);
        next += size;
        return turn.length === 0 ? { text: "Done." } : { calls: turn };
      });
    },
    received: () => board.requests.slice(from).map(({ rawBody }) => rawBody),
    reads,
    writes,
    canaries,
    look: async () =>
      await Promise.resolve(
        new Map(
          folders.flatMap((folder) =>
            readdirSync(folder).map(
              (name) => [join(folder, name), readFileSync(join(folder, name), "utf8")] as const,
            ),
          ),
        ),
      ),
    links: {
      paths: canaries.flatMap((_, at) => [`link-${at}.txt`, `linked-${at}/canary.txt`]),
      plant: () => {
        const copies = join(installation.home, "workspaces");
        for (const copy of readdirSync(copies))
          for (const [at, { path }] of canaries.entries()) {
            link(path, join(copies, copy, "tree", `link-${at}.txt`));
            link(dirname(path), join(copies, copy, "tree", `linked-${at}`));
          }
      },
      pull: () => {
        const copies = join(installation.home, "workspaces");
        for (const copy of readdirSync(copies))
          for (const at of canaries.keys())
            for (const name of [`link-${at}.txt`, `linked-${at}`])
              rmSync(join(copies, copy, "tree", name), { force: true, recursive: true });
      },
    },
    legal: { path: "README.md", text: README.trim(), free: "made.txt" },
  };
}
