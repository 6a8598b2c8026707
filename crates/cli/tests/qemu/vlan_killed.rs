//! SIGKILL in the middle of a vif's `online` and `offline` where `vlan=` puts it into VLANs: an `offline` takes
//! all of them away, an `online` gives all of them, whatever was half done.

use std::path::Path;

use crate::machine::Machine;

/// Every how many of a call's changes it is killed, unless `XENWIRE_CRASH_STRIDE` says otherwise: each takes
/// seconds, since the processor is emulated.
const STRIDE: &str = "2";

/// In dom0, where the guest with the most VLANs has vif4.0. strace counts each system call by itself.
const KILLED: &str = r#"
vif_bridge() { # WORD [BEFORE...]
  _word=$1
  shift
  env -i PATH="$PATH" XENBUS_PATH=backend/vif/4/0 vif=vif4.0 "$@" \
    /etc/xen/scripts/vif-bridge "$_word" type_if=vif </dev/null
}

seen() { # FILE: VLANs of all ports, the link, and who has a journal; without what changes by itself
  {
    bridge -json vlan show
    ip -oneline -details link show vif4.0
    ls /run/xenwire/journal
  } | sed -E -e 's/^[0-9]+: +//' -e 's/ [a-z_]+_timer +[0-9.]+//g' -e 's/ state [A-Za-z]+//g' \
    -e 's/ port_(id|no) [x0-9a-f]+//g' -e 's/ designated_port [0-9]+//' -e 's/qdisc noop /qdisc noqueue /' >"$1"
}

is() { # FILE WHAT
  seen /tmp/now
  diff "$1" /tmp/now && return
  echo "$2"
  exit 9
}

changes() { # WORD: "CALL NUMBER" for each change, into a file
  vif_bridge "$1" strace -y -s 64 -o /tmp/trace -e trace=sendto,write,unlink,unlinkat
  awk 'match($0, /^[a-z]+\(/) {
      call = substr($0, 1, RLENGTH - 1)
      n[call]++
      if (/NLM_F_ACK/ || (call == "write" && !/<pipe:|<\/dev\//) || call ~ /^unlink/) print call, n[call]
    }' /tmp/trace >"/tmp/changes.$1"
  echo "changes $1 $(wc -l <"/tmp/changes.$1"), of VLANs $(grep -c IFLA_BRIDGE_VLAN /tmp/trace || :)"
}

killed() { # WORD BACK: kills WORD; BACK is what was before it
  _line=0
  while read -r _call _n; do
    _line=$((_line + 1))
    [ $((_line % STRIDE)) -eq 0 ] || continue
    _at="$1 killed at $_call $_n, change $_line"
    _status=0
    vif_bridge "$1" strace -o /dev/null -e trace="$_call" -e "inject=$_call:signal=KILL:when=$_n" || _status=$?
    [ "$_status" -eq 137 ] || { echo "$_at: status $_status"; exit 9; }
    # Either may be called next.
    if [ $((_line / STRIDE % 2)) -eq 1 ]; then
      vif_bridge offline
      is /tmp/off "$_at, offline"
      vif_bridge online
      is /tmp/on "$_at, offline, online"
    else
      vif_bridge online
      is /tmp/on "$_at, online"
      vif_bridge offline
      is /tmp/off "$_at, online, offline"
    fi
    vif_bridge "$2"
    echo "$_at"
  done <"/tmp/changes.$1"
}

vif_bridge offline
vif_bridge online
seen /tmp/on
changes offline
seen /tmp/off
changes online
is /tmp/on "the second online"
grep -q '"vlan":40' /tmp/on
if grep '"vlan":40' /tmp/off; then exit 9; fi
killed offline online
vif_bridge offline
killed online offline
vif_bridge online
is /tmp/on "the end"
"#;

const JOB: &str = r#"
xenwire lab up /opt/vlans >/dev/null
xenwire lab exec dom0 -- sh -euc "STRIDE=$STRIDE; $KILLED"
# It is well: the guest reaches whom it reached.
until xenwire lab exec trunk -- ping -q -n -c 1 -W 1 192.0.2.1 >/dev/null; do :; done
xenwire lab down >/dev/null"#;

#[test]
fn vlans_are_never_half_in_qemu() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/qemu/vlans");
    let stride = std::env::var("XENWIRE_CRASH_STRIDE").unwrap_or_else(|_| STRIDE.into());
    let words = format!("STRIDE={stride}\nKILLED=$(cat <<'END'\n{KILLED}\nEND\n)\n{JOB}");
    let boot = machine.with("vlans", &folder).job("killed", &words).run();
    let said = &boot.expect(0, "killed").stdout;
    println!("{said}");
    let points = said
        .lines()
        .filter(|line| line.contains(" killed at "))
        .count();
    assert!(points >= 4, "{said}");
}
