/**
 * What a plain statement may use. Everything here is built into PostgreSQL (schema `pg_catalog`) and immutable or
 * stable there; a test checks each name against `pg_proc`, `pg_operator` and `pg_type` of a real server.
 *
 * Left out although they are stable: functions that run SQL given as text (`query_to_xml`, `ts_stat`, `ts_rewrite`,
 * `table_to_xml` …), that read files, settings or the server's state, that take locks or assign transaction ids.
 * Volatile ones (`random`, `nextval`, `clock_timestamp` …) are out because what was shown could not run again.
 */
const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const ALLOWED_FUNCTIONS: ReadonlySet<string> = new Set([
  // numbers
  ...words(`abs ceil ceiling floor round trunc sign mod div power pow sqrt cbrt exp ln log log10 pi degrees radians
    sin cos tan asin acos atan atan2 cot sinh cosh tanh gcd lcm factorial width_bucket scale min_scale trim_scale
    numeric int2 int4 int8 float4 float8 to_hex to_number bit_count`),
  // text
  ...words(`length char_length character_length octet_length bit_length lower upper initcap concat concat_ws substr
    substring left right lpad rpad ltrim rtrim btrim repeat replace reverse translate strpos position overlay
    split_part starts_with ascii chr md5 format quote_ident quote_literal quote_nullable regexp_match regexp_matches
    regexp_replace regexp_split_to_array regexp_split_to_table regexp_count regexp_instr regexp_like regexp_substr
    string_to_array string_to_table encode decode convert_from convert_to sha224 sha256 sha384 sha512 similar_escape
    similar_to_escape like_escape normalize is_normalized unistr to_ascii text varchar bpchar name`),
  // dates and times
  ...words(`now transaction_timestamp statement_timestamp age date_part date_trunc date_bin extract make_date make_time
    make_timestamp make_timestamptz make_interval justify_days justify_hours justify_interval isfinite to_char to_date
    to_timestamp timezone date time timestamp timestamptz interval overlaps`),
  // aggregates and window functions
  ...words(`count sum avg min max bool_and bool_or every bit_and bit_or bit_xor array_agg string_agg json_agg jsonb_agg
    json_object_agg jsonb_object_agg corr covar_pop covar_samp stddev stddev_pop stddev_samp variance var_pop var_samp
    regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy mode percentile_cont
    percentile_disc rank dense_rank percent_rank cume_dist row_number ntile lag lead first_value last_value nth_value
    range_agg`),
  // arrays, ranges, rows
  ...words(`unnest array_length array_lower array_upper array_ndims array_dims cardinality array_append array_prepend
    array_cat array_remove array_replace array_position array_positions array_to_string array_fill array_to_json
    trim_array generate_series generate_subscripts isempty lower_inc upper_inc lower_inf upper_inf range_merge
    int4range int8range numrange daterange tsrange tstzrange num_nulls num_nonnulls`),
  // JSON
  ...words(`to_json to_jsonb row_to_json json_build_object json_build_array jsonb_build_object jsonb_build_array
    json_object jsonb_object json_array_length jsonb_array_length json_array_elements jsonb_array_elements
    json_array_elements_text jsonb_array_elements_text json_each jsonb_each json_each_text jsonb_each_text
    json_object_keys jsonb_object_keys json_extract_path jsonb_extract_path json_extract_path_text
    jsonb_extract_path_text json_typeof jsonb_typeof json_strip_nulls jsonb_strip_nulls jsonb_set jsonb_set_lax
    jsonb_insert jsonb_pretty json_to_record jsonb_to_record json_to_recordset jsonb_to_recordset jsonb_path_exists
    jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first`),
  // network addresses, text search, and what describes values
  ...words(`host hostmask netmask network broadcast family masklen set_masklen inet_merge inet_same_family abbrev
    to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd ts_headline
    setweight strip numnode querytree pg_typeof pg_column_size pg_size_pretty pg_size_bytes version current_database
    current_schema`),
]);

/** Allow-listed functions whose value changes from one transaction to the next. */
export const TIME_DEPENDENT_FUNCTIONS: ReadonlySet<string> = new Set(
  words('now transaction_timestamp statement_timestamp age'),
);

/** Operators of `pg_catalog`; `like`, `in` and `between` reach us under the names of theirs. */
export const ALLOWED_OPERATORS: ReadonlySet<string> = new Set(
  words(`+ - * / % ^ |/ ||/ @ & | # ~ << >> = <> < > <= >= || -> ->> #> #>> @> <@ ? ?| ?& #- @? @@ && &< &> -|- <<= >>=
    ~* !~ !~* ~~ ~~* !~~ !~~* ^@ @@@ !! <->`),
);

