import { expect, test } from "vitest";
import { createTenantSlugs } from "./tenant-slugs.ts";

test("names of so many tenants are kept, and those that nobody has asked for longest are read again", async () => {
  const read: string[] = [];
  const slugOf = createTenantSlugs(3);
  const ask = async (tenant: string): Promise<string> =>
    await slugOf(tenant, async () => {
      read.push(tenant);
      return await Promise.resolve(`name of ${tenant}`);
    });
  for (const tenant of ["a", "b", "c", "a", "d", "a", "c", "d", "b"])
    expect(await ask(tenant)).toBe(`name of ${tenant}`);
  expect(read).toEqual(["a", "b", "c", "d", "b"]);
});

test("a name that could not be read is read again", async () => {
  const slugOf = createTenantSlugs(3);
  await expect(slugOf("a", async () => await Promise.reject(new Error("gone")))).rejects.toThrow("gone");
  expect(await slugOf("a", async () => await Promise.resolve("one"))).toBe("one");
});
