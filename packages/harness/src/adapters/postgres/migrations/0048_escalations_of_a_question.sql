-- Of one question; many others can be open for ever, since nobody answered them in time.
create index harmony_escalations_of_pattern on assent.harmony_escalations (tenant_id, pattern_id, escalated_at desc, id);
