-- Whoever asks for a run waits for this look: where the queue's table is locked as a whole, a second is enough to know.
alter function assent.queue_load(uuid, timestamptz, integer) set lock_timeout = '1s';
