-- Since when a provider has been failing: a run waits for one that is away, but not for ever.
alter table assent.provider_breakers add column since timestamptz;
