-- For which rules a remembered yes was given: by the id of each that asked, until when. Whoever agreed was shown those rules'
-- reasons and no others, so a rule that asks for the first time later is answered by a person. Null: an older program kept the
-- answer, and did not note what was asked.
alter table assent.precedent_terms add column rules jsonb check (jsonb_typeof(rules) = 'object');
