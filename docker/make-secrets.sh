#!/bin/sh
# Makes what docker-compose.yml needs in a directory of your choice: database passwords and each part's keys. Files are
# readable inside the containers, whose users differ from yours; the directory itself is yours alone.
# Usage: docker/make-secrets.sh DIRECTORY. What is there already stays.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
mkdir -p "$1"
chmod 700 "$1"
cd "$1"
for name in postgres_password temporal_db_password owner_db_password api_db_password gate_db_password execute_db_password; do
  [ -e "$name" ] && continue
  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$name"
  chmod 444 "$name"
done
