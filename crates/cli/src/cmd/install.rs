//! `xenwire install` and `xenwire uninstall`.

mod filter;

use serde_json::json;
use xenwire_core::install::{NAMES, Plan};
use xenwire_host::forward;
use xenwire_host::install::{Error, Report, Request, Way, run};

use super::boot;
use crate::args::{GoArgs, InstallArgs};
use crate::{out, script};

/// The names become links to the program.
pub fn install(args: &GoArgs) -> u8 {
    // Below another root no guest runs.
    let filter = match args.both.root {
        None => filter::settle(args.ip_filter, &args.both),
        Some(_) if args.ip_filter.is_some() => Err(out::error(
            out::WRONG,
            "--ip-filter is about this host, and --root is not; write xenwire.toml there",
        )),
        Some(_) => Ok(None),
    };
    let filter = match filter {
        Ok(filter) => filter,
        Err(status) => return status,
    };
    let Some(filter) = filter else {
        return main(Way::In, &args.both);
    };
    // Nothing is written where nothing can be installed.
    let mut request = request(&args.both);
    request.dry_run = true;
    if let Err(error) = run(Way::In, &request, &mut |_| {}) {
        return out::error(status(&error), &error.to_string());
    }
    let before = match filter.write() {
        Ok(before) => before,
        Err(status) => return status,
    };
    let status = main(Way::In, &args.both);
    if matches!(status, out::WRONG | out::REFUSED) {
        before.take_back();
    }
    status
}

/// The scripts come back.
pub fn uninstall(args: &InstallArgs) -> u8 {
    main(Way::Out, args)
}

fn main(way: Way, args: &InstallArgs) -> u8 {
    let request = request(args);
    let mut tell = |line: &str| {
        if !args.json {
            out::print(&format!("{line}\n"));
        }
    };
    match run(way, &request, &mut tell) {
        Ok(report) => {
            let status = show(way, &report, args);
            // Below another root there is no kernel to change.
            if args.root.is_none() && !args.dry_run {
                boot::aside(match way {
                    Way::In => forward::Way::Open,
                    Way::Out => forward::Way::Shut,
                });
            }
            status
        }
        Err(error) => out::error(status(&error), &error.to_string()),
    }
}

fn request(args: &InstallArgs) -> Request {
    let serves = |name: &&'static str| script::serves(name);
    Request {
        scripts: args.scripts_dir.clone(),
        root: args.root.clone(),
        dry_run: args.dry_run,
        names: NAMES.into_iter().filter(serves).collect(),
    }
}

fn show(way: Way, Report { scripts, plan }: &Report, args: &InstallArgs) -> u8 {
    if args.json {
        let verb = match way {
            Way::In => "install",
            Way::Out => "uninstall",
        };
        let lines: Vec<String> = plan.steps.iter().map(|step| step.line(scripts)).collect();
        let report = json!({
            "version": 1, "command": verb, "scripts": scripts, "dry_run": args.dry_run,
            "steps": lines, "notes": plan.notes, "left": plan.left,
        });
        out::print(&format!("{report:#}\n"));
    } else if args.dry_run {
        for step in &plan.steps {
            out::print(&format!("{}\n", step.line(scripts)));
        }
    }
    talk(way, plan, args.dry_run);
    match plan.left.is_empty() {
        true => out::DONE,
        false => out::STUCK,
    }
}

fn talk(way: Way, plan: &Plan, dry_run: bool) {
    for note in plan.notes.iter().chain(&plan.left) {
        out::say(&format!("xenwire: {note}"));
    }
    if plan.steps.is_empty() && plan.left.is_empty() {
        out::say(match way {
            Way::In => "xenwire: everything is installed already",
            Way::Out => "xenwire: nothing of xenwire is installed",
        });
    } else if dry_run {
        out::say("xenwire: nothing was changed, as was asked for");
    }
}

fn status(error: &Error) -> u8 {
    match error {
        Error::NotRoot | Error::Untrusted(_) | Error::Refused(_) => out::WRONG,
        Error::Program(_) | Error::Manifest(_) => out::WRONG,
        Error::System(_) | Error::Undone(_) => out::REFUSED,
        Error::Halfway(_) => out::STUCK,
    }
}
