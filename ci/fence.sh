#!/usr/bin/env bash
# Stage `fence`: the rules of the house that no compiler keeps. Every complaint says where, what,
# and what to do. Run from the root of the repository; a copy of the tree will do.
set -uo pipefail
export LC_ALL=C

faults=0

fence() { printf -- '-- %s\n' "$1"; }
fault() { # WHERE: WHAT, WHAT TO DO
  faults=$((faults + 1))
  printf '   %s\n      -> %s\n' "$1" "$2"
}
# Reads "WHERE: WHAT" lines and makes a fault of each.
faults_from() { # WHAT TO DO
  local line
  while IFS= read -r line; do
    [ -z "$line" ] || fault "$line" "$1"
  done
}

rust_files() { find crates -name target -prune -o -name '*.rs' -print | sort; }

# ---- crates -------------------------------------------------------------------------------------

direct_dependencies() { # CRATE
  cargo tree --locked --quiet -p "$1" --depth 1 --prefix none -e normal,build | awk 'NR > 1 { print $1 }'
}

fence 'arrows: cli -> lab, host, core; lab -> host, core, xenstore; host -> core, wire, xenstore'
arrows() { # CRATE ALLOWED...
  local crate=$1 found dependency tree
  shift
  tree=$(direct_dependencies "$crate") || { fault "$crate: cargo tree failed" 'mend the manifest'; return; }
  found=$(grep -E '^xenwire' <<<"$tree")
  for dependency in $found; do
    case " $* " in
      *" $dependency "*) ;;
      *) fault "$crate -> $dependency is no arrow of the house" \
        "move what is needed to where it may live (ARCHITECTURE.md, \"Crates\"), or pass it in as a value" ;;
    esac
  done
}
arrows xenwire xenwire-lab xenwire-host xenwire-core
arrows xenwire-lab xenwire-host xenwire-core xenwire-xenstore
arrows xenwire-host xenwire-core xenwire-wire xenwire-xenstore
arrows xenwire-core
arrows xenwire-wire
arrows xenwire-xenstore
for folder in crates/*/; do
  case $(basename "$folder") in
    core | wire | xenstore | host | lab | cli) ;;
    *) fault "$folder: a crate without arrows" 'add its arrows to ci/fence.sh and ARCHITECTURE.md' ;;
  esac
done

fence 'core and wire reach no system call, not even through a dependency'
for crate in xenwire-core xenwire-wire; do
  for dependency in $(direct_dependencies "$crate"); do
    case $dependency in
      libc | rustix | nix | netlink-sys | socket2 | tempfile | rand | getrandom)
        fault "$crate depends on $dependency" 'do that in xenwire-host and hand the result over as a value' ;;
    esac
  done
done

fence 'core and wire: clippy refuses clocks, files, sockets, environment, processes'
cmp -s <(grep -v '^#' crates/core/clippy.toml) <(grep -v '^#' crates/wire/clippy.toml) ||
  fault 'crates/core/clippy.toml and crates/wire/clippy.toml differ' 'make the lists the same again'
faults_from 'take the value as an argument instead of silencing the refusal' < <(
  grep -rnE 'clippy::disallowed' crates/core/src crates/wire/src
)

fence 'no async runtime'
faults_from "find who brings it with 'cargo tree -i NAME', and do without" < <(
  cargo tree --locked --quiet --workspace --prefix none -e normal,build,dev |
    awk '$1 ~ /^(tokio|async-std|smol|async-executor|futures-executor)$/ { print $1 " " $2 " is in the dependency tree" }' |
    sort -u
)

# ---- unsafe and the kernel ----------------------------------------------------------------------

fence 'no unsafe outside host and lab'
for root in crates/{core,wire,xenstore}/src/lib.rs; do
  grep -q '^#!\[forbid(unsafe_code)\]' "$root" ||
    fault "$root lacks #![forbid(unsafe_code)]" 'put the line back; what needs unsafe belongs to xenwire-host'
done
grep -q '^#!\[deny(unsafe_code)\]' crates/cli/src/main.rs ||
  fault 'crates/cli/src/main.rs lacks #![deny(unsafe_code)]' 'put the line back'
faults_from 'what needs unsafe belongs to xenwire-host; only the symbol main is in crates/cli/src/start.rs' < <(
  grep -rnE --include='*.rs' '^[^/]*unsafe_code' crates/cli/src |
    grep -vE '^crates/cli/src/(main\.rs:[0-9]+:#!\[deny|start\.rs:)'
)

fence 'one file changes the kernel: crates/host/src/kernel/mutate.rs, with its parts for packet filters'
# Comments may speak of these things; code may not do them.
code_with() { # PATTERN FOLDER...
  grep -rnE --include='*.rs' "$@" 2>/dev/null | grep -vE '^[^:]+:[0-9]+:[[:space:]]*//'
}
# Netlink verbs that change something are named Verb::; the folder of tests beside a file is a test.
faults_from 'call what kernel/mutate.rs offers: it asks for the journal token, this would not' < <(
  code_with '\bVerb::' crates/host/src crates/lab/src crates/cli/src |
    grep -vE '^crates/host/src/kernel/mutate(/(tests|guards|masquerade|forward|old_rules))?\.rs:'
)
faults_from 'write through kernel/mutate.rs and read through kernel/observe.rs' < <(
  code_with '/?proc/sys' crates/host/src crates/lab/src crates/cli/src |
    grep -vE '^crates/host/src/kernel/(mutate|observe)(/[a-z_]+)*\.rs:' |
    # Why a user namespace was refused, and what the lab makes read-only: never written to.
    grep -vE '^crates/lab/src/sandbox/(.*proc/sys/(user|kernel)/|mounts.rs:)'
)

