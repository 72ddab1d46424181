// Named places where a program under test can be made to fail, by wrapping the ports that it is given: nothing in the
// program itself knows of them, so nobody can switch one on by accident. The name is `<port>.<method>`.

export type PointFault =
  /** The call fails; `after`: it was carried out, and its caller does not hear of it. */
  | { readonly do: "fail"; readonly when: "before" | "after"; readonly error: () => Error }
  /** The call never returns: what a program looks like, from the outside, that was killed there. */
  | { readonly do: "hang"; readonly when: "before" | "after" }
  /** Whatever the test wants to happen there, such as a SIGKILL; then the call goes on. */
  | { readonly do: "run"; readonly when: "before" | "after"; readonly what: () => void | Promise<void> };

export type Failpoints = {
  /** The k-th call (from 1) from now on, of that name or of any, meets the fault; one at a time. */
  arm(name: string | null, k: number, fault: PointFault): void;
  disarm(): void;
  /** Names of all calls since the last `arm` or `clear`, in order. */
  calls(): readonly string[];
  clear(): void;
  /** Name of the call that met the armed fault; null while none has. */
  fired(): string | null;
  /** Resolves when the armed fault is met, and is one after which the call never returns. */
  died(): Promise<string>;
  /** While the work runs nothing is counted and nothing is met: for looking at the program, not for running it. */
  aside<T>(work: () => Promise<T>): Promise<T>;
  /** Goes through a point by hand, for what is no port. */
  through<T>(name: string, work: () => Promise<T>): Promise<T>;
};

type Armed = { readonly name: string | null; left: number; readonly fault: PointFault };

export function createFailpoints(): Failpoints {
  let armed: Armed | null = null;
  let seen: string[] = [];
  let met = Promise.withResolvers<string>();
  let hit: string | null = null;
  let looking = 0;
  const take = (name: string): PointFault | null => {
    if (looking > 0) return null;
    seen.push(name);
    if (armed === null || (armed.name !== null && armed.name !== name)) return null;
    armed.left -= 1;
    if (armed.left > 0) return null;
    const { fault } = armed;
    armed = null;
    hit = name;
    return fault;
  };
  return {
    arm: (name, k, fault) => {
      seen = [];
      hit = null;
      met = Promise.withResolvers<string>();
      armed = { name, left: k, fault };
    },
    disarm: () => {
      armed = null;
    },
    calls: () => seen,
    clear: () => {
      seen = [];
    },
    fired: () => hit,
    died: async () => await met.promise,
    aside: async (work) => {
      looking += 1;
      try {
        return await work();
      } finally {
        looking -= 1;
      }
    },
    through: async (name, work) => {
      const fault = take(name);
      // Of whoever dies after the call nobody is told before it: they would take its connections away in the midst of it.
      const told = met;
      const meet = async (one: PointFault): Promise<void> => {
        if (one.do === "hang") told.resolve(name);
        await strike(one);
      };
      if (fault?.when === "before") await meet(fault);
      const value = await work();
      if (fault?.when === "after") await meet(fault);
      return value;
    },
  };
}

async function strike(fault: PointFault): Promise<void> {
  if (fault.do === "fail") throw fault.error();
  if (fault.do === "run") await fault.what();
  else await Promise.withResolvers<undefined>().promise;
}

/** The same port, with a point at each of the named methods, all of which return promises. */
export function withFailpoints<T extends object>(
  port: T,
  name: string,
  points: Failpoints,
  methods: readonly (keyof T & string)[],
): T {
  return new Proxy(port, {
    get: (target, member): unknown => {
      const value: unknown = Reflect.get(target, member, target);
      if (typeof value !== "function" || !methods.some((method) => method === member)) return value;
      return async (...args: readonly unknown[]): Promise<unknown> =>
        await points.through(`${name}.${String(member)}`, async () => {
          const result: unknown = await Reflect.apply(value, target, args);
          return result;
        });
    },
  });
}
