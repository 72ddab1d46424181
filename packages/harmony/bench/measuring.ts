// One row of the table for one operation.

export type Measure = (name: string, calls: number, call: (i: number) => Promise<unknown>) => Promise<void>;

function quantile(sorted: readonly number[], share: number): string {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return value.toFixed(value < 10 ? 3 : 1).padStart(10);
}

export const measure: Measure = async (name, calls, call) => {
  const times: number[] = [];
  for (let i = 0; i < calls; i += 1) {
    const startMs = performance.now();
    await call(i);
    times.push(performance.now() - startMs);
  }
  times.sort((a, b) => a - b);
  print(name, `${quantile(times, 0.5)}${quantile(times, 0.99)}${String(calls).padStart(8)}`);
};

/** Says of an operation why it is not measured at this size. */
export function pass(name: string, reason: string): void {
  print(name, `  ${reason}`);
}

export function print(name: string, rest: string): void {
  process.stdout.write(`${name.padEnd(46)}${rest}\n`);
}
