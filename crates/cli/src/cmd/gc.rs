//! `xenwire gc`.

use serde_json::json;
use xenwire_host::gc::{Places, Report, gc};

use crate::args::GcArgs;
use crate::out;

/// Removes what vifs that are gone left behind.
pub fn main(args: &GcArgs) -> u8 {
    let places = Places::new(|name| std::env::var(name).ok());
    match gc(&places, args.dry_run) {
        Ok(report) => show(&report, args),
        Err(why) => out::error(out::REFUSED, &why),
    }
}

fn show(report: &Report, args: &GcArgs) -> u8 {
    let Report { lines, notes, left } = report;
    if args.json {
        let report = json!({
            "version": 1, "command": "gc", "dry_run": args.dry_run,
            "steps": lines, "notes": notes, "left": left,
        });
        out::print(&format!("{report:#}\n"));
    } else {
        for line in lines {
            out::print(&format!("{line}\n"));
        }
    }
    for note in notes.iter().chain(left) {
        out::say(&format!("xenwire: {note}"));
    }
    if lines.is_empty() {
        out::say("xenwire: vifs that are gone left nothing behind");
    } else if args.dry_run {
        out::say("xenwire: nothing was changed, as was asked for");
    }
    match left.is_empty() {
        true => out::DONE,
        false => out::STUCK,
    }
}
