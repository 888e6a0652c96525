#!/bin/sh
# Creates or updates Temporal's two schemas. Run again with newer admin tools, it updates them.
set -eu
schemas=/etc/temporal/schema/postgresql/v12
tool() {
  db=$1
  shift
  temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u temporal --db "$db" "$@"
}
for pair in temporal:temporal temporal_visibility:visibility; do
  db=${pair%%:*}
  # Refused where it is set up already; the update that follows finds out whether that was the reason.
  tool "$db" setup-schema -v 0.0 || true
  tool "$db" update-schema -d "$schemas/${pair##*:}/versioned"
done
