// Where a log is written: a disk that is full, or whoever reads being slow or gone, is no matter of those who log. What cannot
// be written now is kept, up to a bound, and written before whatever comes next; what finds no room is counted.

/** Kept while nothing can be written, in bytes. The oldest stay: they tell how it began. */
export const KEPT_BYTES_MAX = 1024 * 1024;

export type KeptLines = {
  /** Takes one line, without its end, and never throws. */
  readonly write: (line: string) => void;
  /** Writes what was kept, if that can be done now. */
  readonly flush: () => void;
};

/** Who else writes where a line was cut off: nobody, or other processes, which write behind the piece that is there. */
export type Writers = "one" | "several";

/**
 * @param write writes some bytes at once and returns how many; throws where it can write none, for now or for good
 * @param onLost makes the line that stands where so many are missing, once something can be written again
 */
export function keepLines(
  write: (bytes: Uint8Array) => number,
  onLost: (lines: number) => string,
  writers: Writers,
): KeptLines {
  const kept: Buffer[] = [];
  let keptBytes = 0;
  let lost = 0;
  let isMidLine = false;

  const keep = (line: string): void => {
    const bytes = Buffer.from(`${line}\n`);
    kept.push(bytes);
    keptBytes += bytes.byteLength;
  };

  /** Throws as `write` does. */
  const writeFirst = (first: Buffer): void => {
    // A piece of a line, ours or another's, is a line by itself then, and the only one that is spoilt.
    const bytes = isMidLine && writers === "several" ? Buffer.concat([Buffer.of(LINE_END), first]) : first;
    isMidLine = true;
    const written = write(bytes);
    if (written === bytes.byteLength) {
      isMidLine = false;
      keptBytes -= first.byteLength;
      kept.shift();
      return;
    }
    if (writers === "several") return;
    keptBytes -= written;
    kept[0] = first.subarray(written);
  };

  /** Whether all of it is written. */
  const flush = (): boolean => {
    for (let [first] = kept; first !== undefined; [first] = kept) {
      try {
        writeFirst(first);
      } catch {
        // Whatever it is, nobody who logs can do anything about it; it is tried again with the next line.
        return false;
      }
    }
    return true;
  };

  const flushAll = (): void => {
    if (!flush() || lost === 0) return;
    keep(onLost(lost));
    lost = 0;
    flush();
  };

  return {
    write: (line) => {
      flushAll();
      // None overtakes those that were lost, or their number would stand in the wrong place.
      if (lost > 0 || keptBytes + Buffer.byteLength(line) >= KEPT_BYTES_MAX) lost += 1;
      else keep(line);
      flushAll();
    },
    flush: flushAll,
  };
}

const LINE_END = 0x0a;
