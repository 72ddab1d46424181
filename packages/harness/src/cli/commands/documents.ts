// A tenant's documents: what agents may search.

import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { type Document, type DocumentId, documentRequestSchema } from "@assent/contract";
import { err, ok, type Result } from "../../base/result.ts";
import type { PageFlags } from "../../client/client.ts";
import type { Context, Outcome } from "../context.ts";
import { type Failure, failureOfClient, usageFailure } from "../failure.ts";
import { table } from "../output/table.ts";
import { relativeTime } from "../output/time.ts";
import { visibleLine } from "../output/visible.ts";

export type AddDocumentFlags = { readonly name?: string; readonly source?: string };

export async function addDocument(context: Context, file: string, flags: AddDocumentFlags): Outcome {
  const text = await readText(context, file);
  if (!text.ok) return text;
  const request = documentRequestSchema.safeParse({
    name: flags.name ?? (file === "-" ? "standard input" : basename(file)),
    text: text.value,
    ...(flags.source === undefined ? {} : { source: flags.source }),
  });
  if (!request.success) {
    const issue = request.error.issues[0];
    const what = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not acceptable"}`;
    return err(usageFailure("invalid_document", what, "A document is up to 200,000 characters of text."));
  }
  const client = await context.openClient();
  if (!client.ok) return client;
  const added = await client.value.addDocument(request.data);
  if (!added.ok) return err(failureOfClient(added.error));
  const { id, name, passages } = added.value;
  context.show(added.value, () => [visibleLine(`Added ${id}: ${name}, ${passages} passage(s).`)]);
  return ok("ok");
}

async function readText(context: Context, file: string): Promise<Result<string, Failure>> {
  try {
    return ok(
      file === "-"
        ? await context.io.readInput()
        : // Bytes that are no UTF-8 must not become a document of replacement characters.
          new TextDecoder("utf-8", { fatal: true }).decode(await readFile(resolve(context.deps.cwd, file))),
    );
  } catch (error) {
    const why = error instanceof TypeError ? "is not UTF-8 text" : "cannot be read";
    return err(usageFailure("document_unreadable", `${file} ${why}`, "Name a text file, or - for input."));
  }
}

export async function listDocuments(context: Context, flags: PageFlags): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const page = await client.value.listDocuments(flags);
  if (!page.ok) return err(failureOfClient(page.error));
  const { data, next_cursor } = page.value;
  const now = context.deps.clock.now();
  context.show(page.value, () => [
    ...(data.length === 0
      ? ["There are no documents. `assent documents add <file>` adds one."]
      : table(["DOCUMENT", "NAME", "CHARS", "PASSAGES", "ADDED", "BY"], data.map(rowOf(now)))),
    ...(next_cursor === null ? [] : [`More: --cursor ${next_cursor}`]),
  ]);
  return ok("ok");
}

const rowOf =
  (now: Date) =>
  (one: Document): string[] => [
    one.id,
    one.name,
    String(one.chars),
    String(one.passages),
    relativeTime(one.created_at, now),
    one.created_by.name,
  ];

export async function searchDocuments(
  context: Context,
  words: readonly string[],
  flags: { readonly limit?: number },
): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const found = await client.value.searchDocuments(words.join(" "), flags.limit);
  if (!found.ok) return err(failureOfClient(found.error));
  context.show({ data: found.value }, () =>
    found.value.length === 0
      ? ["No passage of any document fits."]
      : found.value.flatMap((one) => [
          visibleLine(
            `${one.document_id} #${one.passage} of ${one.passages}, ${one.document_name} (by ${one.found_by}, ${one.score.toFixed(3)})`,
          ),
          ...one.text.split("\n").map((line) => `  ${visibleLine(line)}`),
        ]),
  );
  return ok("ok");
}

export async function removeDocument(context: Context, id: DocumentId): Outcome {
  const client = await context.openClient();
  if (!client.ok) return client;
  const removed = await client.value.removeDocument(id);
  if (!removed.ok) return err(failureOfClient(removed.error));
  context.show(removed.value, () => [
    visibleLine(`Removed ${removed.value.id}: ${removed.value.name}. Nobody finds it any more.`),
  ]);
  return ok("ok");
}
