import { beforeAll, describe, expect, it, vi } from 'vitest';
import { analyzeModification, analyzeSelect, analyzeStatement } from '../../src/domain/sql/analyze.ts';
import { loadSqlParser, SQL_LIMIT } from '../../src/domain/sql/parser.ts';

// Files of this tier share what they have loaded, the parser too.
vi.hoisted(() => vi.resetModules());

const codeOf = (result: { ok: true } | { ok: false; code: string }): string => (result.ok ? 'ok' : result.code);

describe('before the parser is loaded', () => {
  it('refuses everything', () => {
    expect(codeOf(analyzeSelect('select 1'))).toBe('parser_not_loaded');
    expect(codeOf(analyzeModification('delete from t'))).toBe('parser_not_loaded');
    expect(codeOf(analyzeStatement('drop table t', 0))).toBe('parser_not_loaded');
  });
});

describe('analyzeSelect', () => {
  beforeAll(loadSqlParser);

  it.each(['/*', '/**/', '+-'])('refuses what the scanner would read again from every token: %s', (text) => {
    const started = performance.now();
    expect(codeOf(analyzeSelect(`select 1 ${text.repeat(60_000 / text.length)}`))).toBe('sql_too_long');
    // The three took 20, 8 and 10 s.
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('reads a comment between two lines of stars, and long operators in texts', () => {
    const stars = '*'.repeat(500);
    expect(codeOf(analyzeSelect(`/${stars}\n * all users\n ${stars}/ select '${'-'.repeat(1_000)}'`))).toBe('ok');
  });

  it.each([
    'select 1',
    'SELECT id, email FROM users WHERE last_login < $1 ORDER BY id LIMIT 10',
    'select count(*) filter (where a > 1) over (partition by b order by c rows 2 preceding) from t',
    'select * from a join b using (id) left join lateral (select * from c where c.id = a.id) x on true',
    "select pg_catalog.lower(name), coalesce(a, 1), nullif(b, ''), greatest(1, 2) from t where name like 'x%' or a in (1,2)",
    'with x as (select 1 as a), y as (select * from x) select * from y',
    'with recursive n(i) as (values (1) union all select i + 1 from n where i < 5) select * from n',
    'values (1, 2), (3, 4)',
    'table users',
    "select '2024-01-01'::date, cast(a as numeric(10, 2)), array[1, 2]::int8[], interval '1 day' from t",
    'select * from generate_series(1, 3) with ordinality as g(v, n)',
    "select data -> 'a' ->> 'b', data @> '{}'::jsonb, data ? 'k' from t",
    "select * from jsonb_to_recordset('[]'::jsonb) as r(a int, b text)",
    'select a, grouping(a), sum(b) from t group by rollup (a) having sum(b) between 1 and 2',
    'select 1; -- a comment after the end',
    "select /* a ; 'comment' */ 1 -- ; drop table users",
    "select 'drop table users; --'",
    `select "drop table users" from "t;t"`,
    'select $$ delete from users; $$',
    "select U&'\\0064\\0072op'",
    'select current_date, now(), extract(year from now())',
    'select exists (select 1 from t), a = any (select b from u), a > all (array[1,2]) from t',
    "select a at time zone 'UTC', a is distinct from b, a is not null, b is true, case a when 1 then 2 else 3 end from t",
    'select * from t union all (select * from u intersect select * from v) order by 1 offset 2 fetch first 3 rows only',
    'select t.id, t.arr[1:2], (array[1, 2])[1], (t).*, row(1, 2) from t',
    "select trim(both 'x' from a), substring(a from 1 for 2), position('a' in b), overlay(a placing 'x' from 1) from t",
    'select a collate "C" from t',
  ])('takes %s', (sql) => {
    expect(analyzeSelect(sql)).toMatchObject({ ok: true });
  });

  it.each([
    ['', 'sql_invalid'],
    [' ; ', 'not_one_statement'],
    ['-- nothing', 'not_one_statement'],
    ['selec 1', 'sql_invalid'],
    ['select 1; select 2', 'not_one_statement'],
    ['select 1; drop table users', 'not_one_statement'],
    ['select 1\0; drop table users', 'sql_invalid'],
    ["select '\ud800'", 'sql_invalid'],
    ['\ufeffselect 1', 'sql_invalid'],
    [`select ${'('.repeat(40_000)}1${')'.repeat(40_000)}`, 'sql_too_long'],
    [`select ${'('.repeat(30_000)}1${')'.repeat(30_000)}`, 'sql_invalid'],
    [`select 1 ${'+ 1'.repeat(2_000)}`, 'construct_not_allowed'],
    ['delete from users', 'not_a_select'],
    ['insert into t values (1) returning *', 'not_a_select'],
    ['explain select 1', 'not_a_select'],
    ['explain analyze delete from users', 'not_a_select'],
    ['copy users to stdout', 'not_a_select'],
    ["copy users from program 'rm -rf /'", 'not_a_select'],
    ['do $$ begin delete from users; end $$', 'not_a_select'],
    ['execute prepared(1)', 'not_a_select'],
    ['prepare p as delete from users', 'not_a_select'],
    ['call drop_everything()', 'not_a_select'],
    ['set role postgres', 'not_a_select'],
    ['begin', 'not_a_select'],
    ['merge into t using u on true when matched then delete', 'not_a_select'],
    ['declare c cursor for select 1', 'not_a_select'],
    ['select * into copy_of_users from users', 'construct_not_allowed'],
    ['create table x as select 1', 'not_a_select'],
    ['select * from users for update', 'construct_not_allowed'],
    ['select * from users for key share skip locked', 'construct_not_allowed'],
    ['select * from (select * from users for share) x', 'construct_not_allowed'],
    ['with gone as (delete from users returning *) select * from gone', 'construct_not_allowed'],
    ['with a as (with b as (update t set x = 1 returning *) select * from b) select * from a', 'construct_not_allowed'],
    ['select * from (with i as (insert into t values (1) returning *) select * from i) x', 'construct_not_allowed'],
    ['select pg_sleep(10)', 'function_not_allowed'],
    ['select /* lower( */ pg_sleep /* */ (10)', 'function_not_allowed'],
    ['select pg_catalog.pg_sleep(10)', 'function_not_allowed'],
    ['select "pg_sleep"(10)', 'function_not_allowed'],
    ['select U&"pg\\005fsleep"(10)', 'function_not_allowed'],
    ['select public.lower(name) from t', 'function_not_allowed'],
    ['select "LOWER"(name) from t', 'function_not_allowed'],
    ['select a.b.lower(name) from t', 'function_not_allowed'],
    ["select * from pg_read_file('/etc/passwd')", 'function_not_allowed'],
    ["select * from rows from (pg_ls_dir('.'), generate_series(1, 2))", 'function_not_allowed'],
    ['select 1 from t where id = (select pg_terminate_backend(1))', 'function_not_allowed'],
    ['select 1 order by pg_sleep(1)', 'function_not_allowed'],
    ["select 1 limit (select nextval('s'))", 'function_not_allowed'],
    ['select sum(a) over (order by pg_sleep(1)) from t', 'function_not_allowed'],
    ['select count(*) filter (where pg_sleep(1) is null) from t', 'function_not_allowed'],
    ['select a from t group by grouping sets ((pg_sleep(1)::text), ())', 'function_not_allowed'],
    ['values (pg_sleep(1))', 'function_not_allowed'],
    ['with x as (values (lo_unlink(1))) select * from x', 'function_not_allowed'],
    ["select query_to_xml('delete from users', true, true, '')", 'function_not_allowed'],
    ["select ts_stat('delete from users')", 'function_not_allowed'],
    ["select set_config('role', 'postgres', false)", 'function_not_allowed'],
    ["select current_setting('app.secret')", 'function_not_allowed'],
    ["select dblink_exec('delete from users')", 'function_not_allowed'],
    ["select lo_import('/etc/passwd')", 'function_not_allowed'],
    ['select pg_advisory_lock(1)', 'function_not_allowed'],
    ["select pg_notify('a', 'b')", 'function_not_allowed'],
    ['select random()', 'function_not_allowed'],
    ['select gen_random_uuid()', 'function_not_allowed'],
    ['select (10::float8).pg_sleep', 'construct_not_allowed'],
    ['select $1.pg_sleep', 'construct_not_allowed'],
    ['select (t.delay).pg_sleep from t', 'construct_not_allowed'],
    ['select (select 10::float8).pg_sleep', 'construct_not_allowed'],
    ['select 1 operator(public.+) 2', 'operator_not_allowed'],
    ['select 1 <<<>>> 2', 'operator_not_allowed'],
    ['select 1 operator(public.=) any (array[1])', 'operator_not_allowed'],
    ['select 1 where (1, 2) operator(evil.=) (select 1, 2)', 'operator_not_allowed'],
    ['select 1 order by 1 using operator(evil.<)', 'construct_not_allowed'],
    ["select 'x'::mood", 'type_not_allowed'],
    ["select 'x'::public.text", 'type_not_allowed'],
    ["select 'pg_class'::regclass", 'type_not_allowed'],
    ["select public.mytype 'x'", 'type_not_allowed'],
    ["select * from jsonb_to_recordset('[]') as r(a mood)", 'type_not_allowed'],
    ['select a::users.id%type from t', 'type_not_allowed'],
    ['select * from t tablesample evil(1)', 'construct_not_allowed'],
    ['select xmlelement(name a)', 'construct_not_allowed'],
    ["select * from xmltable('/a' passing '<a/>' columns b text)", 'construct_not_allowed'],
    ["select * from json_table('[]', '$[*]' columns (a int path '$'))", 'construct_not_allowed'],
    ['select * from otherdb.public.users', 'construct_not_allowed'],
  ])('refuses %s', (sql, code) => {
    expect(codeOf(analyzeSelect(sql))).toBe(code);
  });

  it('cuts what stands after the end and counts in bytes', () => {
    expect(analyzeSelect("  select 'ü€😀' ;  -- bye")).toMatchObject({ ok: true, text: "select 'ü€😀' " });
  });

  it('names what the search path decides', () => {
    const result = analyzeSelect(
      'with c as (select 1 as a) select lower(t.name), pg_catalog.upper(x.f), now() from s.t, c where a = 1 and b between 1 and 2',
    );
    expect(result).toMatchObject({
      ok: true,
      names: {
        functions: ['lower', 'now'],
        columns: ['name', 'f'],
        timeless: false,
        tables: [
          { schema: 's', name: 't' },
          { schema: null, name: 'c' },
        ],
      },
    });
    expect(result.ok && result.names.operators).toEqual(expect.arrayContaining(['=', '<=', '>=']));
  });

  it('keeps working after a statement that exhausts the parser', () => {
    for (let i = 0; i < 20; i++) expect(analyzeSelect(`select ${'not '.repeat(16_000)}true`).ok).toBe(false);
    expect(analyzeSelect('select 1').ok).toBe(true);
    expect(SQL_LIMIT).toBe(65_536);
  });
});

describe('analyzeModification', () => {
  beforeAll(loadSqlParser);

  it('tells verb, table, alias and columns', () => {
    expect(analyzeModification('DELETE FROM public.users u USING t WHERE u.id = t.id RETURNING u.id;')).toMatchObject({
      ok: true,
      verb: 'delete',
      table: { schema: 'public', name: 'users' },
      reference: 'u',
      only: false,
      columns: [],
      returning: true,
      names: { timeless: true },
    });
    expect(analyzeModification('update only users set a = 1, (b, c) = (select 2, 3) where id = $1')).toMatchObject({
      ok: true,
      verb: 'update',
      reference: 'users',
      only: true,
      columns: ['a', 'b', 'c'],
      returning: false,
    });
    expect(
      analyzeModification('with s as (select 1 as a) insert into t (a) select a from s on conflict (a) do nothing'),
    ).toMatchObject({ ok: true, verb: 'insert', columns: ['a'] });
  });

  it.each([
    ['select 1', 'not_a_modification'],
    ['truncate users', 'not_a_modification'],
    ['drop table users', 'not_a_modification'],
    ['merge into t using u on true when matched then delete', 'not_a_modification'],
    ['delete from users; delete from orders', 'not_one_statement'],
    ['delete from users where pg_sleep(1) is null', 'function_not_allowed'],
    ["delete from users returning dblink_exec('x')", 'function_not_allowed'],
    ["update users set a = nextval('s')", 'function_not_allowed'],
    ['update users set a = default', 'construct_not_allowed'],
    ['insert into t default values', 'construct_not_allowed'],
    ['insert into t (a) values (default)', 'construct_not_allowed'],
    ['insert into t (a) values (1) on conflict (a) do update set a = 2', 'construct_not_allowed'],
    ['insert into t (a) values (1) on conflict (lower(a)) do nothing', 'construct_not_allowed'],
    ['insert into t (a) values (1) on conflict (a evil_ops) do nothing', 'construct_not_allowed'],
    ['with x as (delete from orders returning *) delete from users', 'construct_not_allowed'],
    ['delete from users where current of c', 'construct_not_allowed'],
    ['delete from users where id in (select id from t for update)', 'construct_not_allowed'],
    ['update t set a = 1 returning with (old as o) o.a', 'construct_not_allowed'],
  ])('refuses %s', (sql, code) => {
    expect(codeOf(analyzeModification(sql))).toBe(code);
  });
});

describe('analyzeStatement', () => {
  beforeAll(loadSqlParser);

  it.each(['drop table users', 'truncate users', 'delete from users', 'select pg_sleep(1)', 'create index on t (a)'])(
    'takes %s',
    (sql) => {
      expect(analyzeStatement(sql, 0).ok).toBe(true);
    },
  );

  it.each([
    ['commit', 'transaction_control'],
    ['rollback', 'transaction_control'],
    ['begin', 'transaction_control'],
    ['savepoint a', 'transaction_control'],
    ["prepare transaction 'x'", 'transaction_control'],
    ['prepare p as select 1', 'transaction_control'],
    ['discard all', 'session_state'],
    ['explain analyze execute p', 'transaction_control'],
    ['do $$ begin delete from t; commit; end $$', 'transaction_control'],
    ["do language plpgsql 'begin for i in 1..9 loop rollback; end loop; end'", 'transaction_control'],
    ['create table t as execute p', 'transaction_control'],
    ['delete from a; delete from b', 'not_one_statement'],
    ['nonsense', 'sql_invalid'],
  ])('refuses %s', (sql, code) => {
    expect(codeOf(analyzeStatement(sql, 0))).toBe(code);
  });

  it('B5: names a byte order mark', () => {
    expect(analyzeStatement('\ufeffdelete from a', 0)).toMatchObject({ message: expect.stringContaining('U+FEFF') });
  });

  it.each([
    ['create index concurrently i on t (a)', 'CREATE INDEX CONCURRENTLY'],
    ['drop index concurrently i', 'DROP INDEX CONCURRENTLY'],
    ['reindex index concurrently i', 'REINDEX CONCURRENTLY'],
    ['reindex (verbose, concurrently) table t', 'REINDEX CONCURRENTLY'],
    ['reindex database d', 'REINDEX DATABASE'],
    ['reindex schema s', 'REINDEX SCHEMA'],
    ['vacuum', 'VACUUM'],
    ['vacuum (full, analyze) t', 'VACUUM'],
    ['cluster', 'CLUSTER'],
    ["alter system set work_mem = '1GB'", 'ALTER SYSTEM'],
    ['create database d', 'CREATE DATABASE'],
    ['drop database d with (force)', 'DROP DATABASE'],
    ['alter database d set tablespace x', 'ALTER DATABASE SET TABLESPACE'],
    ["create tablespace x location '/a'", 'CREATE TABLESPACE'],
    ['drop tablespace x', 'DROP TABLESPACE'],
    ["create subscription s connection 'c' publication p", 'CREATE SUBSCRIPTION'],
    ['alter subscription s refresh publication', 'ALTER SUBSCRIPTION'],
    ['alter subscription s set (failover = false)', 'ALTER SUBSCRIPTION … SET \\(failover\\)'],
    ['alter subscription s set (two_phase = off)', 'ALTER SUBSCRIPTION … SET \\(two_phase\\)'],
    ['alter table t detach partition p concurrently', 'DETACH CONCURRENTLY'],
  ])('S2: refuses %s, which cannot run in a transaction', (sql, words) => {
    const message = expect.stringMatching(
      new RegExp(`^25001: ${words}|${words}.* cannot run inside a transaction block`),
    );
    expect(analyzeStatement(sql, 0)).toEqual({ ok: false, code: 'outside_transaction', message });
  });

  it.each([
    ['copy t from stdin', 'copy_stream', 'COPY FROM STDIN'],
    ['copy (select 1) to stdout with (format csv)', 'copy_stream', 'COPY TO STDOUT'],
    ["set statement_timeout = '1h'", 'session_state', 'ALTER ROLE'],
    ['reset all', 'session_state', 'ALTER ROLE'],
    ['set role admin', 'session_state', 'ALTER ROLE'],
    ["select set_config('app.tenant', '7', false)", 'session_state', 'set_config'],
    ["delete from t where pg_catalog.set_config('a.b', '7', t.l) = ''", 'session_state', 'set_config'],
    ['set local role admin', 'session_state', 'transaction'],
    ['set transaction read only', 'session_state', 'transaction'],
    ['create table pg_temp.t (a int)', 'session_state', 'temporary'],
    ['create function pg_temp.f() returns int return 1', 'session_state', 'temporary'],
    ["create type pg_temp.e as enum ('a')", 'session_state', 'temporary'],
    ['create domain pg_temp.d as int', 'session_state', 'temporary'],
    ['discard temp', 'session_state', 'DISCARD'],
    ['delete from t where current of c', 'session_state', 'cursor'],
    ['select pg_advisory_unlock_all()', 'session_state', 'pg_advisory_xact_lock'],
    ['listen x', 'session_state', 'LISTEN'],
    ["load 'x'", 'session_state', 'LOAD'],
    ['create temp table t (a int)', 'session_state', 'temporary'],
    ['select 1 as a into temp t', 'session_state', 'temporary'],
    ['create temporary view v as select 1', 'session_state', 'temporary'],
    ['declare c cursor with hold for select 1', 'session_state', 'cursor'],
    ['select pg_advisory_lock(1)', 'session_state', 'pg_advisory_xact_lock'],
    ['select pg_try_advisory_lock_shared(1)', 'session_state', 'pg_advisory_xact_lock'],
  ])('S2: refuses %s, which needs a session or a stream of its own', (sql, code, words) => {
    expect(analyzeStatement(sql, 0)).toEqual({ ok: false, code, message: expect.stringContaining(words) });
  });

  it.each([
    'analyze t',
    'create index i on t (a)',
    'drop index i',
    'reindex (concurrently off) table t',
    'cluster t using i',
    'alter database d connection limit 4',
    "create subscription s connection 'c' publication p with (create_slot = off)",
    "create subscription s connection 'c' publication p with (connect = false, slot_name = none)",
    'alter subscription s set publication p with (refresh = false)',
    'alter subscription s disable',
    'alter table t detach partition p',
    'refresh materialized view concurrently m',
    "copy t from '/srv/t.csv'",
    "copy t to program 'gzip'",
    "alter role app set statement_timeout = '1h'",
    "select set_config('app.tenant', '7', true)",
    "select set_config('app.tenant', '7', 'on')",
    "select set_config(new_value => '7', is_local => true, setting_name => 'app.tenant')",
    'alter subscription s set (two_phase = true)',
    'drop subscription s',
    'select pg_advisory_xact_lock(1)',
    'lock table t',
    "notify x, 'y'",
    'do $$ begin -- commit\n raise notice \'"PLpgSQL_stmt_commit":\'; end $$',
    "do $$ begin raise notice '%', 'commit;'; end $$",
    'do $$ this cannot be read: commit; $$',
    'set constraints all deferred',
  ])('S2: takes %s', (sql) => {
    expect(analyzeStatement(sql, 0)).toMatchObject({ ok: true });
  });

  it.each([
    [
      'delete from users where id = 7',
      1,
      '08P01: bind message supplies 1 parameters, but prepared statement "" requires 0',
    ],
    [
      'delete from users where id = $1',
      0,
      '08P01: bind message supplies 0 parameters, but prepared statement "" requires 1',
    ],
    ['insert into t values ($1, $2), ($3, $1)', 2, '08P01: bind message supplies 2 parameters, but prepared'],
    ["delete from users where id = '$1'", 1, 'in quotes is text, not a parameter'],
    ["delete from users where mail = '$1' and id = $1", 2, 'in quotes is text, not a parameter'],
    ['delete from users where id = $2', 2, '42P18: could not determine data type of parameter $1'],
    ['delete from users where id = $2', 1, '08P01: bind message supplies 1 parameters, but prepared'],
    ['select $0', 0, '42P02: there is no parameter $0'],
    ['alter table t alter column a set default $1', 1, '42P02: there is no parameter $1'],
    ['create index i on t (a)', 1, '08P01: bind message supplies 1 parameters, but prepared'],
    ['do $$ begin delete from t where a = $1; end $$', 1, '08P01: bind message supplies 1 parameters, but prepared'],
    ['create materialized view m as select $1', 1, '0A000: materialized views may not be defined'],
    ['create function f(int) returns int return $1', 1, '08P01: bind message supplies 1 parameters, but prepared'],
    ['explain analyze delete from users where id = $1', 0, '08P01: bind message supplies 0 parameters, but prepared'],
  ])('S1: refuses %s with %i values', (sql, given, words) => {
    expect(analyzeStatement(sql, given)).toEqual({
      ok: false,
      code: 'parameters',
      message: expect.stringContaining(words),
    });
  });

  it.each([
    ['delete from users where id = $1 or parent = $1', 1],
    ['select $2::int, $1', 2],
    ["select '$1', $1", 1],
    ['with a as (delete from t where b = $1 returning *) insert into u select * from a where c = $2', 2],
    ['explain (analyze) update t set a = $1 where b = $2', 2],
    ['create table t as select $1::int as a', 1],
    ['call p($1)', 1],
    ['create function f(int, int) returns int return $1 + $2', 0],
    ['create procedure p(int) begin atomic insert into t values ($1); end', 0],
    ['merge into t using u on t.a = u.a when matched then update set b = $1', 1],
  ])('S1: takes %s with %i values', (sql, given) => {
    expect(analyzeStatement(sql, given)).toMatchObject({ ok: true });
  });
});

describe('EXPLAIN of a modification', () => {
  beforeAll(loadSqlParser);

  it.each([
    ['EXPLAIN ANALYZE DELETE FROM users', 'DELETE FROM users'],
    ['explain (analyze, verbose, format json) update t set a = 1 where b = $1;', 'update t set a = 1 where b = $1'],
    ['explain (analyze true, buffers) insert into t select * from u', 'insert into t select * from u'],
    ['/* delete update */ explain analyze with x as (select 1) delete from t', 'with x as (select 1) delete from t'],
    ["explain analyze -- insert\n delete from t where a = 'update'", "delete from t where a = 'update'"],
    ['explain (analyze off, analyze) delete from t where a in (1, 2)', 'delete from t where a in (1, 2)'],
    ['explain analyze delete from "delete" where array[1,2] = a', 'delete from "delete" where array[1,2] = a'],
  ])('S3: %s is what it runs', (sql, text) => {
    expect(analyzeModification(sql)).toMatchObject({ ok: true, explained: true, text });
  });

  it.each([
    'explain delete from users',
    'explain (analyze off) delete from users',
    'explain (analyze 0) delete from users',
    'explain analyze select 1',
    'explain analyze create table t as select 1',
  ])('S3: %s changes nothing that could be counted', (sql) => {
    expect(codeOf(analyzeModification(sql))).toBe('not_a_modification');
  });

  it('S3: what is explained is held to the same rules', () => {
    expect(codeOf(analyzeModification('explain analyze delete from t where pg_sleep(1) is null'))).toBe(
      'function_not_allowed',
    );
    expect(analyzeModification('delete from t')).toMatchObject({ ok: true, explained: false });
  });
});
