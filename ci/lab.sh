#!/usr/bin/env bash
# Stage `lab`: the binary a user gets runs every scenario of examples/, as root and as an ordinary
# user. Each run is counted: it passes when xenwire says so by its exit status.
set -uo pipefail

readonly NOBODY=65534
readonly LIMIT_SECONDS=120
readonly TOGETHER_BYTES=$((800 * 1024))
# The README and the CI page name these: they may not go missing unnoticed.
readonly PROMISED=(two-bridges one-bridge)

cargo build --locked --release || exit 1
binary=${CARGO_TARGET_DIR:-target}/$(rustc --print host-tuple)/release/xenwire
[ -x "$binary" ] || { echo "no binary at $binary after the build"; exit 1; }

passed=0
failed=0
count() { # LABEL STATUS
  if [ "$2" -eq 0 ]; then
    passed=$((passed + 1))
    echo "lab $1 ... ok"
  else
    failed=$((failed + 1))
    echo "lab $1 ... FAILED (exit status $2)"
  fi
}

# What a call of a vif script runs through lies together (crates/cli/hotplug.ld), or it would hold twice
# the memory. A name that a compiler or a library gives otherwise is left out without a word.
together=$(size -A "$binary" | awk '$1 == ".text.hotplug" { print $2 }')
if [ "${together:-0}" -lt "$TOGETHER_BYTES" ]; then
  echo "$binary has ${together:-no} bytes in .text.hotplug; wanted: $TOGETHER_BYTES. './ci.sh order' names them anew"
  count 'the code of a call lies together' 1
else
  count 'the code of a call lies together' 0
fi

for scenario in "${PROMISED[@]}"; do
  if [ ! -e "examples/$scenario/lab.toml" ]; then
    echo "examples/$scenario/lab.toml is missing, and the README promises it"
    count "$scenario" 1
  fi
done

# A copy that anyone can read: a checkout may lie in a folder that nobody else can enter.
copy=$(mktemp -d "${TMPDIR:-/tmp}/xenwire-lab.XXXXXX") || exit 1
trap 'rm -rf "$copy"' EXIT
chmod 0755 "$copy" && cp "$binary" "$copy/xenwire" && mkdir "$copy/home" "$copy/examples" || exit 1
[ ! -d examples ] || cp -R examples/. "$copy/examples/"
chmod -R a+rX "$copy"

uid=$(id -u)
for folder in examples/*/; do
  scenario=$(basename "$folder")
  [ -e "$folder/lab.toml" ] || continue
  printf '\n-- examples/%s as uid %d\n' "$scenario" "$uid"
  timeout --kill-after=10 "$LIMIT_SECONDS" "$binary" lab run "examples/$scenario"
  count "$scenario as uid $uid" $?

  [ "$uid" -eq 0 ] || continue
  chown "$NOBODY:$NOBODY" "$copy/home"
  printf '\n-- examples/%s as uid %d\n' "$scenario" "$NOBODY"
  (cd "$copy" && timeout --kill-after=10 "$LIMIT_SECONDS" \
    setpriv --reuid="$NOBODY" --regid="$NOBODY" --clear-groups --inh-caps=-all --bounding-set=-all \
    env -i HOME="$copy/home" PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 \
    ./xenwire lab run "examples/$scenario")
  count "$scenario as uid $NOBODY" $?
done

echo "$passed $failed 0" >>"$XENWIRE_COUNTS"
[ "$failed" -eq 0 ]
