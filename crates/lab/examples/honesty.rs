//! A lab whose hotplug script is a witness, for the tests in `tests/honesty`.
//!
//! `honesty run|up SCENARIO [SCRIPTS]` and `honesty exec MACHINE CMD...`. Called as a hotplug
//! script it writes down in the store, below /honesty, what it was given and what it found, does
//! what the test ordered, and then what our own script does.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use xenwire_core::hotplug::Script;
use xenwire_host::hotplug::{Places, call};
use xenwire_lab::life::{Lab, Sockets};
use xenwire_lab::sandbox::{Came, Inside, Spec, StateRoot, exec, run_foreground};
use xenwire_lab::scenario::load;
use xenwire_lab::verdict::table;
use xenwire_lab::xen::STORE;
use xenwire_xenstore::{Client, Nodes as _};

/// How long a script waits for what it was ordered to wait for.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let argv: Vec<String> = std::env::args().collect();
    let name = argv[0].rsplit('/').next().unwrap();
    if name.starts_with("vif-") {
        return ExitCode::from(Witness::of(&argv).testify());
    }
    let words: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
    match words.as_slice() {
        ["run", scenario, scripts @ ..] => live(scenario, scripts.first().copied(), false),
        ["up", scenario, scripts @ ..] => live(scenario, scripts.first().copied(), true),
        ["exec", machine, command @ ..] => {
            let command: Vec<OsString> = command.iter().map(OsString::from).collect();
            let env: Vec<_> = std::env::vars_os().collect();
            let status = exec(&root().find("lab").unwrap(), machine, &command, &env).unwrap();
            ExitCode::from(u8::try_from(status.code().unwrap()).unwrap())
        }
        _ => panic!("what is {words:?}?"),
    }
}

fn root() -> StateRoot {
    let folder = std::env::var_os("XDG_RUNTIME_DIR");
    StateRoot::open(folder.as_deref(), rustix::process::geteuid().as_raw()).unwrap()
}

/// `xenwire lab run`, and `lab up` in the foreground.
fn live(scenario: &str, scripts: Option<&str>, stay: bool) -> ExitCode {
    let loaded = load(Path::new(scenario), scripts.map(Path::new)).unwrap();
    let state = root().claim("lab").unwrap();
    let sockets = Sockets::bind(&state).unwrap();
    let spec = Spec {
        files: loaded.files.clone(),
    };
    let body = move |inside: Inside, sockets: Sockets| {
        let (lab, trouble) = Lab::build(loaded, &sockets, &inside, false).unwrap();
        inside.ready(Came::Whole).unwrap();
        if stay {
            trouble.iter().for_each(|line| eprintln!("trouble: {line}"));
            lab.serve(&sockets, &inside);
            return 0;
        }
        let report = lab.report(trouble).unwrap();
        print!("{}", table(&report.claims));
        for line in &report.trouble {
            println!("trouble: {line}");
        }
        u8::from(!report.holds)
    };
    let status = run_foreground(spec, state, || Ok(sockets), body).unwrap();
    ExitCode::from(u8::try_from(status.code().unwrap_or(70)).unwrap())
}

/// One call of the script.
struct Witness<'a> {
    argv: &'a [String],
    /// Where in the store it writes: /honesty/vif1-0/online.
    place: String,
    vif: String,
    store: Client,
}

impl<'a> Witness<'a> {
    fn of(argv: &'a [String]) -> Self {
        let vif = std::env::var("vif").unwrap_or_else(|_| "none".into());
        // udev puts the words of the node `script` before the action.
        let action = argv.iter().skip(1).find(|word| !word.contains('='));
        let action = action.map_or("none", String::as_str);
        Self {
            argv,
            place: format!("/honesty/{}/{action}", vif.replace('.', "-")),
            vif,
            store: Client::connect(Path::new(STORE)).unwrap(),
        }
    }

