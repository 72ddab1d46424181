import { idFromUuid, type Principal, type PrincipalChange } from "@assent/contract";
import { uuidV7 } from "../../core/uuid.ts";
import type { Clock, Random, StoreTx } from "../../ports.ts";
import { putPrincipal } from "./keys.ts";
import { only, type Scope } from "./rows.ts";

type PrincipalRow = {
  readonly id: string;
  readonly kind: Principal["kind"];
  readonly name: string;
  readonly must_sign: boolean;
};

const toPrincipal = ({ id, kind, name, must_sign }: PrincipalRow): Principal => ({
  id: idFromUuid("prn", id),
  kind,
  name,
  must_sign,
});

export function principalRows(
  { query, tenant }: Scope,
  ids: { readonly clock: Clock; readonly random: Random },
): StoreTx["principals"] {
  return {
    async hold(principal: PrincipalChange["principal"]): Promise<Principal> {
      const now = ids.clock.now();
      const id = await putPrincipal({ query, tenant }, principal, uuidV7(now, ids.random.bytes(10)), now);
      return toPrincipal(
        only(
          await query<PrincipalRow>(
            "select id, kind, name, must_sign from assent.principals where tenant_id = $1 and id = $2 for no key update",
            [tenant, id],
          ),
        ),
      );
    },
    async demandSignatures({ kind, name }: Principal, mustSign: boolean): Promise<void> {
      await query(
        "update assent.principals set must_sign = $4 where tenant_id = $1 and kind = $2 and name = $3",
        [tenant, kind, name, mustSign],
      );
    },
    async listSigners(): Promise<readonly Principal[]> {
      const rows = await query<PrincipalRow>(
        "select id, kind, name, must_sign from assent.principals where tenant_id = $1 and must_sign order by name, kind",
        [tenant],
      );
      return rows.map(toPrincipal);
    },
  };
}
