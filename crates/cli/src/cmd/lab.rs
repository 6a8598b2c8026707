//! `xenwire lab`.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use xenwire_core::show::draw;
use xenwire_lab::control::{self, MachineLine, Reply, Request, ask};
use xenwire_lab::life::{Lab, Report, Sockets};
use xenwire_lab::sandbox::{self, Came, Inside, LabState, SandboxError, Spec, StateDir, StateRoot};
use xenwire_lab::scenario::{LoadError, Loaded, load};
use xenwire_lab::verdict;

use crate::args::{GuestArgs, LabArgs, LabCommand, ScenarioArgs, Which};
use crate::out;

/// How long a lab that is asked to end may take.
const GRACE: Duration = Duration::from_secs(5);

/// What went wrong before anything was done: the exit status and the text, if it is not out yet.
type Failed = (u8, Option<String>);

/// Runs a `lab` command.
pub fn main(args: LabArgs) -> u8 {
    let done = match args.command {
        LabCommand::Run { scenario, json } => run(&scenario, json),
        LabCommand::Up { scenario, name } => up(&scenario, name),
        LabCommand::Exec {
            lab,
            machine,
            command,
        } => exec(&lab, &machine, &command),
        LabCommand::Ls { json } => list(json),
        LabCommand::Claims { lab } => order(&lab, &Request::Judge),
        LabCommand::Start(GuestArgs { lab, guest }) => order(&lab, &Request::Start { guest }),
        LabCommand::Stop(GuestArgs { lab, guest }) => order(&lab, &Request::Stop { guest }),
        LabCommand::Destroy(GuestArgs { lab, guest }) => order(&lab, &Request::Destroy { guest }),
        LabCommand::Reboot(GuestArgs { lab, guest }) => order(&lab, &Request::Reboot { guest }),
        LabCommand::Attach {
            guest: GuestArgs { lab, guest },
            vif,
            address,
        } => order(
            &lab,
            &Request::Attach {
                guest,
                vif,
                addresses: address,
            },
        ),
        LabCommand::Detach {
            guest: GuestArgs { lab, guest },
            devid,
        } => order(&lab, &Request::Detach { guest, devid }),
        LabCommand::Xenstore { lab } => xenstore(&lab),
        LabCommand::Down { name } => down(&Which { lab: name }),
    };
    match done {
        Ok(status) => status,
        Err((status, text)) => {
            if let Some(text) = text {
                out::error(status, &text);
            }
            status
        }
    }
}

fn failed(status: u8) -> impl Fn(&dyn std::fmt::Display) -> Failed {
    move |text| (status, Some(text.to_string()))
}

fn read(args: &ScenarioArgs) -> Result<Loaded, Failed> {
    match load(&args.scenario, args.scripts.as_deref()) {
        Ok(loaded) => {
            out::diagnostics(&loaded.warnings);
            Ok(loaded)
        }
        Err(LoadError::Wrong(found)) => {
            out::diagnostics(&found);
            Err((out::WRONG, None))
        }
        Err(LoadError::Io { path, error }) => {
            Err((out::WRONG, Some(format!("{}: {error}", path.display()))))
        }
    }
}

fn state() -> Result<StateRoot, Failed> {
    let folder = std::env::var_os("XDG_RUNTIME_DIR");
    StateRoot::open(folder.as_deref(), xenwire_host::uid())
        .map_err(|error| failed(out::REFUSED)(&error))
}

fn sandbox_failed(error: &SandboxError) -> Failed {
    (error.exit_code().max(out::WRONG), Some(error.to_string()))
}

fn status_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(out::WRONG)
}

/// Everything that a lab needs before it is born.
struct Prepared {
    loaded: Loaded,
    claimed: StateDir,
    sockets: Sockets,
    spec: Spec,
    /// Whether somebody watches.
    progress: bool,
}

