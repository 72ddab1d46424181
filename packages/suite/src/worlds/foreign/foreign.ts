// Worlds that were written without a look at the others or at the rules, and played once before anything was changed by
// them (docs/policies.md has both figures).

import type { Facts } from "../facts.ts";
import type { World } from "../worlds.ts";
import { BANK } from "./bank.ts";
import { OFFICE } from "./office.ts";
import type { ForeignWorld } from "./parts.ts";
import { TEAM } from "./team.ts";
import { TRIP } from "./trip.ts";

const FOREIGN: readonly ForeignWorld[] = [OFFICE, TRIP, BANK, TEAM];

export const foreignWorlds = (facts: Facts): readonly World[] =>
  FOREIGN.map(({ name, tools, places, state, tasks, goals }) => ({
    name,
    facts,
    tools: new Map(tools.map((tool) => [tool.manifest.name, tool] as const)),
    places,
    state: state(facts),
    tasks: tasks(facts).map((task) => ({ ...task, id: `${name}/${task.id}`, world: name })),
    goals,
  }));
