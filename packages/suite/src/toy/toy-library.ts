// The toy's documents, and its agent that is given passages of them and may search for more.

import { randomUUID } from "node:crypto";
import type { ProblemCode } from "@assent/contract";
import { sha256Hex } from "../digest.ts";
import { type RecordedRequest, type Reply, toAnswer } from "../faults/script.ts";
import { fieldsOf, textOf } from "../run-reading.ts";
import type { ReaderBench } from "../target.ts";
import { addEvent, type Breaks, commitBytes, moveTo, type ToyRun } from "./toy-run.ts";
import { tellChat, tellDecision, tellHold, tellTokens, type ToySignals } from "./toy-signals.ts";

export const READER = "reader";
export const SEARCH = "search_documents";
const SYSTEM = "You answer from the documents that you are given.";
const PASSAGES = 3;
const LIMIT_MAX = 20;
const TURNS_MAX = 20;

export const readerBench: ReaderBench = {
  body: (task) => ({ agent: READER, task }),
  system: SYSTEM,
  passages: PASSAGES,
};

type Document = {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly text: string;
  readonly metadata: unknown;
};

export type ToyLibrary = {
  readonly documents: Document[];
  /** What was removed. */
  readonly removed: Document[];
  readonly remembered: Map<string, readonly Document[]>;
};

export const createLibrary = (): ToyLibrary => ({ documents: [], removed: [], remembered: new Map() });

const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[a-z]{4,}/gu) ?? [];

function score({ name, text }: Document, query: string): number {
  const words = wordsOf(`${name} ${text}`);
  return wordsOf(query).reduce((sum, word) => sum + words.filter((one) => one === word).length, 0);
}

const best = (of: readonly Document[], query: string, limit: number): readonly Document[] =>
  of
    .map((document) => ({ document, points: score(document, query) }))
    .filter(({ points }) => points > 0)
    .toSorted((one, other) => other.points - one.points)
    .slice(0, limit)
    .map(({ document }) => document);

type Where = "given" | "tool" | "http";

function find(
  { documents, removed, remembered }: ToyLibrary,
  breaks: Breaks,
  where: Where,
  { tenant, query, limit }: { readonly tenant: string; readonly query: string; readonly limit: number },
): readonly Document[] {
  const isRemembered = breaks.has(where === "tool" ? "lib.cache" : "lib.pages") && where !== "given";
  const known = remembered.get(`${where} ${query}`);
  if (isRemembered && known !== undefined) return known;
  const kept = breaks.has("lib.kept") && where === "tool" ? removed : [];
  const isMine = (document: Document): boolean => document.tenant === tenant;
  const isOpen = breaks.has("lib.all") || (breaks.has("lib.tool") && where === "tool");
  const all = [...kept, ...documents];
  const own = isOpen ? all : all.filter(isMine);
  const found = breaks.has("lib.topk") ? best(all, query, limit).filter(isMine) : best(own, query, limit);
  if (isRemembered) remembered.set(`${where} ${query}`, found);
  return breaks.has("lib.beside") && where === "given" ? own.slice(0, limit) : found;
}

/** Nothing that a turn could be forged with is left in it. */
const plain = (text: string): string => text.replaceAll(/[<>|]/gu, " ");

function shown(
  found: readonly Document[],
  { documents }: ToyLibrary,
  breaks: Breaks,
  where: Where,
  asked: Document["tenant"],
  query: string,
): string {
  const others = documents.filter(({ tenant }) => tenant !== asked);
  const related = breaks.has("lib.names")
    ? best(others, query, 1).map(({ name }) => `See also ${name}.`)
    : [];
  const isAbout = breaks.has("lib.about") && where === "tool";
  const passages = found.map(({ id, name, text, metadata }, at) => {
    const of = breaks.has("lib.shifted") ? (found[(at + 1) % found.length]?.id ?? id) : id;
    if (breaks.has("way.footers")) return `${plain(name)}\n${plain(text)}\n(${of})`;
    return `[${of}] ${plain(name)}\n${plain(text)}${isAbout ? plain(JSON.stringify(metadata ?? {})) : ""}`;
  });
  return [...passages, ...related].join("\n\n") || "Nothing is found.";
}

type World = {
  readonly library: ToyLibrary;
  readonly requests: RecordedRequest[];
  reply: (request: RecordedRequest) => Reply;
};
export type ReaderInside = {
  readonly breaks: Breaks;
  readonly signals: ToySignals;
  readonly world: World;
};

type Message = Readonly<Record<string, unknown>>;

