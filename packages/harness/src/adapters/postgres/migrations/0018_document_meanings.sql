-- Embeddings of passages, where the installation has a model for them: of length one, and with a signature of bits.

alter table assent.document_passages
  add column embedding real[],
  add column signature bit(256),
  -- Vectors of two models have nothing to say to each other.
  add column embedding_model text,
  add constraint document_passages_meaning check (
    (embedding is null) = (signature is null) and (embedding is null) = (embedding_model is null));

create function assent.nearness(one real[], other real[]) returns double precision language sql immutable
  parallel safe set search_path = '' as $$
  select coalesce(pg_catalog.sum(a * b), 0) from unnest(one, other) as parts (a, b)
$$;
revoke all on function assent.nearness(real[], real[]) from public;
grant execute on function assent.nearness(real[], real[]) to assent_app;
