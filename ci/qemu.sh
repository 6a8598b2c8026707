#!/usr/bin/env bash
# Debian's own kernel and a small userland for `./ci.sh test qemu`, in the folder XENWIRE_QEMU_IMAGE:
#
#   vmlinux          the kernel, as an ELF file: QEMU starts that by its PVH note, and nothing has to
#                    be unpacked in emulation (2 s to userland; with the bzImage 6 s)
#   initramfs.cpio   Debian's ip, ping, ethtool, brctl, nft, iptables, dnsmasq, strace, shells and busybox, the
#                    modules below, and ci/qemu-init.sh as /init
#   packages         what both were made of, with versions
#   made-from        the checksum of the scripts that made them: while it holds, nothing is done
#
# Usage: ci/qemu.sh           make it if it is absent or made by other scripts than these
#        ci/qemu.sh --check   only say by the exit status whether it is there
set -uo pipefail
# shellcheck source=ci/debian.sh
. ci/debian.sh

readonly IMAGE=${XENWIRE_QEMU_IMAGE:?is set by ci.sh}

# Renaming a link that is up is refused up to 6.1 and allowed from 6.2 on (net/core/dev.c,
# dev_change_name): the tests are about a kernel that refuses it.
readonly KERNEL=6.1

# Debian's shells, since busybox's own runs its own ip and the like before it looks into PATH.
readonly USERLAND=(iproute2 iputils-ping ethtool bridge-utils nftables iptables dnsmasq-base strace bash dash)

# By name, with what they depend on; of the folders, everything. Modules are loaded when the kernel
# asks for them, as on an installed Debian. netlink_diag tells strace what it is that a socket talks to.
readonly MODULES=(
  virtio_pci virtio_net 9pnet_virtio 9p e1000e
  dummy bonding veth macvlan ifb mac80211_hwsim crc32c_generic netlink_diag
)
readonly MODULE_FOLDERS=(net/802 net/8021q net/bridge net/ipv4 net/ipv6 net/netfilter net/sched)

checksum() { cat ci/debian.sh ci/qemu.sh ci/qemu-init.sh | sha256sum; }

is_here() { [ -e "$IMAGE/initramfs.cpio" ] && checksum | cmp -s - "$IMAGE/made-from"; }

kernel_package() {
  apt-cache depends linux-image-amd64 |
    sed -nE "s/^ *Depends: (linux-image-${KERNEL//./\\.}\.[^ ]*)\$/\1/p"
}

packages() {
  local kernel
  kernel=$(kernel_package)
  [ -n "$kernel" ] || return
  printf '%s\n' "$kernel" busybox-static "${USERLAND[@]}"
  with_dependencies "${USERLAND[@]}" | grep -E '^(lib|zlib)'
}

# A bzImage has the ELF file in it, after code that unpacks it. Debian 12 packs with xz.
vmlinux() { # BZIMAGE
  local offset
  offset=$(LC_ALL=C grep -abom 1 -P '\xfd7zXZ\x00' "$1" | head -n 1 | cut -d : -f 1)
  [ -n "$offset" ] || { echo "$1 is not packed with xz" >&2; return 1; }
  # What stands behind the stream is not read, so tail(1) may end by SIGPIPE.
  xz --decompress --stdout --single-stream < <(tail -c "+$((offset + 1))" "$1")
}

modules() { # FROM TO: the modules of the one tree that we want into the other
  local from=$1 to=$2 version module
  version=$(basename "$from"/lib/modules/*)
  depmod --basedir "$from" "$version" || return
  (
    cd "$from/lib/modules/$version" || exit
    {
      for module in "${MODULES[@]}"; do
        # Not by what this machine's modprobe.d says.
        modprobe --config /dev/null --dirname "$from" --set-version "$version" \
          --show-depends "$module" || exit
      done | sed -n "s|^insmod .*/lib/modules/$version/\([^ ]*\) *\$|\1|p"
      # Modules of the folders may depend on others: those are in the list that depmod made.
      for module in "${MODULE_FOLDERS[@]}"; do
        grep "^kernel/$module/" modules.dep | tr -d : | tr ' ' '\n'
      done
      printf '%s\n' modules.order modules.builtin modules.builtin.modinfo
    } | sort -u | cpio --pass-through --make-directories --quiet "$to/lib/modules/$version"
  ) && depmod --basedir "$to" "$version"
}