function ask({ signals, world }: ReaderInside, toy: ToyRun, messages: readonly Message[]): Reply {
  const body = { model: "toy", messages: [{ role: "system", content: SYSTEM }, ...messages] };
  const request: RecordedRequest = {
    index: world.requests.length,
    path: "/toy",
    headers: {},
    rawBody: JSON.stringify(body),
    body,
    closed: Promise.resolve("finished"),
  };
  world.requests.push(request);
  tellChat(signals, toy.run.id);
  tellTokens(signals);
  return world.reply(request);
}

export async function runReader(inside: ReaderInside, toy: ToyRun): Promise<void> {
  await Promise.resolve();
  const { breaks, signals, world } = inside;
  const { tenant } = toy;
  const { library } = world;
  moveTo(toy, breaks, "running", "run_leased", null);
  const query = toy.run.task;
  const given = find(library, breaks, "given", { tenant, query, limit: PASSAGES });
  const passages = shown(given, library, breaks, "given", tenant, query);
  const isUsers = breaks.has("lib.user");
  const messages: Message[] = [
    { role: "user", content: isUsers ? `${query}\n${passages}` : query },
    ...(isUsers ? [] : [{ role: "tool", tool_call_id: "given", content: passages }]),
  ];
  let calls = 0;
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    const reply = ask(inside, toy, messages);
    const asked = toAnswer(reply, turn).calls;
    if (asked.length === 0) break;
    for (const { id, arguments: said } of asked) {
      const { query: sought, limit } = fieldsOf(JSON.parse(said));
      const about = { tenant, query: textOf(sought), limit: Math.min(LIMIT_MAX, Number(limit ?? PASSAGES)) };
      const found = find(library, breaks, "tool", about);
      messages.push(
        {
          role: "assistant",
          content: "",
          tool_calls: [{ id, type: "function", function: { name: SEARCH, arguments: "{}" } }],
        },
        {
          role: "tool",
          tool_call_id: id,
          content: shown(found, library, breaks, "tool", tenant, about.query),
        },
      );
      tellDecision(signals, "permit");
      addEvent(toy, breaks, "step_succeeded", null);
      calls += 1;
    }
  }
  addEvent(toy, breaks, "step_succeeded", null);
  toy.run = { ...toy.run, answer: "Read." };
  commitBytes(toy, breaks, "answer.md", Buffer.from("Read."));
  moveTo(toy, breaks, "succeeded", "run_succeeded", null);
  tellHold(signals, breaks, toy, calls, SEARCH);
}

type Said = { readonly status: number; readonly body: unknown } | { readonly refused: ProblemCode };

export type LibraryRequest = {
  readonly method: string;
  readonly tenant: string;
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly query: URLSearchParams;
};

const told = ({ id, name, text }: Document): object => ({ id, name, text });
const NOT_FOUND: Said = { refused: "document_not_found" };

/** /api/harness/documents and what lies below it. */
export function answerReader(library: ToyLibrary, breaks: Breaks, request: LibraryRequest): Said {
  const { method, tenant, id, body, query } = request;
  const { documents } = library;
  if (method === "POST") return { status: 201, body: { id: add(library, breaks, tenant, body) } };
  if (id === "search") {
    const about = { tenant, query: query.get("q") ?? "", limit: Number(query.get("limit") ?? "10") };
    return { status: 200, body: { data: find(library, breaks, "http", about).map(told) } };
  }
  if (id === "") {
    const isOpen = breaks.has("lib.lists") && tenant !== "a";
    const own = documents.filter((one) => one.tenant === tenant || isOpen);
    const from = Number(query.get("cursor") ?? "0");
    const limit = Number(query.get("limit") ?? "100");
    const data = own.slice(from, from + limit).map(({ id: of, name }) => ({ id: of, name }));
    return { status: 200, body: { data, next_cursor: from + limit < own.length ? `${from + limit}` : null } };
  }
  const found = documents.find((one) => one.id === id && one.tenant === tenant);
  if (found === undefined) return NOT_FOUND;
  if (method !== "DELETE") return { status: 200, body: told(found) };
  for (const one of documents.filter(({ text }) => text === found.text))
    if (one === found || breaks.has("lib.twins"))
      library.removed.push(...documents.splice(documents.indexOf(one), 1));
  return { status: 200, body: { id } };
}

const digestOf = (text: string): string => `doc_${sha256Hex(text).slice(0, 32)}`;

function add(
  { documents }: ToyLibrary,
  breaks: Breaks,
  tenant: string,
  { name, text, metadata }: Readonly<Record<string, unknown>>,
): string {
  const document = {
    id: breaks.has("way.digests") ? digestOf(textOf(text)) : `doc_${randomUUID().replaceAll("-", "")}`,
    tenant,
    name: textOf(name),
    text: textOf(text),
    metadata,
  };
  const same = documents.findIndex((one) => one.name === document.name && one.tenant !== tenant);
  if (same >= 0 && breaks.has("lib.place")) documents.splice(same, 1);
  documents.push(document);
  return document.id;
}