fn prepare(args: &ScenarioArgs, name: Option<String>) -> Result<Prepared, Failed> {
    let loaded = read(args)?;
    let name = name.unwrap_or_else(|| loaded.name.clone());
    let refused = failed(out::REFUSED);
    let claimed = state()?.claim(&name).map_err(|error| refused(&error))?;
    let sockets = Sockets::bind(&claimed).map_err(|error| refused(&error))?;
    let environment = loaded.scenario.host.boot.environment();
    claimed
        .keep_environment(environment)
        .map_err(|error| refused(&error))?;
    let spec = Spec {
        files: loaded.files.clone(),
    };
    let progress = std::io::stderr().is_terminal();
    Ok(Prepared {
        loaded,
        claimed,
        sockets,
        spec,
        progress,
    })
}

fn run(args: &ScenarioArgs, json: bool) -> Result<u8, Failed> {
    // A run does not need a name of its own; two of them must not be in each other's way.
    let lab = prepare(args, Some(format!("run-{}", std::process::id())))?;
    let width = out::width();
    let (loaded, progress) = (lab.loaded, lab.progress);
    let body =
        move |inside: Inside, sockets: Sockets| match live(loaded, &sockets, &inside, progress) {
            Ok(report) => {
                print(&report, json, width);
                if report.holds { out::DONE } else { out::WRONG }
            }
            Err(why) => {
                inside.failed(&why);
                out::REFUSED
            }
        };
    sandbox::run_foreground(lab.spec, lab.claimed, || Ok(lab.sockets), body)
        .map(status_of)
        .map_err(|error| sandbox_failed(&error))
}

fn live(
    loaded: Loaded,
    sockets: &Sockets,
    inside: &Inside,
    progress: bool,
) -> Result<Report, String> {
    let (lab, trouble) = Lab::build(loaded, sockets, inside, progress)?;
    inside
        .ready(Came::Whole)
        .map_err(|error| error.to_string())?;
    lab.report(trouble)
}

fn print(report: &Report, json: bool, width: usize) {
    if json {
        match serde_json::to_string_pretty(report) {
            Ok(text) => out::print(&format!("{text}\n")),
            Err(error) => drop(out::error(70, &format!("a bug in xenwire: {error}"))),
        }
        return;
    }
    out::print(&draw(&report.topology, width));
    out::print("\n");
    out::print(&verdict::table(&report.claims));
    for line in &report.trouble {
        out::print(&format!("FAIL  {line}\n"));
    }
    let held = report.claims.iter().filter(|claim| claim.holds).count();
    out::print(&format!(
        "\n{}: {held} of {} claims hold\n",
        report.scenario,
        report.claims.len()
    ));
}

fn up(args: &ScenarioArgs, name: Option<String>) -> Result<u8, Failed> {
    let lab = prepare(args, name)?;
    let name = lab.claimed.name().to_owned();
    let (loaded, progress) = (lab.loaded, lab.progress);
    let body =
        |inside: Inside, sockets: Sockets| match Lab::build(loaded, &sockets, &inside, progress) {
            Ok((lab, trouble)) => {
                for line in &trouble {
                    inside.progress(line);
                }
                let came = match trouble.is_empty() {
                    true => Came::Whole,
                    false => Came::InPart,
                };
                if inside.ready(came).is_ok() {
                    lab.serve(&sockets, &inside);
                }
                out::DONE
            }
            Err(why) => {
                inside.failed(&why);
                out::REFUSED
            }
        };
    let came = sandbox::spawn_background(lab.spec, lab.claimed, || Ok(lab.sockets), body)
        .map_err(|error| sandbox_failed(&error))?;
    let (but, status) = match came {
        Came::Whole => ("", out::DONE),
        Came::InPart => (", without what is said above", out::WRONG),
    };
    out::say(&format!(
        "{name} is up{but}; `xenwire lab exec MACHINE -- CMD` works in it, `xenwire lab down {name}` ends it"
    ));
    Ok(status)
}

/// The lab that is meant: the named one, or the only one.
fn find(which: &Which) -> Result<LabState, Failed> {
    let root = state()?;
    if let Some(name) = &which.lab {
        return root.find(name).map_err(|error| failed(out::WRONG)(&error));
    }
    let mut labs = root.labs().map_err(|error| failed(out::REFUSED)(&error))?;
    match (labs.pop(), labs.is_empty()) {
        (Some(lab), true) => Ok(lab),
        (None, _) => Err((
            out::WRONG,
            Some("no lab is up; `xenwire lab up SCENARIO` starts one".into()),
        )),
        (Some(last), false) => {
            let names: Vec<&str> = labs.iter().chain([&last]).map(LabState::name).collect();
            Err((
                out::WRONG,
                Some(format!(
                    "several labs are up: {}; say which with --lab",
                    names.join(", ")
                )),
            ))
        }
    }
}

