import type { Sha256 } from "../../base/digest.ts";
import type { AgentDefinition } from "../../core/agent.ts";
import type { ExternalDefinition } from "../../core/external.ts";
import type { StoreTx } from "../../ports.ts";
import { digestToBytes, type Scope } from "./rows.ts";

export function agentRows({ query, tenant }: Scope): StoreTx["agents"] {
  return {
    async get(version: Sha256): Promise<AgentDefinition | null> {
      const [row] = await query<{ definition: AgentDefinition }>(
        "select definition from assent.agent_versions where tenant_id = $1 and digest = $2",
        [tenant, digestToBytes(version)],
      );
      return row?.definition ?? null;
    },
  };
}

/** Of external runs; the agent of that version stands beside it, so that a run's version always names one. */
export function externalDefinitionRows({ query, tenant }: Scope): StoreTx["externalDefinitions"] {
  return {
    async put(version: Sha256, definition: ExternalDefinition): Promise<void> {
      // The run's foreign key is on agent_versions; what our own loop needs of an agent, a driven run does not have.
      await query(
        `with kept as (
           insert into assent.agent_versions (tenant_id, digest, definition) values ($1, $2, '{}') on conflict do nothing)
         insert into assent.external_definitions (tenant_id, digest, definition) values ($1, $2, $3)
         on conflict do nothing`,
        [tenant, digestToBytes(version), JSON.stringify(definition)],
      );
    },
    async get(version: Sha256): Promise<ExternalDefinition | null> {
      const [row] = await query<{ definition: ExternalDefinition }>(
        "select definition from assent.external_definitions where tenant_id = $1 and digest = $2",
        [tenant, digestToBytes(version)],
      );
      return row?.definition ?? null;
    },
  };
}
