#!/usr/bin/env bash
# Stage `deny`: cargo-deny reads deny.toml. Advisories are left out: they need a database from the
# network that changes by the day, and the same commit must give the same result.
set -uo pipefail

readonly VERSION=0.20.2
tools=${XENWIRE_TOOLS:-${HOME:-$PWD}/.cache/xenwire-tools}

if command -v cargo-deny >/dev/null; then
  deny=cargo-deny
else
  deny=$tools/bin/cargo-deny
  if [ ! -x "$deny" ]; then
    if [ -n "${XENWIRE_NO_INSTALL:-}" ] && [ "${CI:-}" != true ]; then
      echo 'stage deny: cargo-deny is not installed' >>"$XENWIRE_MISSING"
      exit 0
    fi
    echo "Building cargo-deny $VERSION once, into $tools: about six minutes."
    # From another folder: this repository's .cargo/config.toml is not meant for tools, and
    # neither is a target folder that the caller chose.
    (cd / && env -u CARGO_TARGET_DIR \
      cargo install cargo-deny --quiet --locked --version "$VERSION" --root "$tools") || exit 1
  fi
fi
"$deny" --version && "$deny" --locked check bans licenses sources
