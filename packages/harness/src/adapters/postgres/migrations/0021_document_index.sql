-- Passages are found through an index. Under row-level security Postgres uses no index for an operator that might leak
-- what it compares, and none of full text or trigrams is known not to. So candidates are found by two functions of the
-- schema's owner, whose only rows are those of the tenant that the transaction has named; they tell places and scores,
-- no text. Whoever asks joins them with the table, under its own row-level security.

-- With the tenant in the same index a search touches the tenant's own entries, however many others have. A database
-- that does not offer btree_gin finds passages by their words first and leaves others' out after that.
do $$
declare
  home text;
begin
  begin
    create extension if not exists btree_gin with schema assent;
  exception when insufficient_privilege or undefined_file or feature_not_supported then
    raise notice 'btree_gin is not to be had: the index of documents does without the tenant';
  end;
  select n.nspname into home from pg_catalog.pg_extension e
    join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'btree_gin';
  -- What is not in the index proper yet is read as a whole by every search, so little of it is let come together.
  if home is null then
    create index document_passages_words on assent.document_passages using gin (words)
      with (gin_pending_list_limit = 256);
  else
    execute format('create index document_passages_words on assent.document_passages
      using gin (tenant_id %I.uuid_ops, words) with (gin_pending_list_limit = 256)', home);
  end if;
end
$$;

-- As it was, without the words that stand in every text: with them a question in a sentence would find everything.
create or replace function assent.any_word_of(question text) returns tsquery language sql immutable parallel safe
  set search_path = '' as $$
  select pg_catalog.replace(pg_catalog.plainto_tsquery('pg_catalog.english', question)::text, ' & ', ' | ')::pg_catalog.tsquery
      || pg_catalog.replace(pg_catalog.plainto_tsquery('pg_catalog.simple', coalesce((
           select pg_catalog.string_agg(lexeme, ' ')
           from pg_catalog.unnest(pg_catalog.to_tsvector('pg_catalog.simple', question))
           where pg_catalog.ts_lexize('pg_catalog.english_stem', lexeme) is distinct from '{}'
         ), ''))::text, ' & ', ' | ')::pg_catalog.tsquery
$$;

create function assent.every_word_of(question text) returns tsquery language sql immutable parallel safe
  set search_path = '' as $$
  select pg_catalog.plainto_tsquery('pg_catalog.english', question)
$$;

-- Bitmaps only: a plan that walks the tenant's rows by their key would read all of them.
create function assent.passages_by_words(question tsquery, rows_max integer)
  returns table (tenant_id uuid, document_id uuid, seq integer, score real)
  language sql stable security definer set search_path = ''
  set enable_seqscan = off set enable_indexscan = off set enable_indexonlyscan = off as $$
  select p.tenant_id, p.document_id, p.seq, pg_catalog.ts_rank(p.words, question, 1) as score
  from assent.document_passages p
  where p.tenant_id = assent.tenant() and p.words @@ question
  order by score desc, p.document_id, p.seq limit rows_max
$$;

-- By letters: trigrams of the text, by the tenant's own index again. Without pg_trgm nothing is found so.
do $$
declare
  trigrams text;
  keys text;
begin
  select n.nspname into trigrams from pg_catalog.pg_extension e
    join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm';
  select n.nspname into keys from pg_catalog.pg_extension e
    join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'btree_gin';
  if trigrams is null then
    create function assent.passages_by_letters(question text, besides tsquery, score_min real, rows_max integer)
      returns table (tenant_id uuid, document_id uuid, seq integer, score real)
      language sql stable security definer set search_path = '' as $none$
      select null::uuid, null::uuid, null::integer, null::real where false
    $none$;
    return;
  end if;
  execute format('create index document_passages_letters on assent.document_passages using gin (%s body %I.gin_trgm_ops)
    with (gin_pending_list_limit = 256)',
    case when keys is null then '' else format('tenant_id %I.uuid_ops,', keys) end, trigrams);
  execute format($make$
    create function assent.passages_by_letters(question text, besides tsquery, score_min real, rows_max integer)
      returns table (tenant_id uuid, document_id uuid, seq integer, score real)
      language plpgsql stable security definer set search_path = ''
      set enable_seqscan = off set enable_indexscan = off set enable_indexonlyscan = off as $body$
    begin
      -- The operator, which the index knows, compares with a setting.
      perform pg_catalog.set_config('pg_trgm.word_similarity_threshold', score_min::text, true);
      return query
        select p.tenant_id, p.document_id, p.seq, assent.likeness(question, p.body) as score
        from assent.document_passages p
        where p.tenant_id = assent.tenant() and question operator(%1$I.<%%) p.body and not p.words @@ besides
        order by score desc, p.document_id, p.seq limit rows_max;
    end
    $body$
  $make$, trigrams);
end
$$;

revoke all on function assent.every_word_of(text), assent.passages_by_words(tsquery, integer),
  assent.passages_by_letters(text, tsquery, real, integer) from public;
grant execute on function assent.every_word_of(text), assent.passages_by_words(tsquery, integer),
  assent.passages_by_letters(text, tsquery, real, integer) to assent_app;