userland() { # TREE: what was unpacked becomes a root file system
  local tree=$1 applet name
  rm -rf "${tree:?}"/{boot,etc,var} "${tree:?}"/usr/{share,lib/*/gconv,lib/*/perl*,lib/*/engines-3}
  mkdir -p "$tree"/{dev,etc/modprobe.d,host,proc,root,run,sys,tmp,var/log}
  ln -s ../run "$tree/var/run"
  printf '%s\n' root:x:0:0::/root:/bin/sh nobody:x:65534:65534::/:/bin/sh >"$tree/etc/passwd"
  printf '%s\n' root:x:0: nogroup:x:65534: >"$tree/etc/group"
  # As systemd has it: no dummy0 and no bond0 that nobody asked for.
  printf '%s\n' 'options bonding max_bonds=0' 'options dummy numdummies=0' 'options ifb numifbs=0' \
    >"$tree/etc/modprobe.d/systemd.conf"
  printf '%s\n' '127.0.0.1 localhost' '::1 localhost' >"$tree/etc/hosts"
  # Debian's own where they are here, busybox's for the rest.
  # What the packages' own scripts would link on installation.
  for name in iptables ip6tables; do ln -s "$name-nft" "$tree/usr/sbin/$name"; done
  "$tree/bin/busybox" --list | while read -r applet; do
    for name in "$tree"/{bin,sbin,usr/bin,usr/sbin}/"$applet"; do
      if [ -e "$name" ] || [ -L "$name" ]; then continue 2; fi
    done
    ln -s /bin/busybox "$tree/bin/$applet"
  done
  # The kernel looks for it here (/proc/sys/kernel/modprobe).
  ln -s /bin/busybox "$tree/sbin/modprobe"
  install -m 0755 ci/qemu-init.sh "$tree/init"
}

archive() { # TREE
  (cd "$1" && find . | LC_ALL=C sort |
    cpio --create --format=newc --owner=+0:+0 --reproducible --quiet)
}

made_of() { # PACKAGE...
  apt-cache show --no-all-versions "$@" |
    awk '$1 == "Package:" { name = $2 } $1 == "Version:" { print name, $2 }'
}

make_image() { # FOLDER to work in
  local work=$1 list
  mapfile -t list < <(packages)
  [ "${#list[@]}" -gt 0 ] || { fresh_lists && mapfile -t list < <(packages); }
  [ "${#list[@]}" -gt 0 ] || {
    echo "No linux-image-amd64 of Linux $KERNEL in the package lists: Debian 12 has it." >&2
    return 1
  }
  unpack "$work/tree" "${list[@]}" &&
    mkdir -p "$work/new" "$work/all/lib" &&
    mv "$work/tree/lib/modules" "$work/all/lib/" &&
    vmlinux "$work"/tree/boot/vmlinuz-* >"$work/new/vmlinux" &&
    userland "$work/tree" &&
    modules "$work/all" "$work/tree" &&
    archive "$work/tree" >"$work/new/initramfs.cpio" &&
    made_of "${list[@]}" >"$work/new/packages" &&
    checksum >"$work/new/made-from" &&
    rm -rf "$IMAGE" && mv "$work/new" "$IMAGE"
}

case ${1:-} in
  --check) is_here; exit ;;
  '') ;;
  *) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
is_here && exit 0
mkdir -p "$(dirname "$IMAGE")" && work=$(mktemp -d "$IMAGE.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
make_image "$work" || { echo "ci/qemu.sh: no image was made in $IMAGE" >&2; exit 1; }
echo "Made $IMAGE of $(head -n 1 "$IMAGE/packages") in $SECONDS s"
