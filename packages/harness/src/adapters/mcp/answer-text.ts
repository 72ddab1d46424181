// What a tool answered, as one text. Nothing that an answer links to is ever fetched.

import type { CallToolResult } from "@modelcontextprotocol/client";
import type { McpAnswer } from "../../ports.ts";

export function answerText({ content, structuredContent, isError = false }: CallToolResult): McpAnswer {
  const texts = content.map(blockText);
  // By the specification a server repeats structured content as text; where it does not, this is all there is.
  const hasText = content.some(({ type }) => type === "text");
  if (structuredContent !== undefined && !hasText) texts.push(JSON.stringify(structuredContent));
  return { text: texts.join("\n"), isError };
}

function blockText(block: CallToolResult["content"][number]): string {
  switch (block.type) {
    case "text":
      return block.text;
    case "image":
    case "audio":
      return `[Left out: ${block.type}, ${block.data.length} characters of base64.]`;
    case "resource_link":
      return `[A link, not followed: ${block.uri}]`;
    case "resource":
      return "text" in block.resource ? block.resource.text : `[Left out: a binary resource.]`;
    default:
      return "[Left out: content of an unknown kind.]";
  }
}
