// The scenario of documents passes on the product, and fails when what it is there for is taken out of the product.

import type { TenantId } from "@assent/contract";
import { vi } from "vitest";
import { proveKills } from "../../support/target/kills.ts";
import { createInProcessTarget } from "../../support/target/local-target.ts";

type Break =
  | "every tenant's documents are searched"
  | "passages stand among the requester's words"
  | "another tenant's document can be read"
  | "a list of documents that is gone on with is everybody's"
  | "lists of documents are empty";

const broken = vi.hoisted(() => ({ by: "none" as Break | "none" }));

vi.mock(import("../../../packages/harness/src/services/documents.ts"), async (importOriginal) => {
  const real = await importOriginal();
  const tenants = new Set<TenantId>();
  return {
    ...real,
    addDocument: async (ports, caller, request) => {
      tenants.add(caller.tenant);
      return await real.addDocument(ports, caller, request);
    },
    searchDocuments: async (ports, caller, question, limit) => {
      if (broken.by !== "every tenant's documents are searched")
        return await real.searchDocuments(ports, caller, question, limit);
      const found = [];
      for (const tenant of tenants)
        found.push(...(await real.searchDocuments(ports, { tenant }, question, limit)));
      return found.toSorted((a, b) => b.score - a.score).slice(0, limit);
    },
    listDocuments: async (ports, caller, query) => {
      if (broken.by === "lists of documents are empty")
        return { ok: true, value: { data: [], next_cursor: null } };
      const isGoneOn = query.cursor !== null;
      if (broken.by !== "a list of documents that is gone on with is everybody's" || !isGoneOn)
        return await real.listDocuments(ports, caller, query);
      const data = [];
      for (const tenant of tenants) {
        const page = await real.listDocuments(ports, { ...caller, tenant }, { ...query, cursor: null });
        if (page.ok) data.push(...page.value.data);
      }
      return { ok: true, value: { data, next_cursor: null } };
    },
    getDocument: async (ports, caller, id) => {
      if (broken.by !== "another tenant's document can be read")
        return await real.getDocument(ports, caller, id);
      for (const tenant of tenants) {
        const found = await real.getDocument(ports, { ...caller, tenant }, id);
        if (found.ok) return found;
      }
      return await real.getDocument(ports, caller, id);
    },
  };
});

vi.mock(import("../../../packages/harness/src/core/prompt/assemble.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    assemblePrompt: (...given) => {
      const prompt = real.assemblePrompt(...given);
      if (broken.by !== "passages stand among the requester's words") return prompt;
      const data = prompt.messages.find(({ role }) => role === "tool")?.text ?? "";
      return {
        ...prompt,
        messages: prompt.messages.map((message) =>
          message.role === "user" ? { ...message, text: `${message.text}\n${data}` } : message,
        ),
      };
    },
  };
});

proveKills<Break>(createInProcessTarget(), broken, [
  [
    "retrieval_prompt_assembly_tenant_isolation",
    "every tenant's documents are searched",
    "no passage of another tenant's",
  ],
  [
    "retrieval_prompt_assembly_tenant_isolation",
    "passages stand among the requester's words",
    "the requester's words are the requester's",
  ],
  [
    "retrieval_prompt_assembly_tenant_isolation",
    "another tenant's document can be read",
    "another tenant's document is answered like an unknown one",
  ],
  [
    "retrieval_prompt_assembly_tenant_isolation",
    "a list of documents that is gone on with is everybody's",
    "no list and no search shows another tenant's",
  ],
  [
    "retrieval_prompt_assembly_tenant_isolation",
    "lists of documents are empty",
    "all of one's own are in the list",
  ],
]);
