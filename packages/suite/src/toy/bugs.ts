// One switch a bug. A scenario that cannot tell the toy with a bug from the toy without it proves nothing.

export const BUGS = {
  "idem.race": "looks the key up, and stores it a moment later",
  "idem.body": "answers another body under a known key with the first run",
  "idem.global": "keys are shared by all principals",
  "idem.memory": "keys are forgotten over a restart",
  "idem.optional": "works without a key",
  "idem.silent": "does not say that an answer is a repetition",
  "idem.twin": "the loser of a race leaves its run behind",
  "tenant.open": "another tenant's run can be read",
  "tenant.tell": "another tenant's run is refused differently from an unknown one",
  "apr.race": "two approvals at once both count",
  "apr.again": "a repeated approval adds another event",
  "apr.unbound": "the digest is not looked at",
  "apr.vote": "a later denial overrides",
  "apr.other": "carries out other arguments than were approved",
  "apr.stray": "a decision lands on what was asked last, whatever it names",
  "apr.forged": "believes an approval that comes with a submission",
  "apr.late": "a yes after a no counts",
  "deny.runs": "a declined call is made all the same",
  "gate.none": "never asks",
  "gate.late": "acts first, then waits",
  "gate.auto": "approves by itself when looked at often enough",
  "gate.deaf": "an approval of a cancelled run brings it back",
  "state.loose": "a finished run can be cancelled",
  "state.bump": "a refused request still counts up the run's version",
  "state.stuck": "the run never goes on after the approval",
  "code.loose": "the code lets a failed run run again",
  "code.strict": "the code refuses to release a run",
  "db.loose": "the database accepts every transition",
  "effect.twice": "the effect is sent twice, the second time under another key",
  "audit.gap": "an event is left out",
  "audit.digest": "digests cover the kind only",
  "audit.actor": "approvals are recorded without the person",
  "artifact.flagfirst": "says succeeded while the artifact is still half there",
  "artifact.optimist": "says succeeded though the store refused the artifact",
  "artifact.volatile": "keeps artifacts in a process's memory",
  "artifact.none": "finishes without any artifact",
  "stream.order": "streams the newest event first",
  "stream.deaf": "ignores Last-Event-ID",
  "etag.fixed": "the ETag does not change with the run",
  "leak.label": "shows a secret that somebody wrote into a label",
  "log.raw": "logs requests as they came",
  "leak.key": "puts the caller's key into the run's answer",
  "err.html": "refuses in HTML",
  "loc.missing": "names no place for an accepted run",
} as const;

export type Bug = keyof typeof BUGS;

export function isBug(name: string): name is Bug {
  return Object.hasOwn(BUGS, name);
}
