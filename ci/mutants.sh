#!/usr/bin/env bash
# Is the lab's stand-in for libxl, xend and netback honest? Each row of ci/mutants.txt makes one step of
# the contract wrong, in a copy of the workspace; the tests that the row names must notice it.
#
#   ci/mutants.sh [WORD]…   tries every row, or those with a WORD in section and title
#   ci/mutants.sh --table   prints crates/lab/tests/MUTANTS.md
#   ci/mutants.sh --check   every row still applies, and MUTANTS.md is the table; builds nothing
#
# The copy and what is built of it stay in $XENWIRE_MUTANTS (default .cache/mutants) for the next
# time. The last line counts: passed is noticed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 70

readonly ROWS=ci/mutants.txt
readonly TABLE=crates/lab/tests/MUTANTS.md
readonly SOURCES=crates/lab/src
# Where the unchanged files are read.
pristine=$SOURCES
# A mutant may hang what it breaks; a test of its own accord takes far less.
readonly LIMIT_SECONDS=60

# ---- the rows -----------------------------------------------------------------------------------

# Row N: ${title[N]}, ${section[N]}, ${file[N]}, ${suite[N]}, ${tests[N]}, and the pairs of texts
# ${old[N.0]} ${new[N.0]}, ${old[N.1]} …, ${pairs[N]} of them.
declare -a title section file suite tests pairs
declare -A old new
rows=0

read_rows() {
  local line kind rest pair=0 last='' where=''
  while IFS= read -r line || [ -n "$line" ]; do
    kind=${line:0:1}
    rest=${line:1}
    case $kind in
      '#' | '') continue ;;
      '=')
        rows=$((rows + 1))
        section[rows]=${rest%% *} title[rows]=${rest#* }
        pair=-1 last=''
        ;;
      '@')
        file[rows]=${rest%% *} rest=${rest#* }
        suite[rows]=${rest%% *} tests[rows]=${rest#* }
        ;;
      '-')
        if [ "$last" = - ]; then
          old[$where]+=$'\n'$rest
        else
          pair=$((pair + 1)) where=$rows.$((pair))
          old[$where]=$rest new[$where]=''
        fi
        pairs[rows]=$((pair + 1))
        ;;
      '+')
        [ "$last" = + ] && new[$where]+=$'\n'
        new[$where]+=$rest
        ;;
      *) echo "$ROWS: what is this? $line" >&2; exit 70 ;;
    esac
    last=$kind
  done <"$ROWS"
}

# Prints row $1's file with the row's texts replaced; fails unless each is there just once.
mutate() {
  local row=$1 pair text
  IFS= read -r -d '' text <"$pristine/${file[row]}"
  for ((pair = 0; pair < pairs[row]; pair++)); do
    text=$(OLD=${old[$row.$pair]} NEW=${new[$row.$pair]} perl -0777 -pe \
      'my $times = () = /\Q$ENV{OLD}\E/g; exit 1 if $times != 1; s/\Q$ENV{OLD}\E/$ENV{NEW}/' \
      <<<"$text") || {
      echo "row $row (${title[row]}): this is not just once in ${file[row]}: ${old[$row.$pair]}" >&2
      return 1
    }
  done
  printf '%s\n' "$text"
}

# ---- the table ----------------------------------------------------------------------------------

table() {
  cat <<'END'
# Mutants of the stand-in

The lab's stand-in for libxl, xend and netback ([`src/xen`](../src/xen)) is held to Xen's contract
step by step. Each row makes one step wrong in the source; the tests named notice it. `ci/mutants.sh` tries
them all; it writes this table too, from `ci/mutants.txt`.

Sections are those of Xen's contract: 3.1 the life of a NIC, 3.2 its nodes, 3.3 the script's call,
4.1 to 4.4 netback, 1.3.1 netloop, 2.15 udev, 6.1 to 6.4 xend. Tests named `…::tests::…` are beside the code, the others in [`honesty`](honesty).

| # | section | mutant | in | noticed by |
| --- | --- | --- | --- | --- |
END
  local row
  for ((row = 1; row <= rows; row++)); do
    # shellcheck disable=SC2016 # Markdown's own backquotes
    printf '| %d | %s | %s | `%s` | `%s` |\n' "$row" "${section[row]}" "${title[row]}" \
      "${file[row]}" "${tests[row]}"
  done
}

check() {
  local row faults=0
  for ((row = 1; row <= rows; row++)); do
    mutate "$row" >/dev/null || faults=$((faults + 1))
  done
  cmp -s <(table) "$TABLE" ||
    { echo "$TABLE is not the table: ci/mutants.sh --table >$TABLE"; faults=$((faults + 1)); }
  [ "$faults" -eq 0 ]
}

