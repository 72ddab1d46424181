-- By this index runs are listed, and nothing else: it could be taken to look a run up by its id as well, through all of its
-- tenant's runs, in a table that was not counted yet or by a plan that is older than the table's growth. (Checks of references
-- from a transaction that had stored a hundred thousand runs did not end.) So the id stands beside its key, and whoever
-- lists says what is true of every run, without which the planner may not use it.
drop index assent.runs_newest;
create index runs_newest on assent.runs (tenant_id, created_at desc) include (id) where driver in ('assent', 'external');
