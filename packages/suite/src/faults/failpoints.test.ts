import { expect, test } from "vitest";
import { createFailpoints, withFailpoints } from "./failpoints.ts";

const port = (): { puts: string[]; put(text: string): Promise<string>; size(): number } => {
  const puts: string[] = [];
  return {
    puts,
    put: async (text) => {
      puts.push(text);
      return await Promise.resolve(`put ${text}`);
    },
    size: () => puts.length,
  };
};
const error = (): Error => new Error("injected");

test("the k-th call meets the fault, and no other", async () => {
  const points = createFailpoints();
  const real = port();
  const faulty = withFailpoints(real, "store", points, ["put"]);
  points.arm("store.put", 2, { do: "fail", when: "before", error });
  expect(await faulty.put("a")).toBe("put a");
  expect(points.fired()).toBeNull();
  await expect(faulty.put("b")).rejects.toThrow("injected");
  expect(await faulty.put("c")).toBe("put c");
  expect([real.puts, points.calls(), points.fired(), faulty.size()]).toEqual([
    ["a", "c"],
    ["store.put", "store.put", "store.put"],
    "store.put",
    2,
  ]);
});

test("a call that is lost was carried out; one that hangs never returns, and says so to whoever waits for that", async () => {
  const points = createFailpoints();
  const real = port();
  const faulty = withFailpoints(real, "store", points, ["put"]);
  points.arm(null, 1, { do: "fail", when: "after", error });
  await expect(faulty.put("a")).rejects.toThrow("injected");
  points.arm(null, 1, { do: "hang", when: "after" });
  const outcome = await Promise.race([faulty.put("b"), points.died().then((name) => `died at ${name}`)]);
  expect([outcome, real.puts]).toEqual(["died at store.put", ["a", "b"]]);
});

test("of whoever dies after a call nobody hears before the call was carried out", async () => {
  const points = createFailpoints();
  const underWay = Promise.withResolvers<string>();
  const slow = { put: async () => await underWay.promise };
  const faulty = withFailpoints(slow, "store", points, ["put"]);
  points.arm(null, 1, { do: "hang", when: "after" });
  const heard: string[] = [];
  void points.died().then((name) => heard.push(name));
  void faulty.put();
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect([points.fired(), heard]).toEqual(["store.put", []]);
  underWay.resolve("put");
  await points.died();
  expect(heard).toEqual(["store.put"]);
});

test("another name is passed by, what is looked at aside is not counted, and a disarmed fault never fires", async () => {
  const points = createFailpoints();
  const faulty = withFailpoints(port(), "store", points, ["put"]);
  points.arm("store.get", 1, { do: "fail", when: "before", error });
  expect(await faulty.put("a")).toBe("put a");
  points.arm(null, 1, { do: "fail", when: "before", error });
  expect(await points.aside(async () => await faulty.put("b"))).toBe("put b");
  expect(points.calls()).toEqual([]);
  points.disarm();
  expect(await faulty.put("c")).toBe("put c");
  expect(points.fired()).toBeNull();
});

test("what is run at a point is run there, once", async () => {
  const points = createFailpoints();
  const real = port();
  const faulty = withFailpoints(real, "store", points, ["put"]);
  const seen: string[][] = [];
  points.arm(null, 2, { do: "run", when: "before", what: () => void seen.push([...real.puts]) });
  for (const text of ["a", "b", "c"]) await faulty.put(text);
  expect(seen).toEqual([["a"]]);
});
