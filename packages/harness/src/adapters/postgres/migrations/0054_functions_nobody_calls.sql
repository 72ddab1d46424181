-- Functions that later migrations put others in the place of. No program calls them that serves beside this one (docs/fleet.md,
-- "Upgrade with live runs"), and each that the service may call is one more way around row-level security.
drop function assent.take_run(uuid, timestamptz, integer);
drop function assent.take_queued(uuid, timestamptz, integer);
drop function assent.take_next(uuid, timestamptz, integer);
drop function assent.queue_load(uuid, timestamptz, integer);
drop function assent.audit_balances();
