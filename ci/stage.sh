#!/usr/bin/env bash
# One stage of ci.sh: `ci/stage.sh STAGE [NAME]`. Started by ci.sh, which sets the environment.
#
# Every stage is a function whose status is the stage's result. `set -e` does not work inside
# functions that are tested, so the steps are joined with && instead.
set -uo pipefail
stage=${1:?ci/stage.sh is started by ci.sh}
name=${2:-}

fmt() { cargo fmt --all --check; }

lint() {
  cargo clippy --locked --workspace --all-targets -- -D warnings || return
  ci/mutants.sh --check || return
  if command -v shellcheck >/dev/null; then
    shellcheck -x ci.sh .ci/run ci/*.sh
  else
    echo 'stage lint: shellcheck is not installed' >>"$XENWIRE_MISSING"
  fi
}

doc() { RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps; }

# Runs `cargo test` with the words given and hands its counts to ci.sh.
counted_test() {
  local log status
  log=$(mktemp) || return
  cargo test --locked --workspace --no-fail-fast "$@" 2>&1 | tee "$log"
  status=$?
  # test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; ...
  awk '/^test result: / { for (i = 2; i <= NF; i++) {
         if ($i == "passed;") p += $(i - 1)
         if ($i == "failed;") f += $(i - 1)
         if ($i == "ignored;") s += $(i - 1) } }
       END { print p + 0, f + 0, s + 0 }' "$log" >>"$XENWIRE_COUNTS"
  rm -f "$log"
  return "$status"
}

ran() { awk '{ n += $1 + $2 } END { exit !n }' "$XENWIRE_COUNTS"; }

tests() {
  PROPTEST_CASES=$XENWIRE_CASES counted_test ${name:+"$name"} || return
  ran || { echo "no test ran; asked for: ${name:-all}"; return 1; }
}

# A property test has `prop` or `fuzz` in its name or its module's.
fuzz() {
  local words=(prop fuzz)
  [ -z "$name" ] || words=("$name")
  grep -rqs --include='*.rs' 'proptest!' crates || { echo 'no property tests yet'; return 0; }
  PROPTEST_CASES=$((XENWIRE_CASES * 10)) counted_test -- "${words[@]}" || return
  tail -n 1 "$XENWIRE_COUNTS" | awk '{ exit !($1 + $2) }' ||
    { echo "no property test has ${words[*]} in its name"; return 1; }
}

# Each row builds and tests a changed copy: some twenty minutes for all of them.
mutants() { ci/mutants.sh ${name:+"$name"}; }

bench() {
  [ -n "$(find crates -path '*/benches/*.rs' -print -quit)" ] || { echo 'no benchmarks yet'; return 0; }
  cargo bench --locked --workspace --benches ${name:+-- "$name"}
}

case $stage in
  fmt | lint | doc | fuzz | mutants | bench) "$stage" ;;
  test) tests ;;
  need | fence | deny | lab) exec bash "ci/$stage.sh" ;;
  *) echo "ci/stage.sh: no stage is called $stage" >&2; exit 2 ;;
esac
