#!/bin/sh
# Creates what docker-compose.yml needs in the given directory: a database password for each login, and each part's
# keys. Existing files are kept.
# Usage: docker/make-secrets.sh DIRECTORY DEPLOYMENT_ID      (as in holdpoint.yaml)
set -eu
[ $# -eq 2 ] || { echo "usage: $0 DIRECTORY DEPLOYMENT_ID" >&2; exit 2; }
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
# Files in it are readable inside the containers, whose users differ from yours; only you can enter the directory itself.
chmod 700 "$1"
cd "$1"
for name in postgres_password temporal_db_password owner_db_password api_db_password review_db_password gate_db_password execute_db_password; do
  [ -e "$name" ] && continue
  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$name"
  chmod 444 "$name"
done

# Fill these yourself: the values that holdpoint.yaml names as file:/run/holdpoint-values/NAME, each for its part.
mkdir -p values/api values/gate values/execute

if [ ! -e keys ]; then
  if [ -e "$here/dist/cli/main.js" ]; then
    node "$here/dist/cli/main.js" keys init --deployment "$2" --split "$PWD/keys"
  else
    docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/secrets" holdpoint:latest \
      keys init --deployment "$2" --split /secrets/keys
  fi
fi

# Private keys are only readable by their owner, so the containers run as that owner, never as root.
user=$(id -u):$(id -g)
if [ "$(id -u)" -eq 0 ]; then
  user=1000:1000
  chown -R "$user" keys values
fi
echo "Set HOLDPOINT_SECRETS=$PWD and HOLDPOINT_USER=$user. Keep keys/all offline: it holds every key, for rotation."
