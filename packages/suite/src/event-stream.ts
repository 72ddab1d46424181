// Server-sent events as the WHATWG HTML standard parses them, as far as harnesses use them.

export type StreamEvent = { readonly id: string; readonly event: string; readonly data: string };

/** Feed it text as it comes; it returns the events that are complete. An unfinished event at the end is dropped. */
export function eventParser(): (text: string) => StreamEvent[] {
  let rest = "";
  let id = "";
  let event = "";
  let data: string[] = [];

  const field = (line: string): void => {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "id" && !value.includes("\0")) id = value;
    else if (name === "event") event = value;
    else if (name === "data") data.push(value);
  };

  return (text) => {
    const found: StreamEvent[] = [];
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line !== "") field(line);
      else {
        if (data.length > 0 || event !== "")
          found.push({ id, event: event === "" ? "message" : event, data: data.join("\n") });
        event = "";
        data = [];
      }
    }
    return found;
  };
}
