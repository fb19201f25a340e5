#!/bin/sh
# Makes the secrets of docker-compose.yml in a folder. One that is there is kept: a second run changes nothing.
set -eu
folder=${1:-secrets}
umask 077
mkdir -p "$folder"

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
make() { [ -s "$folder/$1" ] || printf '%s' "$2" >"$folder/$1"; }

make cluster-secret "$(random)"
make postgres-password "$(random)"
make redis-password "$(random)"
make store-url "postgres://fastim:$(cat "$folder/postgres-password")@postgres:5432/fastim"
make registry-url "redis://:$(cat "$folder/redis-password")@redis:6379/0"
# The containers run as other users, and read them through the mount. The folder itself stays closed.
chmod 0444 "$folder"/*
echo "secrets are in $folder"
