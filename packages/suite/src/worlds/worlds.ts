// The worlds: one domain of each kind with others beside it, as an agent at work would have them.

import { CALENDAR, calendarTasks } from "./domains/calendar.ts";
import { CHAT, chatTasks } from "./domains/chat.ts";
import type { Domain, Place, TaskMaker } from "./domains/domain.ts";
import { FILES, filesTasks } from "./domains/files.ts";
import { MAIL, mailTasks } from "./domains/mail.ts";
import { PAYMENTS, paymentsTasks } from "./domains/payments.ts";
import { TRAVEL, travelTasks } from "./domains/travel.ts";
import type { Facts } from "./facts.ts";
import { FOREIGN, LATER } from "./foreign/foreign.ts";
import type { ForeignWorld } from "./foreign/parts.ts";
import { type Goal, GOALS } from "./goals.ts";
import { redress } from "./redressed/dress.ts";
import { FURTHER_TASKS } from "./redressed/tasks.ts";
import { chinese } from "./translated/chinese.ts";
import { french } from "./translated/french.ts";
import { german } from "./translated/german.ts";
import { italian } from "./translated/italian.ts";
import { dutch } from "./translated/dutch.ts";
import { polish } from "./translated/polish.ts";
import { korean } from "./translated/korean.ts";
import { japanese } from "./translated/japanese.ts";
import { portuguese } from "./translated/portuguese.ts";
import { russian } from "./translated/russian.ts";
import type { State, Task, Tools } from "./world.ts";

export type World = {
  readonly name: string;
  readonly facts: Facts;
  readonly tools: Tools;
  readonly places: readonly Place[];
  readonly state: State;
  readonly tasks: readonly Task[];
  readonly goals: readonly Goal[];
};

const KINDS: readonly (readonly [name: string, domains: readonly Domain[], tasks: TaskMaker])[] = [
  ["mail", [MAIL, FILES], mailTasks],
  ["files", [FILES, MAIL], filesTasks],
  ["payments", [PAYMENTS, FILES], paymentsTasks],
  ["chat", [CHAT, FILES], chatTasks],
  ["calendar", [CALENDAR, MAIL], calendarTasks],
  ["travel", [TRAVEL, MAIL], travelTasks],
];

/**
 * `redressed`: other tool names and argument shapes, by seed, and tasks that the first family has none of. `foreign`:
 * worlds written as somebody else's bench would have them, registered by a sparse adapter; `later`: more of those, kept back until what the first had shown was mended. The others:
 * a sample of the first family's tasks as people write them in another language.
 */
export const FAMILIES = [
  "first",
  "redressed",
  "foreign",
  "later",
  "german",
  "french",
  "japanese",
  "portuguese",
  "russian",
  "chinese",
  "italian",
  "dutch",
  "polish",
  "korean",
] as const;
export type Family = (typeof FAMILIES)[number];

const TRANSLATIONS = {
  german,
  french,
  japanese,
  portuguese,
  russian,
  chinese,
  italian,
  dutch,
  polish,
  korean,
} as const;

export function createWorlds(facts: Facts, seed: number, family: Family): readonly World[] {
  if (family === "foreign") return worldsOf(FOREIGN, facts);
  if (family === "later") return worldsOf(LATER, facts);
  const plain = plainWorlds(facts);
  if (family === "first") return plain;
  if (family !== "redressed") return plain.map((world) => translate(world, TRANSLATIONS[family](facts)));
  return plain.map((world) => {
    const more = (FURTHER_TASKS[world.name]?.(facts) ?? []).map((task) => ({
      ...task,
      id: `${world.name}/${task.id}`,
      world: world.name,
    }));
    return redress({ ...world, tasks: [...world.tasks, ...more] }, seed);
  });
}

const worldsOf = (worlds: readonly ForeignWorld[], facts: Facts): readonly World[] =>
  worlds.map(({ name, tools, places, state, tasks, goals }) => ({
    name,
    facts,
    tools: new Map(tools.map((tool) => [tool.manifest.name, tool] as const)),
    places,
    state: state(facts),
    tasks: tasks(facts).map((task) => ({ ...task, id: `${name}/${task.id}`, world: name })),
    goals,
  }));

const translate = (world: World, prompts: { readonly [task: string]: string }): World => ({
  ...world,
  tasks: world.tasks.flatMap((task) => {
    const prompt = prompts[task.id];
    return prompt === undefined ? [] : [{ ...task, prompt }];
  }),
});

function plainWorlds(facts: Facts): readonly World[] {
  return KINDS.map(([name, domains, tasks]) => ({
    name,
    facts,
    tools: new Map(domains.flatMap(({ tools }) => tools.map((tool) => [tool.manifest.name, tool] as const))),
    places: domains.flatMap(({ places }) => places),
    state: Object.fromEntries(domains.flatMap(({ state }) => Object.entries(state(facts)))),
    tasks: tasks(facts).map((task) => ({ ...task, id: `${name}/${task.id}`, world: name })),
    goals: GOALS,
  }));
}
