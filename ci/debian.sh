# shellcheck shell=bash
# How the stages get at Debian's packages: installed, or downloaded and unpacked aside. Sourced.

# Runs a command as root: as it is, or by sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

agreed() {
  [ "$(id -u)" -eq 0 ] && return 0
  command -v sudo >/dev/null || { echo 'Neither root nor sudo: cannot install.'; return 1; }
  [ "${CI:-}" = true ] && return 0
  [ -t 0 ] || { echo 'Not root, and nobody to ask: cannot install.'; return 1; }
  local answer
  read -r -p "Install $* with sudo apt-get? [y/N] " answer
  [ "$answer" = y ] || [ "$answer" = Y ]
}

readonly APT=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y)

install_packages() { # PACKAGE...
  command -v apt-get >/dev/null || { echo 'No apt-get here: install these by hand.'; return 1; }
  agreed "$@" || return
  # The lists may be absent or old: try, refresh, try again.
  as_root "${APT[@]}" install --no-install-recommends "$@" ||
    { as_root "${APT[@]}" update && as_root "${APT[@]}" install --no-install-recommends "$@"; }
}

fresh_lists() { agreed 'fresh package lists' && as_root "${APT[@]}" update; }

# apt-get download needs no root, only package lists.
download() { # PACKAGE...
  apt-get -q download "$@" || { fresh_lists && apt-get -q download "$@"; }
}

unpack() { # FOLDER PACKAGE...
  local folder=$1 work package
  shift
  mkdir -p "$(dirname "$folder")" && work=$(mktemp -d "$folder.XXXXXX") || return
  # Unpacked aside and renamed: an interrupted run leaves nothing that looks finished.
  if (cd "$work" && download "$@" && for package in *.deb; do dpkg -x "$package" tree || exit; done); then
    rm -rf "$folder"
    mv "$work/tree" "$folder"
  else
    false
  fi
  local status=$?
  rm -rf "$work"
  return "$status"
}

# The packages given and all that they need, by name.
with_dependencies() { # PACKAGE...
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
    --no-replaces --no-enhances "$@" | grep -E '^[a-z0-9]' | sort -u
}
