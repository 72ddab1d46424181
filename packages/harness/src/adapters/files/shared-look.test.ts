import { expect, test } from "vitest";
import { sharedLook } from "./shared-look.ts";

type Looking = PromiseWithResolvers<string>;

/** Looks that end when the test says so. */
function scene(): { readonly looks: Looking[]; readonly ask: () => Promise<string> } {
  const looks: Looking[] = [];
  const ask = sharedLook(async () => {
    const looking = Promise.withResolvers<string>();
    looks.push(looking);
    return await looking.promise;
  });
  return { looks, ask };
}

const turn = async (): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve));
};

test("a hundred who ask while one looks are told by one more look", async () => {
  const { looks, ask } = scene();
  const first = ask();
  const others = Array.from({ length: 100 }, async () => await ask());
  await turn();
  expect(looks).toHaveLength(1);
  looks[0]?.resolve("old");
  expect(await first).toBe("old");
  await turn();
  expect(looks).toHaveLength(2);
  looks[1]?.resolve("new");
  expect(new Set(await Promise.all(others))).toEqual(new Set(["new"]));
  await turn();
  expect(looks).toHaveLength(2);
});

test("nobody is told by a look that began before they asked", async () => {
  const { looks, ask } = scene();
  const first = ask();
  const second = ask();
  looks[0]?.resolve("1");
  await first;
  await turn();
  // The second one's look is under way by now: a third needs another.
  const third = ask();
  looks[1]?.resolve("2");
  expect(await second).toBe("2");
  await turn();
  looks[2]?.resolve("3");
  expect(await third).toBe("3");
});

test("a look that fails fails for those who asked for it, and for nobody after", async () => {
  const { looks, ask } = scene();
  const first = ask();
  const second = ask();
  looks[0]?.reject(new Error("no folder"));
  await expect(first).rejects.toThrow("no folder");
  await turn();
  looks[1]?.resolve("there");
  expect(await second).toBe("there");
  const third = ask();
  looks[2]?.resolve("still");
  expect(await third).toBe("still");
});
