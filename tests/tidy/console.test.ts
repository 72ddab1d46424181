// The web console shows what agents wrote to the one who decides about it. What would let such a text become part of the page,
// or a key outlive its session, is nowhere in its sources; and of the contract it takes nothing but types.

import { expect, test } from "vitest";
import { listFiles, nameOf, read, visit } from "./tree.ts";

/** Ways from text to markup or program, and stores that outlive the session. By any spelling: as a name, or as a text. */
const NEVER: readonly string[] = [
  "Function",
  "createContextualFragment",
  "cookie",
  "dangerouslySetInnerHTML",
  "eval",
  "indexedDB",
  "innerHTML",
  "insertAdjacentHTML",
  "localStorage",
  "outerHTML",
  "parseFromString",
  "setHTMLUnsafe",
  "srcDoc",
  "srcdoc",
];
const NEVER_CALLED: readonly string[] = ["document.write", "document.writeln"];

function faultsOf(file: string, text: string): string[] {
  const found: string[] = [];
  visit(file, text, (node) => {
    const name = node.type === "JSXIdentifier" ? node["name"] : nameOf(node);
    const said = node.type === "Literal" ? node["value"] : name;
    if (typeof said === "string" && node.type !== "MemberExpression" && NEVER.includes(said))
      found.push(said);
    if (node.type === "MemberExpression" && NEVER_CALLED.includes(nameOf(node) ?? ""))
      found.push(nameOf(node) ?? "");
    if (node.type === "ImportDeclaration") {
      const statement = text.slice(node.start, node.end);
      // Not `import { type A }`, of which an import of the whole contract is left.
      if (/["']@assent\/contract["']/.test(statement) && !statement.startsWith("import type "))
        found.push("@assent/contract");
    }
  });
  return found;
}

const sources = listFiles("packages/console/src/**/*.{ts,tsx}").filter((file) => !/\.test\.tsx?$/.test(file));

test("no source of the console makes markup or programs of text, or keeps what should go with the session", () => {
  expect(sources).toContain("packages/console/src/main.tsx");
  expect(sources.flatMap((file) => faultsOf(file, read(file)).map((what) => `${file}: ${what}`))).toEqual([]);
});

test.each([
  ["const a = <p dangerouslySetInnerHTML={{ __html: b }} />;", "dangerouslySetInnerHTML"],
  ["const a = <iframe srcDoc={b} />;", "srcDoc"],
  ["node.innerHTML = text;", "innerHTML"],
  ['node["innerHTML"] = text;', "innerHTML"],
  ['Reflect.set(node, "outerHTML", text);', "outerHTML"],
  ["const { localStorage: kept } = window;", "localStorage"],
  ["window.localStorage.setItem(a, b);", "localStorage"],
  ["document.cookie = a;", "cookie"],
  ["document.write(text);", "document.write"],
  ["eval(text);", "eval"],
  ["new Function(text)();", "Function"],
  ['import { runSchema } from "@assent/contract";', "@assent/contract"],
  ['import { type Run } from "@assent/contract";', "@assent/contract"],
])("finds %s", (text, what) => {
  expect(faultsOf("x.tsx", text)).toContain(what);
});

test.each([
  'import type { Run } from "@assent/contract";',
  "const a = <p>{text}</p>;",
  "node.textContent = text;",
  "const write = (text: string) => text;",
])("passes %s", (text) => {
  expect(faultsOf("x.tsx", text)).toEqual([]);
});

test("the page has no script, style or address of its own", () => {
  const page = read("packages/console/index.html");
  expect(page).toContain('<div id="root">');
  expect(page.match(/<script\b[^>]*>[^<]*/g)).toEqual(['<script type="module" src="/src/main.tsx">']);
  expect(page).not.toMatch(/<style|\sstyle=|\son[a-z]+=|https?:/i);
});
