//! SIGKILL in the middle of `start` and `stop`: `xenwire recover` ends in the old state or the new.

use crate::generations::GENERATIONS;
use crate::machine::Machine;

/// How often each `start` and each `stop` is killed. All in all at least twenty times.
const POINTS: u32 = 4;

/// Kills a call at points spread over its changes: messages that change the kernel, settings, and
/// records of the journal. strace counts each system call by itself.
const WORDS: &str = r#"
changes() { # COMMAND...: "CALL NUMBER" for each change
  strace -f -y -s 64 -o /tmp/trace -e trace=sendto,write "$@" >&2
  awk '{ sub(/^[0-9]+ +/, "") }
    match($0, /^[a-z]+\(/) {
      call = substr($0, 1, RLENGTH - 1)
      n[call]++
      if (/nlmsg_type=RTM_(NEW|DEL|SET)/ || /<\/proc\/sys\/net/ || /<\/run\/xenwire\/network\/nic/)
        print call, n[call]
    }' /tmp/trace
}

killed() { # POINTS OLD NEW WORD: kills WORD, which leads from OLD to NEW
  _count=$(wc -l <"/tmp/changes.$4")
  echo "changes $4 $_count"
  _k=0
  while [ $_k -lt "$1" ]; do
    # From the first to the last, evenly.
    _line=$((1 + _k * (_count - 1) / ($1 - 1)))
    _k=$((_k + 1))
    read -r _call _n <<END
$(sed -n "${_line}p" "/tmp/changes.$4")
END
    # The shell says "Killed", and ours is to go on.
    strace -f -o /dev/null -e trace="$_call" -e "inject=$_call:signal=KILL:when=$_n" \
      network-bridge "$4" || _status=$?
    [ "${_status:=0}" -eq 137 ] || { echo "$4 at $_call $_n ended with $_status"; exit 9; }
    xenwire recover
    if ! becomes "$2" "$3"; then
      echo "$4 was killed at $_call $_n, change $_line"
      exit 9
    fi
    if cmp -s "$2" /tmp/now; then echo "old $4 at $_call $_n"; else echo "new $4 at $_call $_n"; fi
    cmp -s "$2" /tmp/now || "$5"
  done
}
"#;

const JOB: &str = r#"
changes network-bridge start >/tmp/changes.start
rested /tmp/started
changes network-bridge stop >/tmp/changes.stop
becomes /tmp/before
undo() { network-bridge stop; becomes /tmp/before; }
killed "$POINTS" /tmp/before /tmp/started start undo
network-bridge start
becomes /tmp/started
undo() { network-bridge start; becomes /tmp/started; }
killed "$POINTS" /tmp/started /tmp/before stop undo
network-bridge stop
becomes /tmp/before
"#;

#[test]
fn a_crash_is_undone_in_qemu() {
    let Some(mut machine) = Machine::with_host() else {
        return;
    };
    machine = machine.job("host", ". host.sh; outside; full_host; rested /tmp/before");
    for generation in GENERATIONS {
        let settings = format!("export XENWIRE_GENERATION={generation} POINTS={POINTS}; . host.sh");
        machine = machine.job(generation, &format!("{settings}\n{WORDS}{JOB}"));
    }
    let boot = machine.run();
    boot.expect(0, "host");
    let mut points = 0;
    for generation in GENERATIONS {
        let run = boot.expect(0, generation);
        let count = |word: &str| run.stdout.lines().filter(|l| l.starts_with(word)).count();
        let (old, new) = (count("old "), count("new "));
        let changes = run.stdout.lines().filter(|l| l.starts_with("changes "));
        let changes: Vec<&str> = changes.collect();
        println!(
            "{generation}: {changes:?}; killed {} times: {old} old, {new} new",
            old + new
        );
        points += old + new;
    }
    assert!(points >= 20, "{points}");
}
