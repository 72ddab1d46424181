// A fleet whose members are started one by one, each with what it is to be attacked with.

import { startToolSink, type ToolSink } from "@assent/suite";
import { randomFrom } from "../../../packages/suite/src/chance.ts";
import { readCredentials } from "../../../packages/harness/src/home.ts";
import { type Fleet, startLookUp } from "./fleet-client.ts";
import { endMember, type Member, spawnMember, untilReady } from "./fleet-member.ts";
import { createInstallation, type Installation } from "./installation.ts";
import { addNotary } from "./notary.ts";

export type SmallFleet = Fleet & {
  /** @param environment of this member alone */
  start(role: Member["role"], environment?: Readonly<Record<string, string>>): Promise<Member>;
  /** Ends this member in order, and forgets it. */
  end(member: Member): Promise<void>;
  /** Wakes and ends all; what is left of the fleet can be looked at then. */
  endAll(): Promise<void>;
};

/** Where the notary's tool is asked, and where whether it did. */
export type ToolAddress = { readonly url: string; readonly checkUrl: string };

/** @param first server and worker, or the member that is attacked: it makes the database */
export const openSmallFleet = async (
  stack: AsyncDisposableStack,
  ...first: readonly First[]
): Promise<SmallFleet> =>
  await openFleetWith(
    stack,
    async (sink) => ({ url: sink.url, checkUrl: await startLookUp(sink, stack) }),
    first,
  );

type First = readonly [role: Member["role"], environment?: Readonly<Record<string, string>>];

/** @param tool what stands before the sink that counts the effects */
export async function openFleetWith(
  stack: AsyncDisposableStack,
  tool: (sink: ToolSink, installation: Installation) => Promise<ToolAddress>,
  first: readonly First[],
): Promise<SmallFleet> {
  const sink = await startToolSink();
  stack.defer(async () => {
    await sink.stop();
  });
  const installation = createInstallation(sink.url);
  const { url, checkUrl } = await tool(sink, installation);
  addNotary(installation, url, checkUrl);
  stack.defer(() => {
    installation.remove();
  });
  const members: Member[] = [];
  const endAll = async (): Promise<void> => {
    for (const member of members.toReversed()) {
      member.child.kill("SIGCONT");
      await endMember(member, "SIGTERM");
    }
  };
  stack.defer(endAll);
  const start: SmallFleet["start"] = async (role, environment = {}) => {
    const own = { ...installation, environment: { ...installation.environment, ...environment } };
    const member = spawnMember(own, role);
    members.push(member);
    await untilReady(member);
    return member;
  };
  for (const [role, environment] of first) await start(role, environment);
  return {
    installation,
    sink,
    members,
    get key() {
      return readCredentials(installation.home)?.key ?? "";
    },
    next: randomFrom(1),
    progress: { begun: 0, ended: 0, kills: 0, unanswered: 0, refused: 0 },
    start,
    end: async (member) => {
      await endMember(member, "SIGTERM");
      members.splice(members.indexOf(member), 1);
    },
    endAll,
  };
}
