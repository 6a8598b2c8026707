#!/usr/bin/env bash
# Stage `need`: what the tests need from Debian. Installs packages (root, or sudo after asking) and
# unpacks Debian's own hotplug scripts, xl, libxlutil, ifquery and Open vSwitch, which are compared with ours but never
# installed: installing them would put real scripts under /etc/xen of the machine that runs the tests.
# Debian's kernel is made ready for QEMU by ci/qemu.sh.
set -uo pipefail
# shellcheck source=ci/debian.sh
. ci/debian.sh

# A command, or INTERPRETER:MODULE, and the Debian package that brings it. The interpreter is Debian's
# own: another python3 that comes first in PATH does not see Debian's modules.
readonly TOOLS='
ip            iproute2
brctl         bridge-utils
ifconfig      net-tools
nft           nftables
iptables      iptables
ping          iputils-ping
ethtool       ethtool
strace        strace
cc            gcc
xenstore-ls   xenstore-utils
/usr/bin/python3:pyxs python3-pyxs
setpriv       util-linux
dnsmasq       dnsmasq-base
busybox       busybox
systemd-analyze systemd
shellcheck    shellcheck
qemu-system-x86_64 qemu-system-x86
cpio          cpio
depmod        kmod
xz            xz-utils
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
  with_dependencies "$xl" | grep -E '^lib(xen|yajl|ncurses|tinfo|ext2fs)'
}

switch_is_here() { [ -e "$XENWIRE_DEBIAN_OPENVSWITCH/usr/bin/ovs-vsctl" ]; }

# Not installed: its package would start it for the machine that runs the tests.
unpack_switch() {
  local packages=(openvswitch-switch openvswitch-common)
  mapfile -t -O 2 packages < <(with_dependencies "${packages[@]}" |
    grep -E '^lib(xdp|bpf|unbound|numa|cap-ng|ssl|event|elf|protobuf-c|nghttp2|hogweed|nettle)')
  unpack "$XENWIRE_DEBIAN_OPENVSWITCH" "${packages[@]}"
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
    install_packages "${packages[@]}"
    lacking=$(missing_tools)
  fi
else
  echo 'Every tool is here.'
fi

if [ -z "${XENWIRE_NO_INSTALL:-}" ]; then
  scripts_are_here || unpack "$XENWIRE_DEBIAN_PACKAGE" xen-utils-common
  xl_is_here || unpack_xl
  ifquery_is_here || unpack "$XENWIRE_DEBIAN_IFUPDOWN" ifupdown
  switch_is_here || unpack_switch
  ci/qemu.sh
fi
scripts=absent xl=absent ifquery=absent switch=absent kernel=absent
scripts_are_here && scripts=here
xl_is_here && xl=here
ifquery_is_here && ifquery=here
switch_is_here && switch=here
ci/qemu.sh --check && kernel=here
echo "Debian's hotplug scripts: $scripts; its xl: $xl; its ifquery: $ifquery; its Open vSwitch: $switch; its kernel for QEMU: $kernel"

[ -z "$lacking" ] && [ "$scripts$xl$ifquery$switch$kernel" = hereherehereherehere ] && exit 0
[ -z "$lacking" ] || printf 'Still missing:\n%s\n' "$lacking"
if [ -n "${XENWIRE_NO_INSTALL:-}" ] && [ "${CI:-}" != true ]; then
  echo 'Going on without: tests that need these are counted as skipped.'
  exit 0
fi
echo 'Install these and run again, or use --no-install to go on without them.'
exit 1
