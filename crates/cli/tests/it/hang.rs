//! A script that hangs, which takes its forty seconds (contract 3.1 step 4). In a file whose name
//! comes early, so that other tests run meanwhile.

use std::time::{Duration, Instant};

use crate::place::Place;
use crate::scripts::{called_offline, gone, run, telling, trouble};

#[test]
fn a_hung_one_is_killed_after_forty_seconds() {
    let place = Place::new();
    // xl kills the script, not its children: these end with the lab.
    let begun = Instant::now();
    let said = run(&place, &telling("sleep 1000 & exec sleep 1000"), 0o755);
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(40), "{took:?}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    for (line, vif) in trouble(&said).iter().zip(["vif1.0", "vif2.0"]) {
        let wanted = format!(
            "did not start: {vif}: /etc/xen/scripts/vif-bridge online was killed: it did not end \
             within 40 s"
        );
        assert!(line.contains(&wanted), "{line}");
    }
    called_offline(&said);
    gone(&said);
    place.nothing_left("a script that hung");
}
