-- Documents of a tenant, cut into passages that are found by their words and by their letters.

create table assent.documents (
  tenant_id uuid not null references assent.tenants,
  id uuid not null,
  name text not null check (char_length(name) between 1 and 200),
  source text check (char_length(source) <= 2000),
  -- For people: no query reads it.
  metadata json not null,
  sha256 bytea not null check (octet_length(sha256) = 32),
  chars integer not null check (chars >= 1),
  passages integer not null check (passages >= 1),
  created_at timestamptz not null,
  created_by uuid not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, created_by) references assent.principals
);
create index documents_newest on assent.documents (tenant_id, created_at desc, id desc);

-- Stemmed English words and the words as they are, so that other languages are found too.
create function assent.words_of(name text, body text) returns tsvector language sql immutable parallel safe
  set search_path = '' as $$
  select pg_catalog.setweight(pg_catalog.to_tsvector('pg_catalog.english', body), 'B')
      || pg_catalog.setweight(pg_catalog.to_tsvector('pg_catalog.simple', body), 'B')
      || pg_catalog.setweight(pg_catalog.to_tsvector('pg_catalog.simple', name), 'D')
$$;

-- Any word of the question will do: a question in whole sentences shares all its words with no passage. The parser's
-- output is joined anew, and what stands between its words is all that is replaced.
create function assent.any_word_of(question text) returns tsquery language sql immutable parallel safe
  set search_path = '' as $$
  select pg_catalog.replace(pg_catalog.plainto_tsquery('pg_catalog.english', question)::text, ' & ', ' | ')::pg_catalog.tsquery
      || pg_catalog.replace(pg_catalog.plainto_tsquery('pg_catalog.simple', question)::text, ' & ', ' | ')::pg_catalog.tsquery
$$;

-- How much of the question's letters (trigrams) stands close together in a text, from 0 to 1: it finds what is
-- misspelt. A database that does not offer pg_trgm goes without.
do $$
declare
  home text;
begin
  begin
    create extension if not exists pg_trgm with schema assent;
  exception when insufficient_privilege or undefined_file or feature_not_supported then
    raise notice 'pg_trgm is not to be had: documents are found by their words only';
  end;
  select n.nspname into home from pg_catalog.pg_extension e
    join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm';
  if home is null then
    execute 'create function assent.likeness(question text, body text) returns real language sql immutable
      parallel safe set search_path = '''' as ''select 0::pg_catalog.float4''';
  else
    execute format('create function assent.likeness(question text, body text) returns real language sql immutable
      parallel safe set search_path = '''' as ''select %I.word_similarity(question, body)''', home);
    execute format('grant usage on schema %I to assent_app', home);
  end if;
end
$$;

create table assent.document_passages (
  tenant_id uuid not null,
  document_id uuid not null,
  seq integer not null check (seq >= 1),
  starts_at integer not null check (starts_at >= 0),
  body text not null,
  words tsvector not null,
  primary key (tenant_id, document_id, seq),
  -- With its document goes every passage: a text that was removed is found by nobody.
  foreign key (tenant_id, document_id) references assent.documents on delete cascade
);

do $$
declare
  name text;
begin
  foreach name in array array['documents', 'document_passages']
  loop
    execute format('alter table assent.%I enable row level security', name);
    execute format('alter table assent.%I force row level security', name);
    execute format(
      'create policy tenant_wall on assent.%I to assent_app
         using (tenant_id = assent.tenant()) with check (tenant_id = assent.tenant())', name);
    execute format('create policy owner on assent.%I to current_user using (true) with check (true)', name);
  end loop;
end
$$;

revoke all on function assent.words_of(text, text), assent.any_word_of(text), assent.likeness(text, text) from public;
grant execute on function assent.words_of(text, text), assent.any_word_of(text), assent.likeness(text, text) to assent_app;
grant select, insert, delete on assent.documents, assent.document_passages to assent_app;
