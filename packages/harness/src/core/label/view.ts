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
  /** Appends units `start` to `end` as they are. */
  readonly copy: (start: number, end: number) => void;
  readonly finish: () => View;
};

/** Rewrites `source` piece by piece; ranges stay those of the original text. */
export function writeView(source: View): ViewWriter {
  let units = new Uint16Array(source.text.length + 16);
  let from = new Int32Array(units.length);
  let to = new Int32Array(units.length);
  let length = 0;
  const reserve = (more: number): void => {
    if (length + more <= units.length) return;
    const size = Math.max(units.length * 2, length + more);
    const [u, f, t] = [new Uint16Array(size), new Int32Array(size), new Int32Array(size)];
    u.set(units);
    f.set(from);
    t.set(to);
    [units, from, to] = [u, f, t];
  };
  return {
    write: (text, start, end) => {
      reserve(text.length);
      for (let at = 0; at < text.length; at += 1) {
        units[length] = text.charCodeAt(at);
        from[length] = source.from[start] ?? 0;
        to[length] = source.to[end - 1] ?? 0;
        length += 1;
      }
    },
    copy: (start, end) => {
      reserve(end - start);
      for (let at = start; at < end; at += 1) units[length + at - start] = source.text.charCodeAt(at);
      from.set(source.from.subarray(start, end), length);
      to.set(source.to.subarray(start, end), length);
      length += end - start;
    },
    finish: () => ({
      text: UNITS.decode(units.subarray(0, length)),
      from: from.subarray(0, length),
      to: to.subarray(0, length),
    }),
  };
}

/** Half of a pair without its other half becomes U+FFFD, which is as long. */
const UNITS = new TextDecoder("utf-16le", { ignoreBOM: true });
