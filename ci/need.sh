#!/usr/bin/env bash
# Stage `need`: what the tests need from Debian. Installs packages (root, or sudo after asking) and
# unpacks Debian's own hotplug scripts, which are compared with ours but never installed: installing
# them would put real scripts under /etc/xen of the machine that runs the tests.
set -uo pipefail

# A command, or INTERPRETER:MODULE, and the Debian package that brings it. The interpreter is Debian's
# own: another python3 that comes first in PATH does not see Debian's modules.
readonly TOOLS='
ip            iproute2
brctl         bridge-utils
nft           nftables
iptables      iptables
ping          iputils-ping
ethtool       ethtool
strace        strace
xenstore-ls   xenstore-utils
/usr/bin/python3:pyxs python3-pyxs
setpriv       util-linux
shellcheck    shellcheck
'

is_here() { # TOOL
  case $1 in
    *:*) "${1%%:*}" -I -c "import ${1#*:}" 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing_tools() {
  local tool package
  while read -r tool package; do
    [ -z "$tool" ] || is_here "$tool" || echo "$tool $package"
  done <<<"$TOOLS"
}

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

install() {
  command -v apt-get >/dev/null || { echo 'No apt-get here: install these by hand.'; return 1; }
  agreed "$@" || return
  # The lists may be absent or old: try, refresh, try again.
  as_root "${APT[@]}" install --no-install-recommends "$@" ||
    { as_root "${APT[@]}" update && as_root "${APT[@]}" install --no-install-recommends "$@"; }
}

# apt-get download needs no root, only package lists.
download() {
  apt-get -q download xen-utils-common && return
  agreed 'fresh package lists' && as_root "${APT[@]}" update && apt-get -q download xen-utils-common
}

unpack_scripts() {
  [ -e "$XENWIRE_DEBIAN_SCRIPTS/vif-bridge" ] && return
  local work
  mkdir -p "$(dirname "$XENWIRE_DEBIAN_PACKAGE")" &&
    work=$(mktemp -d "$XENWIRE_DEBIAN_PACKAGE.XXXXXX") || return
  # Unpacked aside and renamed: an interrupted run leaves nothing that looks finished.
  if (cd "$work" && download && dpkg -x xen-utils-common_*.deb tree) &&
    [ -e "$work/tree/etc/xen/scripts/vif-bridge" ]; then
    rm -rf "$XENWIRE_DEBIAN_PACKAGE"
    mv "$work/tree" "$XENWIRE_DEBIAN_PACKAGE"
  else
    false
  fi
  local status=$?
  rm -rf "$work"
  return "$status"
}

lacking=$(missing_tools)
if [ -n "$lacking" ]; then
  printf 'Missing (command, package):\n%s\n' "$lacking"
  if [ -z "${XENWIRE_NO_INSTALL:-}" ]; then
    mapfile -t packages < <(awk '{ print $2 }' <<<"$lacking" | sort -u)
    install "${packages[@]}"
    lacking=$(missing_tools)
  fi
else
  echo 'Every tool is here.'
fi

scripts=absent
if [ -n "${XENWIRE_NO_INSTALL:-}" ]; then
  [ ! -e "$XENWIRE_DEBIAN_SCRIPTS/vif-bridge" ] || scripts=here
elif unpack_scripts; then
  scripts=here
fi
echo "Debian's hotplug scripts: $scripts"

[ -z "$lacking" ] && [ "$scripts" = here ] && exit 0
[ -z "$lacking" ] || printf 'Still missing:\n%s\n' "$lacking"
if [ -n "${XENWIRE_NO_INSTALL:-}" ] && [ "${CI:-}" != true ]; then
  echo 'Going on without: tests that need these are counted as skipped.'
  exit 0
fi
echo 'Install these and run again, or use --no-install to go on without them.'
exit 1
