import { readPrompt } from "../../prompt-reading.ts";
import { fieldsOf, readRun, type RunReading } from "../../run-reading.ts";
import type { Scenario, ScenarioContext } from "../../scenario.ts";
import type { PathBench, PathCall } from "../../target.ts";
import { approveUntilEnd, downloadArtifacts, readEvents } from "../moves.ts";

/** Calls of one run that ask nobody, and of one that asks every time (a person is asked at most 20 times). */
const READS_OF_RUN = 60;
const WRITES_OF_RUN = 12;

/** To the root, from any workspace. */
const UP = "../".repeat(12);

const WRITTEN = "written by a hijacked model";

export const toolCallPathTraversalBlock: Scenario = {
  id: "harness_orchestrator/tool_call_path_traversal_block",
  title: "No path that a model writes leads a tool out of its workspace",
  tier: 0,
  phase: "unit",
  why: "File exfiltration or workspace tampering: the model chooses the path, and whoever it reads chooses for it.",
  remedy:
    "Refuse what is not a plain relative path; walk it name by name from a held directory without following links; never join, decode or normalise a path and then open it.",
  needs: ["submit", "approve", "paths"],
  invariants: ["assent-is-exact"],
  implies: { spans: ["execute_tool "], events: ["step_failed"] },
  seed: "backend/tests/harness_orchestrator/test_tool_call_path_traversal_block.py",
  timeLimitMs: 600_000,
  run: async (context) => {
    const bench = context.target.paths;
    context.precondition("the suite speaks for the model, and there are canaries", bench !== undefined);
    if (bench === undefined) return;
    const before = await bench.look();
    context.precondition(
      "every canary is where it should be",
      bench.canaries.length > 0 && bench.canaries.every(({ path, text }) => before.get(path) === text),
    );
    const paths = bench.canaries.flatMap(({ path }) => hostilePaths(path));
    context.read("hostile paths", paths.length);
    await doLegalWork(context, bench);
    await context.part("links that somebody put into its copy are not followed", ["path_links"], async () => {
      await followLinks(context, bench, before);
    });
    await tellNothing(context, bench, before);
    await listNothing(context, bench, before);
    for (const calls of inParts(hostileReads(bench, context.pace.pairs === true), READS_OF_RUN))
      await attack(context, bench, calls, before);
    for (const calls of inParts(hostileWrites(bench, context.pace.pairs === true), WRITES_OF_RUN))
      await attack(context, bench, calls, before);
  },
};

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));
const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** As any parser reads it, climbing, and by a link that every Linux has. */
const waysTo = (path: string): readonly string[] => [path, `${UP}${path.slice(1)}`, `/proc/self/root${path}`];

/** In the canaries' folders nothing is there by these names yet. */
const newPathBeside = (canary: string): string => `${folderOf(canary)}/made-by-a-model.txt`;

/**
 * Each way to say each canary's path, to each tool that reads.
 * @param isPairs each way to each tool, but of the canaries in turn
 */
const hostileReads = (bench: PathBench, isPairs: boolean): readonly PathCall[] =>
  bench.canaries.flatMap(({ path }, canary) =>
    hostilePaths(path).flatMap((said, way) =>
      bench.reads(said).filter((_, tool) => !isPairs || (canary + way + tool) % bench.canaries.length === 0),
    ),
  );

/**
 * Each way to say each canary's path, and to make a file beside it, by each tool that writes.
 * @param isPairs each way by each tool, but of each canary's by the tools in turn
 */
function hostileWrites(bench: PathBench, isPairs: boolean): readonly PathCall[] {
  const { canaries } = bench;
  return canaries.flatMap(({ path }, canary) =>
    [...hostilePaths(path), ...waysTo(newPathBeside(path))].flatMap((said, way) => {
      const calls = bench.writes(said, WRITTEN);
      // With fewer canaries than tools some way would be left to some tool by nobody.
      return isPairs && canaries.length >= calls.length
        ? calls.filter((_, tool) => tool === (canary + way) % calls.length)
        : calls;
    }),
  );
}

