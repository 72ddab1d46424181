// What a model is shown: structured messages only. Each text keeps its label; none is ever pasted into another.

import type { Label, ToolCall } from "../run/journal.ts";

export type Message =
  | { readonly role: "user"; readonly text: string; readonly label: Label }
  | { readonly role: "assistant"; readonly text: string; readonly toolCalls: readonly ToolCall[] }
  | {
      readonly role: "tool";
      readonly callId: string;
      readonly tool: string;
      readonly text: string;
      readonly isError: boolean;
      readonly label: Label;
    };

export type Prompt = { readonly system: string; readonly messages: readonly Message[] };
