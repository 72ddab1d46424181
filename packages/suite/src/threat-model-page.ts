import { INVARIANTS } from "./invariants.ts";
import { type Threat, THREATS } from "./threats.ts";

/** The text of docs/threat-model.md. */
export function threatModelPage(): string {
  return [
    "# Threat model",
    "",
    "Assume that the model does whatever an attacker's text wants, that every process dies, and that nobody is believed",
    "without evidence. What stops a threat here therefore never rests on a model's judgement: text guards only raise the",
    "level of asking, and spotlighting is never counted.",
    "",
    "Attackers: whoever writes anything that an agent reads; the model itself; makers of tools and MCP servers; another",
    "tenant; whoever sits on the network; an operator with access to logs and database; a tired approver.",
    "",
    "A test checks that every threat has an attack, that every attack named here exists, and that no scenario and no",
    "security test is without its threat.",
    "",
    ...THREATS.flatMap(section),
  ].join("\n");
}

function section(threat: Threat): string[] {
  const titles = INVARIANTS.filter(({ id }) => threat.invariants.includes(id)).map(
    ({ number, title }) => `${number} (${title})`,
  );
  return [
    `## ${threat.number}. ${threat.title}`,
    "",
    `_${threat.known}_`,
    "",
    threat.control,
    "",
    `- Requirement: invariant ${titles.join(", ")}`,
    ...threat.scenarios.map((id) => `- Attacked by the scenario \`${id}\``),
    ...threat.tests.map((file) => `- Attacked by \`${file}\``),
    ...(threat.remains === undefined ? [] : [`- What remains: ${threat.remains}`]),
    "",
  ];
}
