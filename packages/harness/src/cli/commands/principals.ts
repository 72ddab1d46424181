import { principalChangeSchema } from "@assent/contract";
import { err, ok } from "../../base/result.ts";
import type { Context, Outcome } from "../context.ts";
import { failureOfClient, usageFailure } from "../failure.ts";
import { table } from "../output/table.ts";
import { visibleLine } from "../output/visible.ts";

export type SignFlags = { readonly kind: "human" | "service"; readonly off?: boolean };

export async function demandSignatures(context: Context, principal: string, flags: SignFlags): Outcome {
  const request = principalChangeSchema.safeParse({
    principal: { name: principal, kind: flags.kind },
    must_sign: flags.off !== true,
  });
  if (!request.success)
    return err(
      usageFailure(
        "invalid_request",
        "the principal's name is not one",
        "See `assent keys must-sign --help`.",
      ),
    );
  const client = await context.openClient();
  if (!client.ok) return client;
  const changed = await client.value.changePrincipal(request.data);
  if (!changed.ok) return err(failureOfClient(changed.error));
  const { name, kind, must_sign } = changed.value;
  // A service and a person may have one name, and whoever leaves the kind out means one of them.
  const who = `${visibleLine(name)} (${kind})`;
  context.show(changed.value, () => [
    must_sign
      ? `From now on nothing of ${who} is let in unsigned.`
      : `Requests of ${who} need a signature only where their key says so.`,
  ]);
  return ok("ok");
}

export async function listSigners(context: Context): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const signers = await client.value.listSigners();
  if (!signers.ok) return err(failureOfClient(signers.error));
  context.show({ data: signers.value }, () =>
    table(
      ["PRINCIPAL", "KIND", "ID"],
      signers.value.map(({ id, kind, name }) => [visibleLine(name), kind, id]),
    ),
  );
  return ok("ok");
}