export const ALLOWED_TYPES: ReadonlySet<string> = new Set(
  words(`bool int2 int4 int8 float4 float8 numeric money text varchar bpchar char name bytea date time timetz timestamp
    timestamptz interval uuid json jsonb jsonpath bit varbit inet cidr macaddr macaddr8 int4range int8range numrange
    daterange tsrange tstzrange tsvector tsquery point line lseg box path polygon circle oid`),
);

/**
 * The grammar of plain statements as an allow-list: node kinds of PostgreSQL's parse tree and, for each, the fields
 * that may be set. Kinds and fields that are not named here, those of later parser versions included, are refused.
 * Names are those of `libpg-query` (protobuf of PostgreSQL's `parsenodes.h` and `primnodes.h`).
 */
export const NODE_FIELDS: Readonly<Record<string, readonly string[]>> = {
  SelectStmt: words(`distinctClause targetList fromClause whereClause groupClause groupDistinct havingClause
    windowClause valuesLists sortClause limitOffset limitCount limitOption withClause op all larg rarg`),
  ResTarget: ['name', 'indirection', 'val'],
  ColumnRef: ['fields'],
  A_Star: [],
  A_Const: ['ival', 'fval', 'boolval', 'sval', 'bsval', 'isnull'],
  A_Expr: ['kind', 'name', 'lexpr', 'rexpr', 'rexpr_list_start', 'rexpr_list_end'],
  A_Indices: ['is_slice', 'lidx', 'uidx'],
  A_Indirection: ['arg', 'indirection'],
  A_ArrayExpr: ['elements', 'list_start', 'list_end'],
  FuncCall: words(`funcname args agg_order agg_filter over agg_within_group agg_star agg_distinct func_variadic
    funcformat`),
  NamedArgExpr: ['arg', 'name', 'argnumber'],
  TypeCast: ['arg', 'typeName'],
  TypeName: ['names', 'typmods', 'typemod', 'arrayBounds'],
  CollateClause: ['arg', 'collname'],
  CoalesceExpr: ['args'],
  MinMaxExpr: ['op', 'args'],
  CaseExpr: ['arg', 'args', 'defresult'],
  CaseWhen: ['expr', 'result'],
  NullTest: ['arg', 'nulltesttype'],
  BooleanTest: ['arg', 'booltesttype'],
  BoolExpr: ['boolop', 'args'],
  SubLink: ['subLinkType', 'testexpr', 'operName', 'subselect'],
  RowExpr: ['args', 'row_format', 'colnames'],
  ParamRef: ['number'],
  SQLValueFunction: ['op', 'typmod'],
  RangeVar: ['schemaname', 'relname', 'inh', 'relpersistence', 'alias'],
  RangeSubselect: ['lateral', 'subquery', 'alias'],
  RangeFunction: ['lateral', 'ordinality', 'is_rowsfrom', 'functions', 'alias', 'coldeflist'],
  ColumnDef: ['colname', 'typeName', 'is_local'],
  JoinExpr: ['jointype', 'isNatural', 'larg', 'rarg', 'usingClause', 'join_using_alias', 'quals', 'alias'],
  Alias: ['aliasname', 'colnames'],
  WithClause: ['ctes', 'recursive'],
  CommonTableExpr: ['ctename', 'aliascolnames', 'ctematerialized', 'ctequery'],
  SortBy: ['node', 'sortby_dir', 'sortby_nulls'],
  WindowDef: ['name', 'refname', 'partitionClause', 'orderClause', 'frameOptions', 'startOffset', 'endOffset'],
  GroupingSet: ['kind', 'content'],
  GroupingFunc: ['args'],
  MultiAssignRef: ['source', 'colno', 'ncolumns'],
  List: ['items'],
  String: ['sval'],
  Integer: ['ival'],
  Float: ['fval'],
  Boolean: ['boolval'],
  BitString: ['bsval'],
};

/** Fields that hold a node without its kind written around it, and which kind that is. */
export const BARE_FIELDS: Readonly<Record<string, string>> = {
  typeName: 'TypeName',
  over: 'WindowDef',
  withClause: 'WithClause',
  alias: 'Alias',
  join_using_alias: 'Alias',
  relation: 'RangeVar',
};

/** The same, where it depends on the kind around it. */
export const BARE_FIELDS_OF: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  SelectStmt: { larg: 'SelectStmt', rarg: 'SelectStmt' },
  A_Const: { ival: 'Integer', fval: 'Float', boolval: 'Boolean', sval: 'String', bsval: 'BitString' },
};
