import fc from "fast-check";
import { expect, test } from "vitest";
import { POLICY_RESOURCES_MAX, touchedResources } from "./policy-resources.ts";

const one = (argument: string, text: string): ReturnType<typeof touchedResources> =>
  touchedResources([{ argument, pointer: `/${argument}`, text }]);

test.each([
  ["url", "https://API.Example.com:8443/v1?q=1", "host:api.example.com", ["host:example.com", "host:com"]],
  ["url", "https://user:pw@evil.example/x", "host:evil.example", ["host:example"]],
  ["url", "http://2130706433/", "host:127.0.0.1", []],
  ["url", "http://[::1]/", "host:[::1]", []],
  ["to", "Bob@Example.com", "address:bob@example.com", ["host:example.com", "host:com"]],
  ["path", "./docs//a.md", "path:docs/a.md", ["path:docs", "path:."]],
  ["file", "docs/../src/a.ts", "path:src/a.ts", ["path:src", "path:."]],
  ["path", "/etc/passwd", "path:/etc/passwd", ["path:/etc", "path:/"]],
  ["path", ".", "path:.", []],
  [
    "path",
    "node_modules/@types/a.d.ts",
    "path:node_modules/@types/a.d.ts",
    ["path:node_modules/@types", "path:node_modules", "path:."],
  ],
  ["outputPath", "docs/a.md", "path:docs/a.md", ["path:docs", "path:."]],
  ["output-file", "a.md", "path:a.md", ["path:."]],
])("%s %s is %s", (argument, text, id, ancestors) => {
  const { resources, complete } = one(argument, text);
  expect(resources.map((resource) => [resource.id, resource.ancestors])).toEqual([[id, ancestors]]);
  expect(complete).toBe(true);
});

test.each([
  ["path", "../outside"],
  ["path", "a/../../outside"],
  ["path", "a\\b"],
  ["path", "a\0b"],
  ["path", `${"a/".repeat(17)}b`],
  ["url", "https://"],
  ["url", "https://a b/"],
  ["note", "x".repeat(1_025)],
  ["to", "bob@example.com,eve@evil.example"],
  ["to", "bob@example.com; eve@evil.example"],
  ["to", "Bob <eve@evil.example>"],
  ["to", "bob@example.com<eve@evil.example>"],
  ["to", "mailto:eve@evil.example"],
  ["url", "https:evil.example/x"],
  ["url", "HTTP:/\\evil.example"],
  ["url", "//evil.example/x"],
  ["url", "see https://evil.example"],
])("%s %j is not understood, and that is said", (argument, text) => {
  expect(one(argument, text)).toEqual({ resources: [], complete: false });
});

test("a list that holds something else beside its addresses is not understood", () => {
  const list = (...items: readonly (string | null)[]): ReturnType<typeof touchedResources> =>
    touchedResources(items.map((text, at) => ({ argument: "to", pointer: `/to/${at}`, text })));
  expect(list("bob@example.com", "ann@example.com").complete).toBe(true);
  expect(list("eve", "ann").complete).toBe(true);
  for (const other of ["eve", "", null]) {
    const { resources, complete } = list("bob@example.com", other);
    expect([resources.map(({ id }) => id), complete]).toEqual([["address:bob@example.com"], false]);
  }
  const apart = [
    { argument: "to", pointer: "/to/0", text: "bob@example.com" },
    { argument: "subject", pointer: "/subject", text: "eve" },
  ];
  expect(touchedResources(apart).complete).toBe(true);
});

test("plain text of another argument names nothing", () => {
  expect(one("subject", "docs/a.md")).toEqual({ resources: [], complete: true });
});

test("too many resources are cut, and that is said", () => {
  const values = Array.from({ length: POLICY_RESOURCES_MAX + 1 }, (_, at) => ({
    argument: "path",
    pointer: `/path/${at}`,
    text: `f${at}`,
  }));
  const { resources, complete } = touchedResources(values);
  expect(resources).toHaveLength(POLICY_RESOURCES_MAX);
  expect(complete).toBe(false);
});

test("no text whatever makes it throw, and what it finds lies where it says", () => {
  fc.assert(
    fc.property(fc.constantFrom("path", "to", "url"), fc.string({ unit: "binary" }), (argument, text) => {
      for (const { kind, id, ancestors } of one(argument, text).resources) {
        expect(id.startsWith(`${kind}:`)).toBe(true);
        expect(ancestors).not.toContain(id);
        expect(new Set(ancestors).size).toBe(ancestors.length);
      }
    }),
    { seed: 42 },
  );
});
