// Bugs of whoever keeps the evidence. Tried at night, beside the product's own (tests/security/audit).

export const LOG_BUGS = {
  "log.success": "puts runs into its log that have succeeded, and no others",
  "log.called": "puts no run into its log that was called off",
  "log.noes": "answers a no without a receipt",
  "log.split": "proves events out of a log of its own, in which all else is another history",
  "log.receipts": "answers decisions with receipts out of such a log",
  "log.servers": "has another log at each of its servers",
  "log.anew": "begins its log anew when it is started, and forgets the old one",
  "log.times": "signs times that are not those of its events",
  "log.hidden": "has signed of a run what the run's events do not tell",
  "log.stranger": "signs with a key that it has not named",
  "log.edited": "shows other entries than it has signed",
  "log.open": "lets anybody read it who has a key",
} as const;

export type LogBug = keyof typeof LOG_BUGS;

export const isLogBug = (name: string): name is LogBug => Object.hasOwn(LOG_BUGS, name);
