//! `xenwire boot`.

use serde_json::json;
use xenwire_host::forward::{Places, Report, Way, set_forward};

use crate::args::BootArgs;
use crate::out;

/// Puts right what a host needs before its guests start, or what others have changed since.
pub fn main(args: &BootArgs) -> u8 {
    match set_forward(Way::Open, &Places::default(), args.dry_run) {
        Ok(report) => show(&report, args),
        Err(why) => out::error(out::REFUSED, &why),
    }
}

fn show(Report { steps, notes }: &Report, args: &BootArgs) -> u8 {
    if args.json {
        let report = json!({
            "version": 1, "command": "boot", "dry_run": args.dry_run, "steps": steps, "notes": notes,
        });
        out::print(&format!("{report:#}\n"));
    } else {
        for step in steps {
            out::print(&format!("{step}\n"));
        }
    }
    for note in notes {
        out::say(&format!("xenwire: {note}"));
    }
    if steps.is_empty() && !args.json {
        out::say("xenwire: everything is as it should be");
    }
    out::DONE
}

/// The same for `install` and `uninstall`, where it is not the main thing: what could not be done is
/// said.
pub fn aside(way: Way) {
    let said = match set_forward(way, &Places::default(), false) {
        Ok(Report { steps, notes }) => [steps, notes].concat(),
        Err(why) => vec![format!("the host's FORWARD chains: {why}")],
    };
    for line in said {
        out::say(&format!("xenwire: {line}"));
    }
}
