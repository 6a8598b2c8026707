#!/usr/bin/env bash
# The one entry point for checks, for people and for CI. `./ci.sh --help` says the rest.
#
# This file chooses stages, times them and counts. What a stage does stands in ci/stage.sh.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 70

readonly ALL=(need fmt lint fence deny doc test fuzz lab)
readonly BUDGET_SECONDS=$((60 * 60))

usage() {
  cat <<'END'
usage: ./ci.sh [--no-install] [STAGE] [NAME]

  all           every stage below except package, mutants, order and bench, in this order (the default)
  need          install what the tests need; unpack Debian's hotplug scripts, xl and kernel into .cache/
  fmt           rustfmt, nothing is changed
  lint          clippy and shellcheck, warnings are errors
  fence         the rules of the house that no compiler keeps
  deny          licences and sources of every dependency
  doc           the documentation, warnings are errors
  test [NAME]   every test; or those of the crate in crates/NAME; or those with NAME in their name
                (`test qemu`: those on Debian's own kernel, in QEMU)
  fuzz [NAME]   the property tests again, with ten times as many cases
  lab           the release binary runs every folder of examples/, as root and as nobody
  package       a .deb and a tarball, and both tried; not in `all`
  mutants [WORD]  the lab's stand-ins, made wrong in 165 ways; each must be noticed; not in `all`
  order         crates/cli/hotplug.ld anew: what of a release lies together; not in `all`
  bench [NAME]  the benchmarks, NAME as for test; never part of `all`: figures do not pass or fail

  --no-install  install nothing; a test whose tool is missing is counted as skipped

environment:
  XENWIRE_CASES   cases per property test (default 64; fuzz runs ten times as many)
  XENWIRE_TOOLS   where cargo-deny is kept between clones (default ~/.cache/xenwire-tools)
  XENWIRE_QEMU_ACCEL  tcg (the default) or kvm: what QEMU runs on
  CI=true         ask nothing; a test that cannot run here fails

The last line counts tests and stages. Exit status: 0 all passed, 1 something failed, 2 bad usage.
END
}

usage_error() {
  printf 'ci.sh: %s\n\n' "$1" >&2
  usage >&2
  exit 2
}

# ---- arguments ----------------------------------------------------------------------------------

words=()
for word in "$@"; do
  case $word in
    -h | --help) usage; exit 0 ;;
    --no-install) export XENWIRE_NO_INSTALL=1 ;;
    -*) usage_error "unknown option $word" ;;
    *) words+=("$word") ;;
  esac
done
[ "${#words[@]}" -le 2 ] || usage_error "too many words: ${words[*]}"
wanted=${words[0]:-all}
name=${words[1]:-}
case $wanted in
  all) stages=("${ALL[@]}") ;;
  need | fmt | lint | fence | deny | doc | test | fuzz | lab | package | mutants | order | bench) stages=("$wanted") ;;
  *) usage_error "no stage is called $wanted" ;;
esac
case $wanted:$name in
  *: | test:* | fuzz:* | bench:* | mutants:*) ;;
  *) usage_error "$wanted takes no name" ;;
esac
case ${XENWIRE_CASES:=64} in
  '' | *[!0-9]* | 0) usage_error "XENWIRE_CASES is '$XENWIRE_CASES': a number above 0 is wanted" ;;
esac
# An ordinary user's PATH on Debian lacks the folders of ip, nft and ethtool; a job's PATH may lack
# the one where rustup puts cargo.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:${HOME:-}/.cargo/bin"
command -v cargo >/dev/null || {
  echo "ci.sh: cargo is not in PATH; install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer" >&2
  exit 1
}

# ---- what every stage sees ----------------------------------------------------------------------

export XENWIRE_CASES
export XENWIRE_DEBIAN_PACKAGE="$PWD/.cache/xen-utils-common"
export XENWIRE_DEBIAN_SCRIPTS="$XENWIRE_DEBIAN_PACKAGE/etc/xen/scripts"
export XENWIRE_DEBIAN_XL="$PWD/.cache/xen-utils"
export XENWIRE_DEBIAN_IFUPDOWN="$PWD/.cache/ifupdown"
export XENWIRE_DEBIAN_OPENVSWITCH="$PWD/.cache/openvswitch"
export XENWIRE_QEMU_IMAGE="$PWD/.cache/qemu"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/xenwire-ci.XXXXXX") || exit 1
export XENWIRE_COUNTS="$scratch/counts"   # a line per counted run: PASSED FAILED SKIPPED
export XENWIRE_MISSING="$scratch/missing" # a line per test that could not run: TEST: REASON
: >"$XENWIRE_COUNTS"
: >"$XENWIRE_MISSING"

child=
leave() {
  [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
  rm -rf "$scratch"
}
trap leave EXIT
trap 'exit 130' INT TERM

# ---- stages -------------------------------------------------------------------------------------

table=
stages_passed=0
stages_failed=0
over_budget=
SECONDS=0

for stage in "${stages[@]}"; do
  left=$((BUDGET_SECONDS - SECONDS))
  if [ "$left" -le 0 ]; then
    over_budget=yes
    break
  fi
  printf '\n==== %s\n' "$stage"
  began=$SECONDS
  if [ "$stage" = need ]; then
    # In the foreground: it may have a question, and sudo may want a password.
    bash ci/stage.sh need
    status=$?
  else
    # timeout(1) makes a process group of its own; an interrupt reaches it through leave().
    timeout --kill-after=10 "$left" bash ci/stage.sh "$stage" "$name" </dev/null &
    child=$!
    wait "$child"
    status=$?
    child=
  fi
  took=$((SECONDS - began))
  case $status in
    0) result=ok stages_passed=$((stages_passed + 1)) ;;
    124 | 137) result="FAILED: stopped, the budget was used up" over_budget=yes ;;
    *) result=FAILED ;;
  esac
  [ "$status" -eq 0 ] || stages_failed=$((stages_failed + 1))
  printf -- '---- %s: %s, %d s\n' "$stage" "$result" "$took"
  table+=$(printf '%-8s %7d  %s' "$stage" "$took" "$result")$'\n'
done

# ---- the account --------------------------------------------------------------------------------

printf '\n%-8s %7s  %s\n%s%-8s %7d\n' stage seconds result "$table" total "$SECONDS"
if [ -n "$over_budget" ]; then
  printf '\nThe budget of %d minutes is exceeded; the table says which stage took what.\n' \
    $((BUDGET_SECONDS / 60))
  [ "$stages_failed" -gt 0 ] || stages_failed=1
fi

# Several threads of a test may have written the same line; one is enough.
missing=$(sort -u "$XENWIRE_MISSING")
skipped_here=0
if [ -n "$missing" ]; then
  skipped_here=$(wc -l <<<"$missing")
  printf '\nCould not run here (%d):\n%s\n' "$skipped_here" "$missing"
fi

read -r tests_passed tests_failed tests_skipped < <(
  awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$XENWIRE_COUNTS"
)
# A test that found its tool missing returned early, and the harness called that passed. Stages say
# what they lack in the same file; they are not among the tests.
not_tests=$(grep -c '^stage ' "$XENWIRE_MISSING")
passed=$((tests_passed - skipped_here + not_tests + stages_passed))
skipped=$((tests_skipped + skipped_here))
failed=$((tests_failed + stages_failed))

if [ "$wanted" = all ] && [ "$tests_passed" -eq 0 ]; then
  printf '\nNo test ran: that is a failure.\n'
  failed=$((failed + 1))
fi

printf '\n%d passed, %d failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped"
printf '\n'
[ "$failed" -eq 0 ]
