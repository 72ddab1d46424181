// What a server shows once: a new key, or what a webhook's messages are signed with. It is held by the page alone and gone with it.

import { type ReactNode, useRef, useState } from "react";

type SecretProps = {
  /** What it is, for who listens. */
  readonly name: string;
  readonly secret: string;
  readonly onSeen: () => void;
  /** Whose it is, and what whoever has it may do. */
  readonly children: ReactNode;
};

export function Secret({ name, secret, onSeen, children }: SecretProps): ReactNode {
  const text = useRef<HTMLElement>(null);
  const [copied, setCopied] = useState("");
  const copy = async (): Promise<void> => {
    // Selected in any case: a page that came by plain HTTP has no clipboard, and a browser may refuse it.
    if (text.current !== null) getSelection()?.selectAllChildren(text.current);
    setCopied((await wasCopied(secret)) ? "It is copied." : "It is selected: copy it with the keyboard.");
  };
  return (
    <section className="secret" role="status" aria-label={name}>
      <p>{children}</p>
      <p>
        <code ref={text}>{secret}</code>
      </p>
      <button type="button" onClick={() => void copy()}>
        Copy it
      </button>{" "}
      <button type="button" onClick={onSeen}>
        I have put it away
      </button>{" "}
      {copied}
    </section>
  );
}

async function wasCopied(text: string): Promise<boolean> {
  if (!("clipboard" in navigator)) return false;
  return await navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  );
}
