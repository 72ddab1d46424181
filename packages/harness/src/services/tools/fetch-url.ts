// Reads a page of the operator's listed hosts. A GET changes nothing there, but its URL carries out whatever the model
// puts into it: that is egress, and the URL is what a rule has to look at.

import { z } from "zod";
import { TOOL_OUTPUT_CHARS_MAX } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { visibleText } from "../../core/path/visible-text.ts";
import { URL_CHARS_MAX } from "../../core/egress/url.ts";
import { isPassingStatus, type PassingError, retryAfterMsOf } from "../../core/resilience/passing.ts";
import type { StepError } from "../../core/run/journal.ts";
import type { Answer, Fetcher, Tool, ToolResult } from "../../ports.ts";
import { cutTo, oneLine } from "./output.ts";
import { parseArguments } from "./workspace-tool.ts";

const schema = z.strictObject({
  url: z
    .string()
    .min(1)
    .max(URL_CHARS_MAX)
    .describe("An http or https URL on a host that the operator listed."),
});

/** Room for the lines above the page's text. */
const HEAD_CHARS_MAX = 3_000;

export function createFetchUrlTool(fetcher: Fetcher): Tool {
  return {
    scope: "world",
    manifest: {
      name: "fetch_url",
      version: "1",
      description:
        "Fetches a URL with GET and returns the answer's text (HTML and JSON as they are). Redirects are shown, not followed.",
      inputSchema: z.toJSONSchema(schema, { io: "input" }),
      effect: "none",
      harm: ["egress"],
      controlArguments: ["url"],
      returns: "untrusted",
    },
    peerOf: (args) => {
      const parsed = schema.safeParse(args);
      const url = parsed.success ? fetcher.check(parsed.data.url) : null;
      return url?.ok === true ? `${url.value.host}:${url.value.port}` : null;
    },
    plan: async (args) => {
      const parsed = parseArguments(schema, args);
      if (!parsed.ok) return parsed;
      const url = fetcher.check(parsed.value.url);
      if (!url.ok) return url;
      // The serialisation that is sent, so that nothing in it looks like something else.
      return ok({ summary: `Fetch ${url.value.href}`, preview: null, precondition: null });
    },
    execute: async (args, _precondition, context) => {
      const parsed = parseArguments(schema, args);
      if (!parsed.ok) return parsed;
      const answer = await fetcher.get(parsed.value.url, context.signal);
      if (!answer.ok) return answer;
      return isPassingStatus(answer.value.status) ? err(unavailable(answer.value)) : resultOf(answer.value);
    },
  };
}

// Nothing of the page: this is our own text.
function unavailable({ url, status, retryAfter, date }: Answer): PassingError {
  const detail = `${url.host} answered with status ${status}: the page is not to be had right now.`;
  return { code: "fetch_unavailable", detail, passes: { retryAfterMs: retryAfterMsOf(retryAfter, date) } };
}

function resultOf(answer: Answer): Result<ToolResult, StepError> {
  const head = [
    `Status ${answer.status}, ${oneLine(visibleText(cutTo(answer.contentType, 200))) || "no type"}.`,
  ];
  if (answer.location !== null)
    head.push(
      `It redirects to ${oneLine(visibleText(cutTo(answer.location, URL_CHARS_MAX)))} (not followed).`,
    );
  const text = textOf(answer);
  if (text === null)
    return err({
      code: "not_text",
      detail: "The answer is not text; only text, HTML, XML and JSON are read.",
    });
  const room = TOOL_OUTPUT_CHARS_MAX - HEAD_CHARS_MAX;
  const shown = cutTo(text, room);
  if (answer.body.isCut || shown.length < text.length)
    head.push(`[The text is cut at ${shown.length} characters.]`);
  return ok({ output: `${head.join("\n")}\n\n${shown}`, label: "untrusted" });
}

const TEXT = /^(?:text\/[a-z0-9.+-]+|application\/(?:[a-z0-9.-]+\+)?(?:json|xml|javascript|yaml))$/u;

function textOf({ contentType, body }: Answer): string | null {
  if (body.bytes.byteLength === 0) return "";
  const [type = "", ...parameters] = contentType.toLowerCase().split(";");
  if (!TEXT.test(type.trim())) return null;
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([a-z0-9_:-]+)"?\s*$/u.exec(parameter)?.[1])
    .find((name) => name !== undefined);
  const decoded = decoderFor(charset ?? "utf-8").decode(body.bytes);
  return visibleText(decoded.replaceAll("\r\n", "\n"));
}

function decoderFor(charset: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset);
  } catch (error) {
    // A character set that nobody knows.
    if (error instanceof RangeError) return new TextDecoder();
    throw error;
  }
}
