// A table of things of which each row has what can be done about it, in its last column.

import type { ReactNode } from "react";

type ChangingListProps = {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly children: ReactNode;
};

export function ChangingList({ caption, columns, children }: ChangingListProps): ReactNode {
  return (
    <table className="list">
      <caption className="unseen">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
          <th scope="col">
            <span className="unseen">Change</span>
          </th>
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
