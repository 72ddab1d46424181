// The toy's workspace and what lies around it, in memory: paths are texts here as anywhere, and can be taken for more.

import type { PathBench } from "../target.ts";
import type { RecordedRequest, Reply } from "../faults/script.ts";
import type { Breaks } from "./toy-run.ts";

export const WALKER = "walker";

export type ToyFiles = {
  /** By absolute path; no tool may read or change them. */
  readonly outside: Map<string, string>;
  /** What somebody has put into the workspace, by where it leads. */
  readonly links: Map<string, string>;
};

/** The toy has few turns. */
const CALLS_OF_TURN = 12;
const WORKSPACE = "/toy/workspace";
const CANARY = { path: "/toy/outside/canary.txt", text: "canary-of-a-file-around-the-toy" };
const README = { path: "README.md", text: "A repository of the toy's." };
/** Whoever compares how a path begins takes it for the workspace. */
const BESIDE = { path: `${WORKSPACE}-old/canary.txt`, text: "canary-of-a-file-beside-the-workspace" };
const LINKS: readonly (readonly [path: string, target: string])[] = [
  ["link.txt", CANARY.path],
  ["linked/canary.txt", CANARY.path],
];

export const createFiles = (): ToyFiles => ({
  outside: new Map([CANARY, BESIDE].map(({ path, text }) => [path, text])),
  links: new Map(),
});

/** Where a path leads: into the workspace, or to a file outside of it. Null: nowhere that it may. */
export function placeOf(
  path: string,
  files: ToyFiles,
  breaks: Breaks,
): "inside" | { readonly outside: string } | null {
  const target = files.links.get(path);
  if (target !== undefined) return breaks.has("path.link") ? { outside: target } : null;
  const joined = joinedPath(path);
  const isThere = files.outside.has(joined);
  if (breaks.has("path.join") && isThere) return { outside: joined };
  if (breaks.has("path.begins") && isThere && joined.startsWith(WORKSPACE)) return { outside: joined };
  return /^[a-z][a-z0-9]*\.[a-z]+$/iu.test(path) ? "inside" : null;
}

/** What the model is told of a path that it may not go. */
export const toldOf = (path: string, { outside }: ToyFiles, breaks: Breaks): string =>
  breaks.has("path.tell") && outside.has(joinedPath(path)) ? "it may not be read" : "there is no such file";

/** What lies in a folder, for the toy that looks at paths of files only. */
export function namesIn(path: string, { outside }: ToyFiles, breaks: Breaks): readonly string[] {
  const folder = `${joinedPath(path)}/`;
  return breaks.has("path.folder")
    ? [...outside.keys()].filter((each) => each.startsWith(folder)).map((each) => each.slice(folder.length))
    : [];
}

/** As a library of paths would resolve it. */
function joinedPath(path: string): string {
  const names: string[] = [];
  for (const name of (path.startsWith("/") ? path : `${WORKSPACE}/${path}`).split("/"))
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  return `/${names.join("/")}`;
}

export const readFrom = (
  place: "inside" | { readonly outside: string },
  path: string,
  files: ToyFiles,
): string =>
  place === "inside"
    ? path === README.path
      ? README.text
      : "There is no such file."
    : (files.outside.get(place.outside) ?? "");

type World = {
  readonly files: ToyFiles;
  readonly requests: readonly RecordedRequest[];
  reply: (request: RecordedRequest) => Reply;
};

const TOOLS_THAT_READ = ["read_file", "list_files"] as const;

export function toyPaths(world: World): PathBench {
  const { files } = world;
  let from = 0;
  return {
    body: (task) => ({ agent: WALKER, task }),
    script: (calls, before) => {
      from = world.requests.length;
      const size = before === undefined ? CALLS_OF_TURN : 1;
      let next = 0;
      world.reply = () => {
        before?.(next);
        const turn = calls.slice(next, next + size);
        next += size;
        return turn.length === 0 ? { text: "Done." } : { calls: turn };
      };
    },
    received: () => world.requests.slice(from).map(({ rawBody }) => rawBody),
    reads: (path) => TOOLS_THAT_READ.map((tool) => ({ tool, arguments: { path } })),
    writes: (path, text) => [{ tool: "write_file", arguments: { path, content: text } }],
    canaries: [CANARY, BESIDE],
    look: async () => await Promise.resolve(new Map(files.outside)),
    links: {
      paths: LINKS.map(([path]) => path),
      plant: () => {
        for (const [path, target] of LINKS) files.links.set(path, target);
      },
      pull: () => {
        files.links.clear();
      },
    },
    legal: { ...README, free: "made.txt" },
  };
}
