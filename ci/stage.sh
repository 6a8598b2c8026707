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
    shellcheck -x ci.sh .ci/run ci/*.sh ci/package/p* crates/host/src/hooks/*.sh
  else
    echo 'stage lint: shellcheck is not installed' >>"$XENWIRE_MISSING"
  fi
}

doc() { RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps; }

# NAME is the package in crates/NAME, or else a part of the names of what is to run.
package() {
  [ -n "$name" ] && sed -n 's/^name = "\(.*\)"$/\1/p;T;q' "crates/$name/Cargo.toml" 2>/dev/null
}

# Runs `cargo test` with the words given and hands its counts to ci.sh.
counted_test() {
  local log status
  log=$(mktemp) || return
  cargo test --locked --no-fail-fast "$@" 2>&1 | tee "$log"
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

# Who asks for some tests by name wants to see what they counted.
tests() {
  local package which=(--workspace)
  package=$(package)
  if [ -n "$package" ]; then
    which=(-p "$package" -- --show-output)
  elif [ -n "$name" ]; then
    # Rust's names have no hyphens.
    which+=("${name//-/_}" -- --show-output)
  fi
  PROPTEST_CASES=$XENWIRE_CASES counted_test "${which[@]}" || return
  ran || { echo "no test ran; asked for: ${name:-all}"; return 1; }
}

# A property test has `prop` or `fuzz` in its name or its module's.
fuzz() {
  local words=(prop fuzz)
  [ -z "$name" ] || words=("$name")
  grep -rqs --include='*.rs' 'proptest!' crates || { echo 'no property tests yet'; return 0; }
  PROPTEST_CASES=$((XENWIRE_CASES * 10)) counted_test --workspace -- "${words[@]}" || return
  tail -n 1 "$XENWIRE_COUNTS" | awk '{ exit !($1 + $2) }' ||
    { echo "no property test has ${words[*]} in its name"; return 1; }
}

# Each row builds and tests a changed copy: some twenty minutes for all of them.
mutants() { ci/mutants.sh ${name:+"$name"}; }

order() {
  local target=${CARGO_TARGET_DIR:-target}
  mkdir -p "$target" && target=$(cd "$target" && pwd) || return
  XENWIRE_MAP=$target/xenwire.map cargo bench --locked -p xenwire --bench hotplug -- \
    order "$target/xenwire.map" "$PWD/crates/cli/hotplug.ld"
}

bench() {
  [ -n "$(find crates -path '*/benches/*.rs' -print -quit)" ] || { echo 'no benchmarks yet'; return 0; }
  local package
  package=$(package)
  # Only what is in a folder benches/: with --benches every test would be listed as ignored.
  if [ -n "$package" ]; then
    cargo bench --locked -p "$package" --bench '*'
  else
    cargo bench --locked --workspace --bench '*' ${name:+-- "$name"}
  fi
}

case $stage in
  fmt | lint | doc | fuzz | mutants | order | bench) "$stage" ;;
  test) tests ;;
  need | fence | deny | lab | package) exec bash "ci/$stage.sh" ;;
  *) echo "ci/stage.sh: no stage is called $stage" >&2; exit 2 ;;
esac
