#!/bin/sh
# Bring Chromium for the browser tests where the system lets us; elsewhere those tests skip and say so, except in CI.
set -u
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
install="apt-get install -y --no-install-recommends chromium"
if command -v apt-get >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ]; then
    (apt-get update && DEBIAN_FRONTEND=noninteractive $install) >/dev/null 2>&1 && exit 0
  elif sudo -n true 2>/dev/null; then
    (sudo apt-get update && sudo $install) >/dev/null 2>&1 && exit 0
  fi
fi
echo "no Chromium, and apt may not install it here: the browser tests will skip; install it with: $install"
[ "${CI:-}" != true ]
