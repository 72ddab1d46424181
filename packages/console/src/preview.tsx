// What would change, as the tool can tell it beforehand: a unified diff by its lines, anything else as it is.

import type { ReactNode } from "react";
import { Visible } from "./parts.tsx";

const classOf = (line: string): string => {
  if (line.startsWith("+")) return "added";
  if (line.startsWith("-")) return "removed";
  return line.startsWith("@@") ? "place" : "";
};

export function Preview({ text }: { readonly text: string }): ReactNode {
  const isDiff = /^@@ /m.test(text);
  return (
    // Scrolled by keyboard as well.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className="preview" tabIndex={0} role="group" aria-label="What would change">
      {text.split("\n").map((line, index) => (
        // Lines of one text never move.
        // oxlint-disable-next-line react/no-array-index-key
        <span key={index} className={isDiff ? classOf(line) : ""}>
          <Visible text={line} />
          {"\n"}
        </span>
      ))}
    </pre>
  );
}