# ---- trying them --------------------------------------------------------------------------------

prepare() {
  scratch=${XENWIRE_MUTANTS:-$PWD/.cache/mutants}
  mkdir -p "$scratch/tree" || exit 1
  export CARGO_TARGET_DIR=$scratch/target
  # Nobody debugs a mutant.
  export CARGO_PROFILE_TEST_OPT_LEVEL=0 CARGO_PROFILE_TEST_DEBUG=0 CARGO_PROFILE_DEV_DEBUG=0
  export CARGO_INCREMENTAL=1
  # Files that did not change keep their time, and cargo does not build them again.
  rm -rf "$scratch/tree.new" && mkdir "$scratch/tree.new" &&
    cp -Rp Cargo.toml Cargo.lock .cargo crates examples "$scratch/tree.new" &&
    rm -rf "$scratch/tree" && mv "$scratch/tree.new" "$scratch/tree" || exit 1
  tree=$scratch/tree
  # What an interrupted run has built of a mutant must not be taken for the file as it is.
  find "$tree/$SOURCES" -name '*.rs' -exec touch {} +
  rm -rf "$scratch/pristine" && cp -R "$tree/$SOURCES" "$scratch/pristine" || exit 1
  pristine=$scratch/pristine
  echo "The tests as they are, in $scratch"
  (cd "$tree" && cargo build -q --locked -p xenwire-lab --profile test --example honesty) &&
    (cd "$tree" && cargo test -q --locked -p xenwire-lab --lib -- xen:: boot::) || exit 1
  # The tests of `honesty` start the example and have nothing of the mutant in themselves: once
  # built, they serve for all.
  honesty=$(cd "$tree" && cargo test --locked -p xenwire-lab --test honesty --no-run 2>&1 |
    sed -n 's/.*Executable tests.*(\(.*\))$/\1/p')
  (cd "$tree/crates/lab" && "$honesty") || exit 1
}

# Builds and runs the tests of row $1: their status, 125 if the mutant cannot be built.
tried() {
  local row=$1
  case ${suite[row]} in
    lib)
      (cd "$tree" && cargo test -q --locked -p xenwire-lab --lib --no-run) || return 125
      # shellcheck disable=SC2086 # several words are several names
      (cd "$tree" && timeout "$LIMIT_SECONDS" cargo test -q --locked -p xenwire-lab --lib -- ${tests[row]})
      ;;
    honesty)
      (cd "$tree" && cargo build -q --locked -p xenwire-lab --profile test --example honesty) ||
        return 125
      # shellcheck disable=SC2086
      (cd "$tree/crates/lab" && timeout "$LIMIT_SECONDS" "$honesty" ${tests[row]})
      ;;
    *) return 125 ;;
  esac
}

# Whether row $1 has one of the words that follow in it.
wanted() {
  local text="${section[$1]} ${title[$1]}" word
  shift
  [ $# -gt 0 ] || return 0
  for word; do
    case $text in *"$word"*) return 0 ;; esac
  done
  return 1
}

try_all() { # WORD...
  local row path passed=0 failed=0 status
  prepare
  for ((row = 1; row <= rows; row++)); do
    wanted "$row" "$@" || continue
    path=$tree/$SOURCES/${file[row]}
    if mutate "$row" >"$scratch/mutant"; then
      cp "$scratch/mutant" "$path"
      tried "$row" >"$scratch/log" 2>&1
      status=$?
      cp "$pristine/${file[row]}" "$path"
    else
      status=125
    fi
    # A name that no test has would pass with nothing run.
    if [ "$status" -ne 125 ] && ! grep -qE 'running [1-9]' "$scratch/log"; then status=125; fi
    case $status in
      0) printf 'MISSED  %3d  %s  %s\n' "$row" "${section[row]}" "${title[row]}"; failed=$((failed + 1)) ;;
      125)
        printf 'BROKEN  %3d  %s  %s\n' "$row" "${section[row]}" "${title[row]}"
        tail -n 20 "$scratch/log"
        failed=$((failed + 1))
        ;;
      *) printf 'caught  %3d  %s  %s\n' "$row" "${section[row]}" "${title[row]}"; passed=$((passed + 1)) ;;
    esac
  done
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

read_rows
case ${1:-} in
  --table) table ;;
  --check) check ;;
  -*) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2 ;;
  *) try_all "$@" ;;
esac
