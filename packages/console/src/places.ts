// Where in the console one is: it stands behind the `#`, so that the server sees nothing of it.

/** The pages that the bar leads to, with the key that does after `g`. */
export const PAGES = [
  { page: "inbox", name: "Inbox", key: "i" },
  { page: "runs", name: "Runs", key: "r" },
  { page: "escalations", name: "Escalations", key: "e" },
  { page: "precedents", name: "Precedents", key: "p" },
  { page: "rules", name: "Rules", key: "u" },
  { page: "audit", name: "Audit", key: "a" },
  { page: "access", name: "Access", key: "k" },
  { page: "webhooks", name: "Webhooks", key: "w" },
  { page: "quality", name: "Quality", key: "q" },
  { page: "health", name: "Health", key: "h" },
  { page: "settings", name: "Settings", key: "s" },
] as const;

/** The pages of one thing each, and the page of the bar that they are found from. With `PAGES` these are all: there is no other `Place`. */
export const PAGES_OF_ONE = [
  { page: "approval", name: "Approval", under: "inbox" },
  { page: "run", name: "Run", under: "runs" },
  { page: "webhook", name: "Messages", under: "webhooks" },
] as const;

/** What a page is about, beside its name. */
type About = {
  readonly approval: { readonly id: string };
  readonly runs: { readonly status: string };
  readonly run: { readonly id: string; readonly step: number | null };
  readonly escalations: { readonly status: string };
  readonly rules: { readonly rule: string | null };
  readonly webhook: { readonly id: string; readonly status: string };
};
type PageName = (typeof PAGES | typeof PAGES_OF_ONE)[number]["page"];
export type Place = {
  [P in PageName]: { readonly page: P } & (P extends keyof About ? About[P] : unknown);
}[PageName];

const ID = /^[a-z]{3}_[0-9a-f]{32}$/;

/** Ids of rules have slashes in them, and nothing that would have to be written otherwise. */
const RULE = /^#\/rules\/([a-z0-9._/-]{1,200})$/;

/** States by which the messages of a webhook are narrowed. */
const MESSAGES = /^(?:pending|delivered|dead)$/;

/** Whatever names no place leads to the inbox. */
export function placeOf(hash: string): Place {
  const [page = "", id = "", rest = "", seq = ""] = hash.replace(/^#\/?/, "").split("/");
  if (page === "approvals" && ID.test(id)) return { page: "approval", id };
  if (page === "runs" && ID.test(id))
    return { page: "run", id, step: rest === "steps" && /^\d{1,9}$/.test(seq) ? Number(seq) : null };
  if (page === "runs") return { page: "runs", status: /^[a-z_]*$/.test(id) ? id : "" };
  if (page === "rules") return { page, rule: RULE.exec(hash)?.[1] ?? null };
  if (page === "escalations") return { page, status: id === "resolved" ? id : "open" };
  if (page === "precedents" || page === "audit" || page === "access") return { page };
  if (page === "webhooks")
    return ID.test(id) ? { page: "webhook", id, status: MESSAGES.test(rest) ? rest : "" } : { page };
  if (page === "quality" || page === "health" || page === "settings") return { page };
  return { page: "inbox" };
}

export function hashOf(place: Place): string {
  if (place.page === "approval") return `#/approvals/${place.id}`;
  if (place.page === "run") return `#/runs/${place.id}${place.step === null ? "" : `/steps/${place.step}`}`;
  if (place.page === "webhook")
    return `#/webhooks/${place.id}${place.status === "" ? "" : `/${place.status}`}`;
  if (place.page === "rules") return place.rule === null ? "#/rules" : `#/rules/${place.rule}`;
  const isNarrowed =
    (place.page === "runs" && place.status !== "") ||
    (place.page === "escalations" && place.status !== "open");
  return isNarrowed ? `#/${place.page}/${place.status}` : `#/${place.page}`;
}

/** Where a page begins that has several views. */
export const placeOfPage = (page: (typeof PAGES)[number]["page"]): Place =>
  page === "runs"
    ? { page, status: "" }
    : page === "escalations"
      ? { page, status: "open" }
      : page === "rules"
        ? { page, rule: null }
        : { page };
