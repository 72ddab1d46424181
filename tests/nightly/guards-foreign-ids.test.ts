// Guards of ids: routes that forget whose the id is that a request names. docs/guards.md has the whole table.

import type { RunId } from "@assent/contract";
import { vi } from "vitest";
import type { Caller } from "../../packages/harness/src/ports.ts";
import { proveKills } from "../support/target/kills.ts";
import { createInProcessTarget } from "../support/target/local-target.ts";

type Break =
  | "a precedent is revoked by whoever names it"
  | "an escalation is settled by whoever names it"
  | "a webhook is given another secret by whoever names it"
  | "a signing key is rotated by whoever names it"
  | "a name means whoever bears it anywhere"
  | "another tenant's document is refused as one that is there"
  | "an artifact is found by its own id alone"
  | "a driver's run is anybody's to take back";

const broken = vi.hoisted(() => ({ by: "none" as Break | "none" }));

// Routes that forget whose the id is: what a stranger names is done in its owner's tenant.
vi.mock(import("../../packages/harness/src/services/once.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    // It holds a request to its caller's tenant as well, which would hide what is broken behind it.
    once: async (ports, caller, request, work) => {
      if (broken.by === "none") return await real.once(ports, caller, request, work);
      const outcome = await work(ports.store);
      if (!outcome.ok) return { answer: outcome, replayed: false };
      const location = request.locationOf?.(outcome.value) ?? null;
      return {
        answer: { ok: true, value: { body: JSON.stringify(outcome.value), location } },
        replayed: false,
      };
    },
  };
});

type Known = { readonly caller: Caller; readonly run?: RunId };
const owners = vi.hoisted(() => ({ of: new Map<string, Known>() }));
/** The owner, where this is what is broken now. */
const ownerOf = (by: Break, what: string): Known | undefined =>
  broken.by === by ? owners.of.get(what) : undefined;

vi.mock(import("../../packages/harness/src/services/precedents.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    listPrecedents: async (ports, caller, query) => {
      owners.of.set("precedents", { caller });
      return await real.listPrecedents(ports, caller, query);
    },
    revokePrecedent: async (ports, caller, ...rest) => {
      const owner = ownerOf("a precedent is revoked by whoever names it", "precedents");
      return await real.revokePrecedent(ports, owner?.caller ?? caller, ...rest);
    },
  };
});

vi.mock(import("../../packages/harness/src/services/escalations.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    listEscalations: async (ports, caller, query) => {
      owners.of.set("escalations", { caller });
      return await real.listEscalations(ports, caller, query);
    },
    resolveEscalation: async (ports, caller, ...rest) => {
      const owner = ownerOf("an escalation is settled by whoever names it", "escalations");
      return await real.resolveEscalation(ports, owner?.caller ?? caller, ...rest);
    },
  };
});

vi.mock(import("../../packages/harness/src/services/signing-keys.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createSigningKey: async (ports, caller, request) => {
      owners.of.set("signing keys", { caller });
      return await real.createSigningKey(ports, caller, request);
    },
    rotateSigningKey: async (ports, caller, ...rest) => {
      const owner = ownerOf("a signing key is rotated by whoever names it", "signing keys");
      return await real.rotateSigningKey(ports, owner?.caller ?? caller, ...rest);
    },
  };
});

vi.mock(import("../../packages/harness/src/services/webhooks/registry.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createWebhook: async (ports, caller, request) => {
      owners.of.set("webhooks", { caller });
      return await real.createWebhook(ports, caller, request);
    },
    rotateWebhook: async (ports, caller, ...rest) => {
      const owner = ownerOf("a webhook is given another secret by whoever names it", "webhooks");
      return await real.rotateWebhook(ports, owner?.caller ?? caller, ...rest);
    },
  };
});

vi.mock(import("../../packages/harness/src/services/principals.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    changePrincipal: async (ports, caller, change) => {
      const owner = ownerOf("a name means whoever bears it anywhere", "signing keys");
      return await real.changePrincipal(ports, owner?.caller ?? caller, change);
    },
  };
});

vi.mock(import("../../packages/harness/src/services/documents.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    addDocument: async (ports, caller, ...rest) => {
      const added = await real.addDocument(ports, caller, ...rest);
      if (added.ok) owners.of.set(added.value.id, { caller });
      return added;
    },
    removeDocument: async (ports, caller, id) => {
      const removed = await real.removeDocument(ports, caller, id);
      const isThere = ownerOf("another tenant's document is refused as one that is there", id) !== undefined;
      return removed.ok || !isThere
        ? removed
        : // The edge has one text for each code of what is not there, so it is another code that tells.
          { ok: false, error: { code: "run_not_found", detail: "This document is another tenant's." } };
    },
  };
});

vi.mock(import("../../packages/harness/src/services/runs.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    getRun: async (ports, caller, id) => {
      const found = await real.getRun(ports, caller, id);
      if (found.ok)
        for (const artifact of found.value.artifacts) owners.of.set(artifact.id, { caller, run: id });
      return found;
    },
    openArtifact: async (ports, caller, run, id) => {
      const known = ownerOf("an artifact is found by its own id alone", id);
      // The wall round the run stands; it is what is in it that is looked for elsewhere.
      const isOwnRun = known !== undefined && (await real.getRun(ports, caller, run)).ok;
      return isOwnRun
        ? await real.openArtifact(ports, known.caller, known.run ?? run, id)
        : await real.openArtifact(ports, caller, run, id);
    },
  };
});

vi.mock(import("../../packages/harness/src/services/external/external.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    createExternalRuns: (...given) => {
      const runs = real.createExternalRuns(...given);
      return {
        ...runs,
        finish: async (call, body) => {
          owners.of.set(call.run, call);
          return await runs.finish(call, body);
        },
        nextCompensation: async (call) => {
          const owner = ownerOf("a driver's run is anybody's to take back", call.run);
          return await runs.nextCompensation({ ...call, caller: owner?.caller ?? call.caller });
        },
      };
    },
  };
});

proveKills<Break>(createInProcessTarget(), broken, [
  [
    "run_endpoint_authz_rate_limit_integration",
    "a precedent is revoked by whoever names it",
    "another tenant's key gets nothing by ids of ours",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "an escalation is settled by whoever names it",
    "another tenant's key gets nothing by ids of ours",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "a webhook is given another secret by whoever names it",
    "another tenant's key gets nothing by ids of ours",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "a signing key is rotated by whoever names it",
    "another tenant's key gets nothing by ids of ours",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "a name means whoever bears it anywhere",
    "and nothing of ours is changed by it",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "another tenant's document is refused as one that is there",
    "another tenant's id is answered as one that nobody has",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "an artifact is found by its own id alone",
    "another tenant's key gets nothing by ids of ours",
  ],
  [
    "run_endpoint_authz_rate_limit_integration",
    "a driver's run is anybody's to take back",
    "another tenant's key gets nothing by ids of ours",
  ],
]);