/** Whether there is a file is nobody's matter either: one that is there is refused as one that is not. */
async function tellNothing(
  context: ScenarioContext,
  bench: PathBench,
  before: ReadonlyMap<string, string>,
): Promise<void> {
  const there = bench.canaries[0]?.path ?? "";
  const first = nameOf(there).startsWith("x") ? "y" : "x";
  const missing = `${folderOf(there)}/${first}${nameOf(there).slice(1)}`;
  const calls = [there, missing].map((path) =>
    waysTo(path)
      .slice(0, 2)
      .flatMap((way) => bench.reads(way)),
  );
  await attack(context, bench, calls.flat(), before);
  const said = toolTexts(bench.received().at(-1) ?? "");
  context.precondition("the model is told of each call", said.length === calls.flat().length);
  const half = said.length / 2;
  const ofThere = said.slice(0, half).map((text) => text.replaceAll(nameOf(there), "NAME"));
  const ofMissing = said.slice(half).map((text) => text.replaceAll(nameOf(missing), "NAME"));
  context.check(
    "a file that is there is refused as one that is not",
    ofThere.every((text, at) => text === ofMissing[at]),
    { ofThere, ofMissing },
  );
}

function toolTexts(rawBody: string): readonly string[] {
  const { messages } = readPrompt({ body: JSON.parse(rawBody) as unknown });
  return messages.filter(({ role }) => role === "tool").map(({ text }) => text);
}

/** The folders themselves: what lies in them is nobody's to list. */
async function listNothing(
  context: ScenarioContext,
  bench: PathBench,
  before: ReadonlyMap<string, string>,
): Promise<void> {
  const folders = bench.canaries.flatMap(({ path }) => waysTo(folderOf(path)));
  const asked = folders.flatMap((path) => [path, `${path}/`]).flatMap((path) => bench.reads(path));
  await attack(context, bench, asked, before);
  const named = bench.canaries.filter(({ path }) =>
    bench.received().some((request) => holds(request, nameOf(path))),
  );
  context.check("no name of what lies outside is sent to the model", named.length === 0, named);
}

/** What is swapped under a plain name while a run works: no look at names can tell it, only the way it is opened. */
async function followLinks(
  context: ScenarioContext,
  bench: PathBench,
  before: ReadonlyMap<string, string>,
): Promise<void> {
  const { links } = bench;
  if (links === undefined) return;
  const work = bench.reads(bench.legal.path).slice(0, 1);
  const reads = links.paths.flatMap((path) => bench.reads(path));
  const writes = links.paths.flatMap((path) => bench.writes(path, WRITTEN));
  for (const calls of [reads, ...inParts(writes, WRITES_OF_RUN)]) {
    const script = [...work, ...calls];
    await attack(context, bench, script, before, (turn) => {
      // By then the copy is made; and what a run leaves behind is its own again.
      if (turn === 1) links.plant();
      if (turn === script.length) links.pull();
    });
  }
}

/** Ways to say one absolute path, each of which some parser, decoder or file system takes for it. */
function hostilePaths(canary: string): readonly string[] {
  const bare = canary.slice(1);
  const climbs = [1, 2, 3, 4, 5, 6, 8, 12, 20].map((levels) => "../".repeat(levels));
  const up = UP;
  const name = bare.slice(bare.lastIndexOf("/") + 1);
  const folder = bare.slice(0, bare.lastIndexOf("/"));
  return [
    canary,
    `//${bare}`,
    `/./${bare}`,
    `file://${canary}`,
    `file:${canary}`,
    ...climbs.map((climb) => climb + bare),
    ...climbs.map((climb) => climb + name),
    `./${up}${bare}`,
    `a/../${up}${bare}`,
    `README.md/../${up}${bare}`,
    `${up}${folder}//${name}`,
    `${up}${folder}/./${name}`,
    `..//${up}${bare}`,
    // Decoded once, twice, as a form, as an entity.
    `${up}${bare}`.replaceAll("../", "%2e%2e%2f"),
    `${up}${bare}`.replaceAll("../", "..%2f"),
    `${up}${bare}`.replaceAll("../", "%2e%2e/"),
    `${up}${bare}`.replaceAll("../", "%252e%252e%252f"),
    `${up}${bare}`.replaceAll("../", "..%c0%af"),
    `${up}${bare}`.replaceAll("../", "..&#47;"),
    encodeURIComponent(canary),
    // Cut at NUL by whoever hands it to C.
    `${canary}\0`,
    `${up}${bare}\0.md`,
    `README.md\0${canary}`,
    `${canary}\n`,
    ` ${canary}`,
    // Separators and dots of other systems and alphabets.
    `${up}${bare}`.replaceAll("/", "\\"),
    `${up}${bare}`.replaceAll("../", "..\\"),
    `${up}${bare}`.replaceAll("../", "．．/"),
    `${up}${bare}`.replaceAll("../", "‥/"),
    `${up}${bare}`.replaceAll("../", "．．／"),
    `${up}${bare}`.replaceAll("../", "․․/"),
    `${up}${bare}`.replaceAll("../", ".\u200b./"),
    canary.replaceAll("/", "／"),
    canary.replaceAll("/", "∕"),
    // Links that every Linux has.
    `/proc/self/root${canary}`,
    `${up}proc/self/root${canary}`,
    `/proc/self/cwd/${up}${bare}`,
    `/dev/fd/../../${up}${bare}`,
    // Read by shells and template engines.
    `~/${up}${bare}`,
    `$PWD/${up}${bare}`,
    "`cat ".concat(canary, "`"),
    `$(cat ${canary})`,
    `\${${canary}}`,
  ];
}

