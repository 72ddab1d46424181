-- Where the planner knows nothing of a table yet, or the plan that a session keeps is older than the table's growth, any
-- index that begins with the tenant is as good to it as the key: it then finds one row by reading all of the tenant's.
-- Every approval, and every event of one, was found so in the first minutes of an installation: 500 rows a run after 160
-- runs. So of the indexes that hold every row only the key begins with the tenant; the others begin with what tells
-- rows apart, or cannot be taken for a look-up by id, since they hold what has a date or a number, which is everything,
-- and only who asks for that may use them. (0043 did the same for the list of runs.)

alter table assent.approvals
  drop constraint approvals_tenant_id_run_id_seq_key,
  add constraint approvals_tenant_id_run_id_seq_key unique (run_id, tenant_id, seq);
alter table assent.principals
  drop constraint principals_tenant_id_kind_name_key,
  add constraint principals_tenant_id_kind_name_key unique (name, tenant_id, kind);
alter table assent.harmony_escalations
  drop constraint harmony_escalations_tenant_id_first_id_occurrence_key,
  add constraint harmony_escalations_tenant_id_first_id_occurrence_key unique (first_id, tenant_id, occurrence);

drop index assent.budget_reservations_of_run;
create index budget_reservations_of_run on assent.budget_reservations (run_id, tenant_id);
drop index assent.harmony_resolutions_by_id;
create index harmony_resolutions_by_id on assent.harmony_resolutions (id, tenant_id);
drop index assent.harmony_escalations_of_pattern;
create index harmony_escalations_of_pattern on assent.harmony_escalations
  (pattern_id, tenant_id, status, escalated_at desc, id);

drop index assent.harmony_escalations_newest;
create index harmony_escalations_newest on assent.harmony_escalations (tenant_id, status, escalated_at desc, id)
  where escalated_at >= '-infinity';
drop index assent.audit_batches_by_event;
create index audit_batches_by_event on assent.audit_batches (tenant_id, last_event) where last_event is not null;

drop index assent.harmony_patterns_newest;
create index harmony_patterns_newest on assent.harmony_patterns (tenant_id, recorded_at desc, id)
  where recorded_at >= '-infinity';
drop index assent.harmony_audit_newest;
create index harmony_audit_newest on assent.harmony_audit (tenant_id, at desc, id) where at >= '-infinity';
drop index assent.documents_newest;
create index documents_newest on assent.documents (tenant_id, created_at desc, id desc)
  where created_at >= '-infinity';