    fn testify(mut self) -> u8 {
        let calls = self.read("calls").map_or(0, |n| n.parse::<u32>().unwrap());
        let fd = |n: u8| {
            let target = fs::read_link(format!("/proc/self/fd/{n}"));
            target.map_or_else(|e| e.to_string(), |target| target.display().to_string())
        };
        let environ: Vec<String> = std::env::vars().map(|(k, v)| format!("{k}={v}")).collect();
        let backend = std::env::var("XENBUS_PATH").unwrap_or_default();
        for key in ["state", "online", "hotplug-status"] {
            let value = self.store.read_optional(&format!("{backend}/{key}"));
            let value = value.unwrap().map(|v| v.escape_ascii().to_string());
            self.write(key, &value.unwrap_or_else(|| "none".into()));
        }
        self.write("argv", &self.argv.join("\n"));
        self.write("environ", &environ.join("\n"));
        self.write("fds", &[fd(0), fd(1), fd(2)].join("\n"));
        let link = self.link();
        self.write("link", &link);
        self.write("calls", &(calls + 1).to_string());
        let ordered = self.read("order");
        let script = self.argv[0].rsplit('/').next().unwrap();
        let usual = match script.strip_prefix("vif-siblings-") {
            Some(n) => format!("siblings {n}\nreal"),
            None => "real".into(),
        };
        for line in ordered.unwrap_or(usual).lines() {
            if let Some(status) = self.obey(line) {
                return status;
            }
        }
        0
    }

    /// Follows one order; the exit status, if it is the last.
    fn obey(&mut self, line: &str) -> Option<u8> {
        let backend = std::env::var("XENBUS_PATH").unwrap_or_default();
        match line.split_once(' ').unwrap_or((line, "")) {
            ("real", _) => {
                let env = |name: &str| std::env::var(name).ok();
                let places = Places::new(&self.argv[0], env);
                let script = Script::named("vif-bridge").unwrap();
                let status = call(script, &self.argv[1..], env, &places);
                let link = self.link();
                self.write("link-after", &link);
                (status != 0).then_some(status)
            }
            ("wait", _) => {
                self.write("waits", "");
                self.until(|witness| witness.read("go").is_some())
            }
            ("siblings", n) => {
                let n: usize = n.parse().unwrap();
                self.until(|witness| {
                    let all = witness.store.directory("/honesty").unwrap();
                    let mut began = |vif: &String| {
                        let calls = format!("/honesty/{vif}/online/calls");
                        witness.store.exists(&calls).unwrap()
                    };
                    all.iter().filter(|vif| began(vif)).count() >= n
                })
            }
            ("error", text) => {
                let path = format!("{backend}/hotplug-error");
                self.store.write(&path, text.as_bytes()).unwrap();
                None
            }
            ("status", value) => {
                let path = format!("{backend}/hotplug-status");
                self.store.write(&path, value.as_bytes()).unwrap();
                None
            }
            ("exit", status) => Some(status.parse().unwrap()),
            _ => panic!("what is {line:?}?"),
        }
    }

    fn until(&mut self, done: impl Fn(&mut Self) -> bool) -> Option<u8> {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            if Instant::now() > deadline {
                return Some(99);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// The vif by its kernel's name, as sysfs has it.
    fn link(&self) -> String {
        let folder = format!("/sys/class/net/{}", self.vif);
        if !Path::new(&folder).exists() {
            return "none".into();
        }
        let file = |name: &str| {
            let text = fs::read_to_string(format!("{folder}/{name}"));
            text.map_or_else(|_| "unreadable".into(), |text| text.trim().to_owned())
        };
        let flags = u32::from_str_radix(file("flags").trim_start_matches("0x"), 16).unwrap();
        let up = if flags & 1 == 1 { "up" } else { "down" };
        format!(
            "{up} address {} mtu {} carrier {}",
            file("address"),
            file("mtu"),
            file("carrier")
        )
    }

    fn read(&mut self, name: &str) -> Option<String> {
        let value = self.store.read_optional(&format!("{}/{name}", self.place));
        value
            .unwrap()
            .map(|value| String::from_utf8(value).unwrap())
    }

    fn write(&mut self, name: &str, value: &str) {
        let path = format!("{}/{name}", self.place);
        self.store.write(&path, value.as_bytes()).unwrap();
    }
}
