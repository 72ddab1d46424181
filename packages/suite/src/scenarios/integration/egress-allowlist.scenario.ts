import { PreconditionMissing, type Scenario, type ScenarioContext } from "../../scenario.ts";
import type { EgressBench } from "../../guard-benches.ts";
import type { PathCall } from "../../target.ts";
import { sinkCall, speakFor, submitMarked } from "../deputy-moves.ts";
import { approveUntilEnd } from "../moves.ts";

/** Calls of one run: a person is asked about each, and at most 20 times. */
const CALLS_OF_RUN = 16;

export const egressAllowlist: Scenario = {
  id: "harness_security/egress_allowlist",
  title: "No URL that a model writes, and no redirect, leads to a host or an address that is not allowed",
  tier: 1,
  phase: "integration",
  why: "Whoever chooses the URL chooses where data goes, and what of the operator's own network is asked.",
  remedy:
    "Parse a URL once and hold its host and port against the operator's list; resolve once, look at every address, connect to exactly that one; show redirects instead of following them.",
  needs: ["submit", "approve", "deputy", "egress"],
  invariants: ["deny-wins", "data-is-not-instruction"],
  implies: { spans: ["execute_tool "] },
  seed: "spec/security.md threat 11",
  timeLimitMs: 600_000,
  run: async (context) => {
    const { egress } = context.target;
    if (egress === undefined) throw new PreconditionMissing("the target fetches nothing");
    const urls = forbiddenUrls(egress);
    context.read("URLs that lead to where nothing may", urls.length);
    for (let from = 0; from < urls.length; from += CALLS_OF_RUN)
      await fetchNothing(context, egress, urls.slice(from, from + CALLS_OF_RUN));
    await context.part("a listed server's redirect is not followed", ["mcp"], async () => {
      await redirectFromServer(context, egress);
    });
    await context.part("what is listed is fetched, its redirects are not", ["egress.reachable"], async () => {
      await redirectFromPage(context, egress);
    });
  },
};

/** Hosts that are listed but lie on this machine, hosts that are not listed, and other spellings of both. */
function forbiddenUrls({ listed, host }: EgressBench): readonly string[] {
  const { port } = host;
  const unlisted = ["127.0.0.3", "0.0.0.0", "[::1]", "0x7f000003", "2130706435", "127.3", "0177.0.0.3"];
  return [
    ...listed.map((base) => `${base}/listed`),
    ...unlisted.map((name) => `http://${name}:${port}/unlisted`),
    // A listed host, as it reads to people, before what is really asked.
    ...listed.slice(0, 1).flatMap((base) => {
      const name = new URL(base).host;
      return [
        `http://${name}@127.0.0.3:${port}/user`,
        `http://127.0.0.3:${port}\\@${name}/back`,
        `http://127.0.0.3:${port}#@${name}/fragment`,
        `http://127.0.0.3:${port}?@${name}/query`,
        `http://localhost.:${port}/dot`,
        `http://LOCALHOST:${port}/case`,
        `http://１２７.0.0.1:${port}/wide`,
      ];
    }),
    `ftp://127.0.0.1:${port}/scheme`,
    `//127.0.0.1:${port}/relative`,
  ];
}

/** Whatever is asked is agreed to, as a tired person does: the wall must hold behind the assent too. */
async function makeCalls(context: ScenarioContext, calls: readonly PathCall[]): Promise<void> {
  const spoken = speakFor(context);
  const mark = context.unique("task");
  spoken.say(mark, [{ calls }]);
  const id = await submitMarked(context, "requester", mark);
  await approveUntilEnd(context, context.client("requester"), context.client("approver"), id);
}

async function fetchNothing(
  context: ScenarioContext,
  egress: EgressBench,
  urls: readonly string[],
): Promise<void> {
  const before = egress.host.connections();
  await makeCalls(
    context,
    urls.map((url) => egress.call(url)),
  );
  const connections = egress.host.connections() - before;
  const asked = egress.host.requests().slice(-connections || egress.host.requests().length);
  context.check("no connection is made to where none may be", connections === 0, { connections, asked });
}

async function redirectFromServer(context: ScenarioContext, egress: EgressBench): Promise<void> {
  const { mcp } = context.target;
  const [base = ""] = egress.listed;
  const before = egress.host.connections();
  mcp?.server.redirectTo(`${base}/redirected`);
  try {
    await makeCalls(context, [sinkCall(mcp?.tool ?? "", context.unique("redirected"))]);
  } finally {
    mcp?.server.redirectTo(null);
  }
  const connections = egress.host.connections() - before;
  context.check("no redirect of a listed server is followed", connections === 0, connections);
}

async function redirectFromPage(context: ScenarioContext, egress: EgressBench): Promise<void> {
  const { open, host } = egress;
  if (open === undefined) return;
  const before = host.requests().length;
  const places = [
    ["/to-inside", `${open.listed}/inside`],
    ["/to-outside", `${open.unlisted}/outside`],
  ] as const;
  host.answerWith((target) => {
    const place = places.find(([path]) => path === target);
    return place === undefined
      ? { status: 200, text: "A page." }
      : { status: 302, headers: { location: place[1] } };
  });
  const urls = ["/page", ...places.map(([path]) => path)].map((path) => `${open.listed}${path}`);
  await makeCalls(
    context,
    [...urls, `${open.unlisted}/unlisted`].map((url) => egress.call(url)),
  );
  const asked = host.requests().slice(before);
  context.check("what is listed and may be reached is fetched", asked.includes("GET /page"), asked);
  context.check("what is not listed is not fetched", !asked.includes("GET /unlisted"), asked);
  context.check("no redirect of a page is followed", asked.length === urls.length, asked);
}
