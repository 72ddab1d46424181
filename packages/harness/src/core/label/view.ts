// A reading of a text that remembers where in the text every one of its characters came from.

/** `from[i]` and `to[i]`: half-open range of UTF-16 code units of the original text that unit `i` was made of. */
export type View = {
  readonly text: string;
  readonly from: Int32Array;
  readonly to: Int32Array;
};

export function plainView(text: string): View {
  const from = new Int32Array(text.length);
  const to = new Int32Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    from[at] = at;
    to[at] = at + 1;
  }
  return { text, from, to };
}

/** Range in the original text of units `start` (in) to `end` (out) of the view; they must not be empty. */
export const originalRange = (view: View, start: number, end: number): { start: number; end: number } => ({
  start: view.from[start] ?? 0,
  end: view.to[end - 1] ?? 0,
});

export type ViewWriter = {
  /** Appends `text`, made of units `start` to `end` of the view that is being rewritten. */
  readonly write: (text: string, start: number, end: number) => void;
  readonly finish: () => View;
};

/** Rewrites `source` piece by piece; ranges stay those of the original text. */
export function writeView(source: View): ViewWriter {
  let units = new Uint16Array(source.text.length + 16);
  let from = new Int32Array(units.length);
  let to = new Int32Array(units.length);
  let length = 0;
  const grow = (): void => {
    const size = units.length * 2;
    const [u, f, t] = [new Uint16Array(size), new Int32Array(size), new Int32Array(size)];
    u.set(units);
    f.set(from);
    t.set(to);
    [units, from, to] = [u, f, t];
  };
  return {
    write: (text, start, end) => {
      for (let at = 0; at < text.length; at += 1) {
        if (length === units.length) grow();
        units[length] = text.charCodeAt(at);
        from[length] = source.from[start] ?? 0;
        to[length] = source.to[end - 1] ?? 0;
        length += 1;
      }
    },
    finish: () => ({
      text: textOf(units.subarray(0, length)),
      from: from.subarray(0, length),
      to: to.subarray(0, length),
    }),
  };
}

/** Units per call: far below what engines take as arguments of one call. */
const CHUNK_UNITS = 8_192;

function textOf(units: Uint16Array): string {
  const parts: string[] = [];
  for (let at = 0; at < units.length; at += CHUNK_UNITS)
    parts.push(String.fromCharCode(...units.subarray(at, at + CHUNK_UNITS)));
  return parts.join("");
}