# ---- names --------------------------------------------------------------------------------------

fence 'names say what a thing is'
readonly BANNED='utils?|helpers?|managers?|common|misc|infos?|data|internals?'
# CamelCase is cut at its humps and compared in lower case. What a foreign trait or protocol calls
# its own gets the words "foreign name" in a comment on the same line.
definitions() {
  rust_files | xargs grep -nHE \
    '^[[:space:]]*(pub(\([a-z: ]+\))?[[:space:]]+)?((default|const|async|unsafe|extern "C")[[:space:]]+)*(fn|struct|enum|union|mod|trait|type)[[:space:]]+[A-Za-z_]' |
    grep -v 'foreign name' |
    sed -E 's/^([^:]+:[0-9]+):[[:space:]]*(pub(\([a-z: ]+\))?[[:space:]]+)?((default|const|async|unsafe|extern "C")[[:space:]]+)*(fn|struct|enum|union|mod|trait|type)[[:space:]]+([A-Za-z0-9_]+).*/\1 \6 \7/'
}
faults_from 'name the thing by what it does or holds; GLOSSARY.md has the words' < <(
  definitions | awk -v banned="(^|_)($BANNED)(_|\$)" '
    {
      snake = ""
      for (i = 1; i <= length($3); i++) {
        c = substr($3, i, 1)
        if (c ~ /[A-Z]/ && before ~ /[a-z0-9]/) snake = snake "_"
        snake = snake tolower(c)
        before = c
      }
      before = ""
      if (snake ~ banned || snake ~ /^(handle|process|do)_/) print $1 ": " $2 " " $3
    }'
)
faults_from 'rename the file after what is in it' < <(
  find crates ci examples docs -name target -prune -o -print 2>/dev/null |
    grep -E "(^|[/_.-])($BANNED)([/_.-]|\$)" | sed 's/$/: a banned word/'
)

# ---- files --------------------------------------------------------------------------------------

fence 'files are short (above 500 lines listed, above 800 a reason is due)'
while IFS= read -r file; do
  lines=$(wc -l <"$file")
  [ "$lines" -gt 500 ] || continue
  printf '   %5d lines  %s\n' "$lines" "$file"
  [ "$lines" -le 800 ] || head -n 20 "$file" | grep -q '^//! Size:' ||
    fault "$file: $lines lines" 'split it by reason to change, or say "//! Size: why" in its first 20 lines'
done < <(rust_files)

fence 'every file says what it is for'
while IFS= read -r file; do
  head -n 3 "$file" | grep -q '^//!' ||
    fault "$file does not open with //!" 'say in one sentence what it is for, and its invariant'
done < <(rust_files)

fence 'no test is forgotten: every file of a test binary is named in its main.rs'
for main in crates/*/tests/*/main.rs; do
  for file in "${main%main.rs}"*.rs; do
    module=$(basename "$file" .rs)
    [ "$module" = main ] || grep -qE "^(pub )?mod $module;" "$main" ||
      fault "$file is not named in $main" "write \`mod $module;\` there; nobody runs its tests else"
  done
done

fence 'nothing of one machine: no private paths, no hosts but well-known ones'
text_files() {
  find . \( -name .git -o -name target -o -name .cache \) -prune -o -type f ! -name Cargo.lock -print
}
faults_from 'use a path inside the repository, or a temporary one' < <(
  text_files | xargs -d '\n' grep -nHIE '(^|[^A-Za-z0-9_.~-])/(root|work)/'
)
case ${HOME:-/} in
  / | /root) ;;
  *) faults_from 'use a path inside the repository, or a temporary one' < <(
    text_files | xargs -d '\n' grep -nHIF "$HOME/"
  ) ;;
esac
readonly HOSTS='(www\.)?apache\.org|opensource\.org|xenbits\.xen(project)?\.org|wiki\.xen(project)?\.org|(www|docs)\.kernel\.org|git\.kernel\.org|man7\.org|www\.rfc-editor\.org|datatracker\.ietf\.org|doc\.rust-lang\.org|standards\.ieee\.org|www\.w3\.org|([a-z0-9-]+\.)*example(\.(org|com|net))?'
faults_from 'name the thing, not the host it came from; well-known hosts are listed in ci/fence.sh' < <(
  text_files | xargs -d '\n' grep -nHIoE '[a-z+]+://[A-Za-z0-9._-]+' |
    grep -vE "://($HOSTS)\$" | grep -vE ':(unix|file)://'
)

printf '\n%s\n' "$([ "$faults" -eq 0 ] && echo 'All fences hold.' || echo "$faults places to mend.")"
[ "$faults" -eq 0 ]
