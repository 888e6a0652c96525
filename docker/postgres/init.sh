#!/bin/sh
# Runs once, on an empty data directory. Every part has a login of its own; Holdpoint's migrations, run by the owner, say
# what each may do.
set -eu
secret() { cat "${SECRETS_DIR:-/run/secrets}/$1"; }
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  -v temporal="$(secret temporal_db_password)" \
  -v owner="$(secret owner_db_password)" \
  -v api="$(secret api_db_password)" \
  -v review="$(secret review_db_password)" \
  -v gate="$(secret gate_db_password)" \
  -v execute="$(secret execute_db_password)" <<'SQL'
CREATE ROLE temporal LOGIN PASSWORD :'temporal';
CREATE ROLE holdpoint_owner LOGIN PASSWORD :'owner';
CREATE ROLE holdpoint_api LOGIN PASSWORD :'api';
CREATE ROLE holdpoint_review LOGIN PASSWORD :'review';
CREATE ROLE holdpoint_gate LOGIN PASSWORD :'gate';
CREATE ROLE holdpoint_execute LOGIN PASSWORD :'execute';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE DATABASE holdpoint OWNER holdpoint_owner;
REVOKE CONNECT ON DATABASE temporal, temporal_visibility, holdpoint FROM PUBLIC;
GRANT CONNECT ON DATABASE holdpoint TO holdpoint_api, holdpoint_review, holdpoint_gate, holdpoint_execute;
SQL
