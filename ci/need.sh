#!/usr/bin/env bash
# Stage `need`: what the tests need from Debian. Installs packages (root, or sudo after asking) and
# unpacks Debian's own hotplug scripts, xl, libxlutil and ifquery, which are compared with ours but never
# installed: installing them would put real scripts under /etc/xen of the machine that runs the tests.
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
cc            gcc
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

scripts_are_here() { [ -e "$XENWIRE_DEBIAN_SCRIPTS/vif-bridge" ]; }

ifquery_is_here() { [ -e "$XENWIRE_DEBIAN_IFUPDOWN/sbin/ifquery" ]; }

xl_is_here() { compgen -G "$XENWIRE_DEBIAN_XL/usr/lib/xen-*/bin/xl" >/dev/null; }

# xl, what it links with, and libxlutil's headers. The packages carry Xen's version in their names,
# which is that of Debian's release.
xl_packages() {
  local xl
  xl=$(apt-cache pkgnames xen-utils- | grep -E '^xen-utils-[0-9.]+$' | sort -V | tail -n 1)
  [ -n "$xl" ] || return
  echo "$xl" libxen-dev
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
    --no-replaces --no-enhances "$xl" | grep -E '^lib(xen|yajl|ncurses|tinfo|ext2fs)' | sort -u
}

unpack_xl() {
  local packages
  packages=$(xl_packages) || { fresh_lists && packages=$(xl_packages); } || return
  # shellcheck disable=SC2086  # words are wanted
  unpack "$XENWIRE_DEBIAN_XL" $packages
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

if [ -z "${XENWIRE_NO_INSTALL:-}" ]; then
  scripts_are_here || unpack "$XENWIRE_DEBIAN_PACKAGE" xen-utils-common
  xl_is_here || unpack_xl
  ifquery_is_here || unpack "$XENWIRE_DEBIAN_IFUPDOWN" ifupdown
fi
scripts=absent xl=absent ifquery=absent
scripts_are_here && scripts=here
xl_is_here && xl=here
ifquery_is_here && ifquery=here
echo "Debian's hotplug scripts: $scripts; its xl: $xl; its ifquery: $ifquery"

[ -z "$lacking" ] && [ "$scripts$xl$ifquery" = hereherehere ] && exit 0
[ -z "$lacking" ] || printf 'Still missing:\n%s\n' "$lacking"
if [ -n "${XENWIRE_NO_INSTALL:-}" ] && [ "${CI:-}" != true ]; then
  echo 'Going on without: tests that need these are counted as skipped.'
  exit 0
fi
echo 'Install these and run again, or use --no-install to go on without them.'
exit 1
