#!/bin/sh
# Runs once, on an empty data directory: what Temporal needs. `holdpoint migrate --create-roles` makes Holdpoint's own logins.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  -v temporal="$(cat "${SECRETS_DIR:-/run/secrets}/temporal_db_password")" <<'SQL'
CREATE ROLE temporal LOGIN PASSWORD :'temporal';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE CONNECT ON DATABASE temporal, temporal_visibility FROM PUBLIC;
SQL
