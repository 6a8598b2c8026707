//! The state machine, line by line of the contract.

use super::XenbusState::{
    Closed, Closing, Connected, InitWait, Initialised, Initialising, Reconfigured, Reconfiguring,
    Unknown,
};
use super::*;

fn now(state: XenbusState, plugged: bool) -> Now {
    Now {
        state,
        plugged,
        registered: true,
    }
}

fn seen(frontend: XenbusState, online: bool, status: Option<&str>) -> Seen {
    Seen {
        frontend,
        online,
        hotplug_status: status.map(|s| s.as_bytes().to_vec()),
    }
}

#[test]
fn every_line_of_the_contracts_table() {
    use Action::{Plug, Publish, Unplug, Unregister};
    let table = [
        (
            now(Initialising, false),
            seen(Initialising, true, Some("")),
            vec![Publish(InitWait)],
        ),
        // 2 comes only after the frontend's 1.
        (
            now(Initialising, false),
            seen(Connected, true, Some("connected")),
            vec![],
        ),
        (
            now(Initialising, false),
            seen(Initialised, true, Some("")),
            vec![],
        ),
        (
            now(InitWait, false),
            seen(Initialising, true, Some("")),
            vec![],
        ),
        (
            now(InitWait, false),
            seen(Initialised, true, Some("connected")),
            vec![],
        ),
        (
            now(InitWait, false),
            seen(Connected, true, Some("")),
            vec![],
        ),
        (now(InitWait, false), seen(Connected, true, None), vec![]),
        (
            now(InitWait, false),
            seen(Connected, true, Some("connected\n")),
            vec![],
        ),
        (
            now(InitWait, false),
            seen(Connected, true, Some("error")),
            vec![],
        ),
        (
            now(InitWait, false),
            seen(Connected, true, Some("connected")),
            vec![Plug, Publish(Connected)],
        ),
        (
            now(Connected, true),
            seen(Connected, true, Some("connected")),
            vec![],
        ),
        (
            now(Connected, true),
            seen(Closing, true, Some("connected")),
            vec![Unplug, Publish(Closing)],
        ),
        (
            now(Connected, true),
            seen(Reconfiguring, true, Some("connected")),
            vec![Publish(Reconfigured)],
        ),
        (
            now(Reconfigured, true),
            seen(Connected, true, Some("connected")),
            vec![Publish(Connected)],
        ),
        // Straight to 6: the state between is passed through.
        (
            now(Connected, true),
            seen(Closed, true, Some("connected")),
            vec![Unplug, Publish(Closing), Publish(Closed)],
        ),
        (
            now(InitWait, false),
            seen(Closed, true, Some("")),
            vec![Publish(Closing), Publish(Closed)],
        ),
        (
            now(Closing, false),
            seen(Closed, true, Some("connected")),
            vec![Publish(Closed)],
        ),
        (
            now(Closing, false),
            seen(Closed, false, Some("connected")),
            vec![Unregister, Publish(Closed)],
        ),
        (
            now(Closed, false),
            seen(Closed, false, Some("connected")),
            vec![Unregister, Publish(Closed)],
        ),
        // A driver that is loaded again: 6 -> 2 -> 4 with the same link.
        (
            now(Closed, false),
            seen(Initialising, true, Some("connected")),
            vec![Publish(InitWait)],
        ),
        (
            now(Closed, false),
            seen(Connected, true, Some("connected")),
            vec![Publish(InitWait)],
        ),
        // The frontend's folder is gone.
        (
            now(Connected, true),
            seen(Unknown, false, None),
            vec![Unplug, Publish(Closing), Unregister, Publish(Closed)],
        ),
    ];
    for (now, seen, actions) in table {
        assert_eq!(next(now, &seen), actions, "{now:?} {seen:?}");
    }
}

#[test]
fn devices_are_found_by_their_paths() {
    assert_eq!(
        vif_of("backend/vif/3/1/state").map(|v| v.to_string()),
        Some("vif3.1".into())
    );
    for other in [
        "backend/vif",
        "backend/vif/3",
        "backend/vbd/3/1/state",
        "backend/vif/x/1",
    ] {
        assert_eq!(vif_of(other), None, "{other}");
    }
}
