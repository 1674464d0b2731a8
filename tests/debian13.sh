#!/usr/bin/env bash
# usage: tests/debian13.sh        as root, by tests/run.sh --full
# Runs tests/run.sh in a root of Debian 13, whose oneDNN is 3.x and whose compiler is newer. The root is made with
# mmdebstrap under build/debian13 and kept, as is the build in it.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ]; then
  echo "tests/debian13.sh: not root: left out" >&2
  exit 0
fi
root=$PWD/build/debian13
[ -e "$root/etc/debian_version" ] || mmdebstrap --variant=apt --include=ca-certificates trixie "$root" >&2

# How this machine reaches the network.
for file in etc/resolv.conf etc/pip.conf etc/ssl/certs/ca-certificates.crt; do
  [ ! -f "/$file" ] || cp "/$file" "$root/$file"
done

# The sources as they are here, uncommitted changes included.
mkdir -p "$root/beak"
find "$root/beak" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
git ls-files -z --cached --others --exclude-standard |
  tar --create --null --files-from=- --ignore-failed-read | tar --extract --directory="$root/beak"

# The mounts end with the namespace.
unshare --mount --fork sh -c '
  mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && exec chroot "$0" /beak/tests/run.sh' "$root"
