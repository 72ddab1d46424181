// One of a few, by radio buttons.

import type { ReactNode } from "react";

type OneOfProps<T extends string> = {
  readonly legend: string;
  /** Of the group, and of no other on the page. */
  readonly name: string;
  readonly options: readonly (readonly [value: T, said: ReactNode])[];
  readonly value: T;
  readonly onChange: (value: T) => void;
};

export function OneOf<T extends string>({
  legend,
  name,
  options,
  value,
  onChange,
}: OneOfProps<T>): ReactNode {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {options.map(([one, said]) => (
        <label key={one}>
          <input
            type="radio"
            name={name}
            checked={value === one}
            onChange={() => {
              onChange(one);
            }}
          />{" "}
          {said}
        </label>
      ))}
    </fieldset>
  );
}
