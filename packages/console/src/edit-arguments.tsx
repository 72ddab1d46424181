// The field in which an approver changes a call.

import { type ReactNode, useState } from "react";
import { type Edit, editOf } from "./editing.ts";

type EditArgumentsProps = {
  readonly asked: Readonly<Record<string, unknown>>;
  /** Null: the call is left as it is. */
  readonly edit: Edit | null;
  readonly onEdit: (edit: Edit | null) => void;
};

export function EditArguments({ asked, edit, onEdit }: EditArgumentsProps): ReactNode {
  const [original] = useState(() => JSON.stringify(asked, null, 2));
  if (edit === null)
    return (
      <button
        type="button"
        onClick={() => {
          onEdit(editOf(original));
        }}
      >
        Change the arguments …
      </button>
    );
  const isWrong = edit.arguments === null;
  return (
    <div className="editing">
      <label>
        The arguments, as JSON <small>(another call: the rules judge it again, and you are its author)</small>
        <textarea
          rows={Math.min(16, edit.text.split("\n").length + 1)}
          value={edit.text}
          spellCheck={false}
          aria-invalid={isWrong}
          aria-describedby="edit-hint"
          onChange={(event) => {
            onEdit(editOf(event.target.value));
          }}
        />
      </label>
      <span id="edit-hint" className="hint" role="status">
        {isWrong ? "This is no JSON object." : ""}
      </span>
      <button
        type="button"
        onClick={() => {
          onEdit(null);
        }}
      >
        Leave the call as it was
      </button>
    </div>
  );
}
