#!/usr/bin/env bash
# Stage `package`: a .deb and a tarball with the program, its man pages, completions, units and logrotate's
# file, in the folder `package` beside what cargo builds. Both are tried: listed, installed below a
# folder, and removed again.
set -euo pipefail
umask 022

readonly PACKAGE=xenwire
version=$(sed -n 's/^version = "\(.*\)"$/\1/p;T;q' Cargo.toml)
commit=
if git rev-parse --git-dir >/dev/null 2>&1; then
  commit=$(git rev-parse --short=12 HEAD)
  # What is not committed is in the program all the same.
  [ -z "$(git status --porcelain --untracked-files=no)" ] || commit+=-modified
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
fi
# dpkg-deb takes its times from here, so that the same commit gives the same package.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0}
export XENWIRE_COMMIT=$commit

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/package"
target=$(realpath "$target")
built=$target/$(rustc --print host-tuple)/release
out=$target/package
work=$(mktemp -d "${TMPDIR:-/tmp}/xenwire-package.XXXXXX")
trap 'rm -rf "$work"' EXIT

cargo build --locked --release -p "$PACKAGE" --bin xenwire --example pages
"$built/examples/pages" "$work/pages"

# ---- the tree -----------------------------------------------------------------------------------

tree=$work/tree
put() { # MODE FILE FOLDER/NAME
  install -D -m "$1" "$2" "$tree/$3"
}
put 755 "$built/xenwire" usr/libexec/xenwire/xenwire
mkdir -p "$tree/usr/bin"
ln -s ../libexec/xenwire/xenwire "$tree/usr/bin/xenwire"
for page in "$work"/pages/*.1; do
  gzip -9n "$page"
  put 644 "$page.gz" "usr/share/man/man1/$(basename "$page").gz"
done
put 644 "$work/pages/xenwire.bash" usr/share/bash-completion/completions/xenwire
put 644 "$work/pages/_xenwire" usr/share/zsh/vendor-completions/_xenwire
put 644 "$work/pages/xenwire.fish" usr/share/fish/vendor_completions.d/xenwire.fish
put 644 ci/package/logrotate etc/logrotate.d/xenwire
for unit in xenwire-boot xenwire-nat; do
  put 644 "ci/package/$unit.service" "usr/lib/systemd/system/$unit.service"
done
for document in README.md LICENSE-MIT LICENSE-APACHE docs/install.md docs/isolation.md docs/network-bridge.md docs/network-route.md docs/differences.md; do
  put 644 "$document" "usr/share/doc/xenwire/$(basename "$document")"
done
gzip -9n <CHANGELOG.md >"$work/changelog.gz"
put 644 "$work/changelog.gz" usr/share/doc/xenwire/changelog.gz
cat ci/package/copyright LICENSE-MIT >"$work/copyright"
put 644 "$work/copyright" usr/share/doc/xenwire/copyright
find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# ---- the tarball --------------------------------------------------------------------------------

name=$PACKAGE-$version-$(uname -m)
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
  --transform "s,^\.,$name," --directory "$tree" . | gzip -9n >"$out/$name.tar.gz"

# ---- the .deb -----------------------------------------------------------------------------------

architecture=$(dpkg --print-architecture)
mkdir "$tree/DEBIAN"
cat >"$tree/DEBIAN/control" <<END
Package: $PACKAGE
Version: $version
Architecture: $architecture
Maintainer: The authors of xenwire <xenwire@example.org>
Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f1)
Section: admin
Priority: optional
Enhances: xen-utils-common
Suggests: bash
Description: networking of a Xen host in one program
 Does what Xen's hotplug scripts do (network-bridge, vif-bridge and their
 like) on the real kernel and the real xenstore, without running a shell.
 .
 The package changes nothing by itself: "xenwire install" puts it in the
 place of the scripts, and "xenwire uninstall" gives them their place back.
END
echo /etc/logrotate.d/xenwire >"$tree/DEBIAN/conffiles"
(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
install -m 755 ci/package/prerm ci/package/postinst "$tree/DEBIAN/"
find "$tree/DEBIAN" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
deb=$out/${PACKAGE}_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$tree" "$deb" >/dev/null

# ---- tried --------------------------------------------------------------------------------------

fail() {
  echo "package: $1" >&2
  exit 1
}

list=$(dpkg-deb --contents "$deb")
for path in usr/libexec/xenwire/xenwire usr/bin/xenwire usr/share/man/man1/xenwire-install.1.gz \
  usr/share/bash-completion/completions/xenwire usr/lib/systemd/system/xenwire-boot.service \
  usr/lib/systemd/system/xenwire-nat.service usr/share/man/man1/xenwire-network-nat.1.gz etc/logrotate.d/xenwire usr/share/doc/xenwire/copyright; do
  grep -qE " \./$path( |\$)" <<<"$list" || fail "$deb has no $path"
done
! grep -vE '^[dl-][rwx-]{9} root/root ' <<<"$list" || fail 'something is not root'\''s, or runs as its owner'
! grep -E '^[^l].{4}w|^[^l].{7}w' <<<"$list" || fail 'others can write something'

# Below a folder, as whoever root is here: dpkg runs the package's scripts only where they have a shell.
root=$work/root
mkdir -p "$root"/var/lib/dpkg/{info,updates} "$root/var/log"
: >"$root/var/lib/dpkg/status"
: >"$root/var/lib/dpkg/available"
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(unshare -Ur)
on_root() {
  PATH=$PATH:/usr/sbin:/sbin "${as_root[@]}" dpkg --root="$root" --force-script-chrootless "$@"
}
said=$("$built/xenwire" --version)
[[ -z $commit || $said == *"$commit"* ]] || fail "--version says $said"
echo "$said"
mkdir -p "$root/etc/xen/scripts"
printf '#!/bin/sh\n' >"$root/etc/xen/scripts/vif-bridge"
chmod 755 "$root/etc/xen/scripts/vif-bridge"
dpkg-deb --extract "$deb" "$work/plain"
cmp -s "$work/plain/usr/libexec/xenwire/xenwire" "$built/xenwire" || fail 'the program is another one'
# Without the scripts: they are about the machine's own root.
dpkg-deb --raw-extract "$deb" "$work/raw"
rm "$work/raw/DEBIAN/prerm" "$work/raw/DEBIAN/postinst"
dpkg-deb --root-owner-group -Znone --build "$work/raw" "$work/tried.deb" >/dev/null
on_root --install "$work/tried.deb" >/dev/null
"${as_root[@]}" "$root/usr/libexec/xenwire/xenwire" install --root "$root" >/dev/null
[ "$(readlink "$root/etc/xen/scripts/vif-bridge")" = /usr/libexec/xenwire/xenwire ] || fail 'install did nothing'
"${as_root[@]}" "$root/usr/libexec/xenwire/xenwire" uninstall --root "$root" >/dev/null
[ -x "$root/usr/libexec/xenwire/xenwire" ] || fail "uninstall removed the package's program"
[ ! -L "$root/etc/xen/scripts/vif-bridge" ] || fail 'uninstall did nothing'
on_root --purge "$PACKAGE" >/dev/null
[ ! -e "$root/usr/libexec/xenwire" ] || fail 'something is left after the removal'

ls -l "$out"
