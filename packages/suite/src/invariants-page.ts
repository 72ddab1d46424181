import { CAPABILITIES } from "./capability.ts";
import { SCENARIOS } from "./catalogue.ts";
import { INVARIANTS } from "./invariants.ts";

/** The text of docs/invariants.md. */
export function invariantsPage(): string {
  const rows = INVARIANTS.map((invariant) => {
    const scenarios = SCENARIOS.filter(({ invariants }) => invariants.includes(invariant.id));
    const fromOutside = "check" in invariant ? "Checked on every observed run." : invariant.notFromOutside;
    return [
      `## ${invariant.number}. ${invariant.title}`,
      "",
      invariant.statement,
      "",
      `- From outside: ${fromOutside}`,
      ...scenarios.map(({ id, title }) => `- Attacked by \`${id}\`: ${title}.`),
      "",
    ].join("\n");
  });
  return [
    "# Invariants",
    "",
    "What always holds, whatever a model, a caller or a crash does. Each has a test that attacks it; tests cite it by",
    "number. What can be seen from outside is checked by `assent-suite` against any harness, with these capabilities:",
    "",
    ...Object.entries(CAPABILITIES).map(([name, meaning]) => `- \`${name}\`: ${meaning}`),
    "",
    ...rows,
  ].join("\n");
}