fn socket(lab: &LabState, name: &str) -> Result<PathBuf, Failed> {
    lab.socket(name)
        .map_err(|error| failed(out::REFUSED)(&error))
}

fn order(which: &Which, request: &Request) -> Result<u8, Failed> {
    let lab = find(which)?;
    match ask(&socket(&lab, control::CONTROL)?, request) {
        Ok(Reply::Done { lines }) => {
            out::print(&as_text(&lines));
            Ok(out::DONE)
        }
        Ok(Reply::Judged { holds, lines }) => {
            out::print(&as_text(&lines));
            Ok(if holds { out::DONE } else { out::WRONG })
        }
        Ok(Reply::Refused { lines }) => {
            lines.iter().for_each(|line| out::say(line));
            Ok(out::WRONG)
        }
        Ok(Reply::Machines { .. }) => Err((
            70,
            Some("a bug in xenwire: the lab answered something else".into()),
        )),
        Err(error) => Err((
            out::REFUSED,
            Some(format!("lab {} does not answer: {error}", lab.name())),
        )),
    }
}

fn as_text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn list(json: bool) -> Result<u8, Failed> {
    let labs = state()?
        .labs()
        .map_err(|error| failed(out::REFUSED)(&error))?;
    let mut listed = Vec::new();
    for lab in &labs {
        let machines = match ask(&socket(lab, control::CONTROL)?, &Request::List) {
            Ok(Reply::Machines { machines }) => machines,
            // It is starting or ending.
            _ => Vec::new(),
        };
        listed.push((lab.name().to_owned(), machines));
    }
    if json {
        let labs: Vec<_> = listed
            .iter()
            .map(|(name, machines)| serde_json::json!({ "name": name, "machines": machines }))
            .collect();
        out::print(&format!(
            "{:#}\n",
            serde_json::json!({ "version": 1, "labs": labs })
        ));
        return Ok(out::DONE);
    }
    for (name, machines) in listed {
        out::print(&format!("{name}\n"));
        for MachineLine { name, kind, domid } in machines {
            let state = match (kind.as_str(), domid) {
                ("guest", Some(domid)) => format!("guest, domain {domid}"),
                ("guest", None) => "guest, not running".into(),
                _ => kind,
            };
            out::print(&format!("  {name:<16} {state}\n"));
        }
    }
    Ok(out::DONE)
}

fn exec(which: &Which, machine: &str, command: &[OsString]) -> Result<u8, Failed> {
    let lab = find(which)?;
    let mut environment = environment();
    if machine == sandbox::DOM0 {
        environment.extend(lab.environment());
    }
    sandbox::exec(&lab, machine, command, &environment)
        .map(status_of)
        .map_err(|error| sandbox_failed(&error))
}

/// The environment in a lab: the terminal's, and the lab's own programs first in the path.
fn environment() -> Vec<(OsString, OsString)> {
    let kept = ["TERM", "LANG", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES"];
    let mut env: Vec<(OsString, OsString)> = kept
        .iter()
        .filter_map(|name| Some(((*name).into(), std::env::var_os(name)?)))
        .collect();
    let path = std::env::var("PATH").unwrap_or_default();
    env.push((
        "PATH".into(),
        format!("/run/xenwire/bin:{path}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin").into(),
    ));
    env.push(("HOME".into(), "/root".into()));
    env
}

fn xenstore(which: &Which) -> Result<u8, Failed> {
    let lab = find(which)?;
    out::print(&format!("{}\n", socket(&lab, control::XENSTORE)?.display()));
    Ok(out::DONE)
}

fn down(which: &Which) -> Result<u8, Failed> {
    let lab = find(which)?;
    sandbox::end(&lab, GRACE).map_err(|error| {
        (
            out::REFUSED,
            Some(format!("end lab {}: {error}", lab.name())),
        )
    })?;
    Ok(out::DONE)
}
