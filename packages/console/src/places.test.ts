import { expect, test } from "vitest";
import { hashOf, PAGES, PAGES_OF_ONE, type Place, placeOf, placeOfPage } from "./places.ts";

const ID = `run_${"0a".repeat(16)}`;

test.each<Place>([
  { page: "inbox" },
  { page: "approval", id: `apr_${"0a".repeat(16)}` },
  { page: "runs", status: "" },
  { page: "runs", status: "awaiting_approval" },
  { page: "run", id: ID, step: null },
  { page: "run", id: ID, step: 12 },
  { page: "escalations", status: "open" },
  { page: "escalations", status: "resolved" },
  { page: "precedents" },
  { page: "access" },
  { page: "webhooks" },
  { page: "webhook", id: `whk_${"0a".repeat(16)}`, status: "" },
  { page: "webhook", id: `whk_${"0a".repeat(16)}`, status: "dead" },
  { page: "rules", rule: null },
  { page: "rules", rule: "default/untrusted-control" },
  { page: "audit" },
  { page: "quality" },
  { page: "health" },
  { page: "settings" },
])("a place is found again by what stands behind the #: %o", (place) => {
  expect(placeOf(hashOf(place))).toEqual(place);
});

test.each(PAGES)("the bar leads to a page that there is: %o", ({ page }) => {
  expect(placeOf(hashOf(placeOfPage(page))).page).toBe(page);
});

test("no page stands twice, and none has another's key", () => {
  const pages = [...PAGES, ...PAGES_OF_ONE].map(({ page }) => page);
  expect(new Set(pages).size).toBe(pages.length);
  expect(new Set(PAGES.map(({ key }) => key)).size).toBe(PAGES.length);
});

test.each([
  "",
  "#",
  "#/nowhere",
  "#/approvals/../../x",
  "#/approvals/apr_1",
  "#/runs/run_%2e%2e",
  "#javascript:alert(1)",
  "#/rule/<img>",
])("%s leads to no request of another path", (hash) => {
  const place = placeOf(hash);
  expect(place.page === "inbox" || (place.page === "runs" && place.status === "")).toBe(true);
});

test("messages of a webhook are narrowed by a state that there is, or not at all", () => {
  const id = `whk_${"0a".repeat(16)}`;
  expect(placeOf(`#/webhooks/${id}/nothing&limit=1`)).toEqual({ page: "webhook", id, status: "" });
  expect(placeOf("#/webhooks/../keys")).toEqual({ page: "webhooks" });
});
