// How the toy asks a model over the wire: one request, streamed, and what came of it.

import { type IncomingHttpHeaders, request } from "node:http";
import { fieldsOf, textOf } from "../run-reading.ts";

export type WireCall = { readonly id: string; readonly tool: string; readonly arguments: string };
export type Said = { readonly text: string; readonly calls: readonly WireCall[] };

export type Outcome =
  | { readonly kind: "said"; readonly said: Said }
  | { readonly kind: "refused"; readonly status: number; readonly headers: IncomingHttpHeaders }
  /** Nothing came, or not all of it. */
  | { readonly kind: "broken"; readonly half: Said };

export type Wire = { readonly url: string; readonly apiKey: string; readonly silenceMs: number };

/** @param silenceMs null: as long as it takes */
export async function askOver(
  { url, apiKey }: Pick<Wire, "url" | "apiKey">,
  body: unknown,
  silenceMs: number | null,
): Promise<Outcome> {
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  return await new Promise<Outcome>((resolve) => {
    let text = "";
    const outgoing = request(`${url}/chat/completions`, { method: "POST", headers, agent: false });
    if (silenceMs !== null) outgoing.setTimeout(silenceMs, () => outgoing.destroy());
    const end = (): void => {
      const { said, isWhole } = readStream(text);
      resolve(isWhole ? { kind: "said", said } : { kind: "broken", half: said });
    };
    outgoing.once("response", (message) => {
      const { statusCode: status = 0, headers: told } = message;
      if (status !== 200) {
        message.resume();
        return resolve({ kind: "refused", status, headers: told });
      }
      message.setEncoding("utf8");
      message.on("data", (piece: string) => {
        text += piece;
      });
      message.once("close", end);
      message.once("error", end);
    });
    outgoing.once("error", end);
    outgoing.end(JSON.stringify(body));
  });
}

function readStream(text: string): { readonly said: Said; readonly isWhole: boolean } {
  const lines = text.split("\n\n").filter((line) => line.startsWith("data: "));
  const data = lines.map((line) => line.slice("data: ".length));
  const calls = new Map<unknown, WireCall>();
  let words = "";
  for (const chunk of data) {
    const { choices, error } = fieldsOf(parsed(chunk));
    if (error !== undefined) return { said: { text: words, calls: [...calls.values()] }, isWhole: false };
    const [choice]: readonly unknown[] = Array.isArray(choices) ? choices : [];
    const { content, tool_calls: told } = fieldsOf(fieldsOf(choice)["delta"]);
    words += textOf(content);
    for (const one of Array.isArray(told) ? told.map(fieldsOf) : []) {
      const { name, arguments: piece } = fieldsOf(one["function"]);
      const known = calls.get(one["index"]) ?? { id: textOf(one["id"]), tool: textOf(name), arguments: "" };
      calls.set(one["index"], { ...known, arguments: known.arguments + textOf(piece) });
    }
  }
  return { said: { text: words, calls: [...calls.values()] }, isWhole: data.at(-1) === "[DONE]" };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