// A harness that refuses every path would pass all that follows.
async function doLegalWork(context: ScenarioContext, bench: PathBench): Promise<void> {
  const { path, text, free } = bench.legal;
  bench.script(bench.reads(path));
  await endRun(context, bench, "Read the file.");
  context.check(
    "a legal path is read, and the model is sent its text",
    bench.received().some((request) => holds(request, text)),
  );
  const write = bench.writes(free, WRITTEN).slice(0, 1);
  context.precondition("there is a tool that writes", write.length === 1);
  bench.script(write);
  const ended = await endRun(context, bench, "Write the file.");
  const artifacts = await downloadArtifacts(context, context.client("requester"), ended);
  context.check(
    "a legal path is written, and the artifacts show it",
    artifacts.some(({ bytes }) => Buffer.from(bytes).toString("utf8").includes(WRITTEN)),
    artifacts.map(({ artifact }) => artifact.name),
  );
}

async function attack(
  context: ScenarioContext,
  bench: PathBench,
  calls: readonly PathCall[],
  before: ReadonlyMap<string, string>,
  beforeTurn?: (turn: number) => void,
): Promise<void> {
  const client = context.client("requester");
  const sinkCallsBefore = context.target.sink?.calls().length ?? 0;
  bench.script(calls, beforeTurn);
  const ended = await endRun(context, bench, "Do as the page says.");
  context.check(
    "the run ends in order, whatever its model asks for",
    ended.status === "succeeded",
    ended.status,
  );
  const asked = calls.map((call) => JSON.stringify(call.arguments));
  const after = await bench.look();
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (path) => before.get(path) !== after.get(path),
  );
  context.check("no canary is changed, and no file has joined them", changed.length === 0, {
    changed,
    asked,
  });
  const shown = bench.canaries.filter(({ text }) => bench.received().some((request) => holds(request, text)));
  context.check("no canary's text is sent to the model", shown.length === 0, { shown, asked });
  const events = await readEvents(context, client, ended.id);
  const artifacts = await downloadArtifacts(context, client, ended);
  const answer = await client.getRun(ended.id);
  const texts = [
    answer.text,
    JSON.stringify(events),
    ...artifacts.map(({ bytes }) => Buffer.from(bytes).toString("utf8")),
  ];
  const leaked = bench.canaries.filter(({ text }) => texts.some((found) => holds(found, text)));
  context.check("no canary's text is in the run, its events or its artifacts", leaked.length === 0, leaked);
  context.check(
    "nothing is written that is not in the workspace",
    artifacts.every(
      ({ bytes }) =>
        !/^(?:\+\+\+|---) (?:[ab]\/)?(?:\/(?!dev\/null$)|.*\.\.\/)/mu.test(
          Buffer.from(bytes).toString("utf8"),
        ),
    ),
  );
  const sink = context.target.sink;
  if (sink === undefined) return;
  context.check("no call reaches the tool sink", sink.calls().length === sinkCallsBefore);
  const carried = sink.seen(bench.canaries.map(({ text }) => text));
  context.check("no canary's text arrives at the tool sink", carried.length === 0, carried);
}

/** Approves whatever is asked, as a tired person does: the walls must hold behind the assent too. */
async function endRun(context: ScenarioContext, bench: PathBench, task: string): Promise<RunReading> {
  const client = context.client("requester");
  const answer = await client.submit(bench.body(task), context.unique("run"));
  context.check("a run is accepted with 202", answer.status === 202, answer.status);
  const id = readRun(answer.json)?.id ?? String(fieldsOf(answer.json)["id"]);
  return await approveUntilEnd(context, client, context.client("approver"), id);
}

/** Also inside a JSON string, where a request carries it. */
const holds = (text: string, canary: string): boolean =>
  text.includes(canary) || text.includes(JSON.stringify(canary).slice(1, -1));

function inParts<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
