-- The id stands beside the key, not in it: else this index could be taken to look a run up by its id, through all of its
-- tenant's runs, by a plan that is older than the table's growth. (Checks of references from a transaction that had stored
-- a hundred thousand runs did not end.)
drop index assent.runs_newest;
create index runs_newest on assent.runs (tenant_id, created_at desc) include (id);
