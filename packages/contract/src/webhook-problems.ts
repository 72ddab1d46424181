// How requests about webhooks are refused.

export const WEBHOOK_PROBLEMS = {
  webhook_not_found: {
    status: 404,
    title: "No such webhook",
    remedy: "List them with `assent webhooks list`.",
  },
  delivery_not_found: {
    status: 404,
    title: "No such message",
    remedy: "List them with `assent webhooks deliveries <webhook>`.",
  },
  webhook_off: {
    status: 409,
    title: "The webhook is off",
    remedy: "Nothing was sent. Switch it on first, with `assent webhooks enable <webhook>`.",
  },
  webhooks_full: {
    status: 409,
    title: "There are as many webhooks as there may be",
    remedy: "Remove one with `assent webhooks remove <webhook>`.",
  },
} as const;
