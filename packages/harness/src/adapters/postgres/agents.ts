import type { Sha256 } from "../../base/digest.ts";
import type { AgentDefinition } from "../../core/agent.ts";
import type { StoreTx } from "../../ports.ts";
import { digestToBytes, type Scope } from "./rows.ts";

export function agentRows({ query, tenant }: Scope): StoreTx["agents"] {
  return {
    async put(version: Sha256, definition: AgentDefinition): Promise<void> {
      await query(
        `insert into assent.agent_versions (tenant_id, digest, definition) values ($1, $2, $3) on conflict do nothing`,
        [tenant, digestToBytes(version), JSON.stringify(definition)],
      );
    },
    async get(version: Sha256): Promise<AgentDefinition | null> {
      const [row] = await query<{ definition: AgentDefinition }>(
        "select definition from assent.agent_versions where tenant_id = $1 and digest = $2",
        [tenant, digestToBytes(version)],
      );
      return row?.definition ?? null;
    },
  };
}
