-- Sixty repetitions at once on a busy machine wait longer than two seconds for the first, and every one of them is to
-- get its answer.
alter function assent.claim_key(uuid, uuid, text, text, timestamptz, timestamptz) set lock_timeout = '5s';
