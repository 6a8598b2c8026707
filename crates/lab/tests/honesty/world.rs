//! A lab that is up, its store, and what the witness wrote there.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use xenwire_lab::control::{MachineLine, Reply, Request, ask};
use xenwire_lab::sandbox::PROGRAM;
use xenwire_xenstore::{Client, Nodes as _};

/// How long anything may take that does come, on a machine that is busy.
pub const SOON: Duration = Duration::from_secs(20);

/// What a test has all to itself: a folder with the program, a place for the lab's state and a
/// scenario. Dropping it ends the lab and removes the folder.
pub struct World {
    pub dir: PathBuf,
    nobody: bool,
    lab: Option<Child>,
}

impl World {
    /// As whoever runs the test.
    pub fn new() -> Self {
        Self::of(false)
    }

    /// As root and as an ordinary user, as far as this machine lets us be both.
    pub fn each_user(test: impl Fn(&Self)) {
        test(&Self::of(false));
        if rustix::process::geteuid().is_root() {
            test(&Self::of(true));
        }
    }

    fn of(nobody: bool) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = PathBuf::from(format!("/tmp/xenwire-honesty-{}-{n}", std::process::id()));
        let runtime = dir.join("run");
        fs::create_dir_all(&runtime).unwrap();
        for (path, mode) in [(&dir, 0o755), (&runtime, 0o700)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        if nobody {
            chown(&runtime, Some(65534), Some(65534)).unwrap();
        }
        let tests = std::env::current_exe().unwrap();
        let built = tests.parent().unwrap().with_file_name("examples");
        let program = dir.join("honesty");
        // Never written by this process: a test that forks meanwhile would hold it open, and the
        // kernel does not start a file that somebody writes (ETXTBSY).
        if fs::hard_link(built.join("honesty"), &program).is_err() {
            let mut copy = Command::new("cp");
            let copied = copy.arg(built.join("honesty")).arg(&program).status();
            assert!(copied.unwrap().success(), "cargo test builds it");
        }
        Self {
            dir,
            nobody,
            lab: None,
        }
    }

    /// The program with these words.
    pub fn program(&self, words: &[&str]) -> Command {
        let program = self.dir.join("honesty");
        let mut command = if self.nobody {
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "--inh-caps=-all",
                "--bounding-set=-all",
            ]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .args(words)
            .env("XDG_RUNTIME_DIR", self.dir.join("run"))
            // The script inherits this; and no store but the lab's own may be reached.
            .env("HONESTY_MARK", "inherited")
            .env("XENSTORED_PATH", "/nowhere")
            .env("XENSTORED_RUNDIR", "/nowhere")
            .stdin(Stdio::null());
        command
    }

    /// A scenario with dom0's bridges br0 and br1, and these guests: names and vif lists, whether
    /// they start with the lab. A guest whose name begins with hvm is of that type.
    pub fn up(guests: &[(&str, &str)], start: bool) -> Self {
        let conf = ("xl.conf", "vif.default.bridge=\"br0\"\n");
        Self::up_with("", &[conf], guests, start)
    }

    /// The same with more keys of the host's, and these files below etc/xen: those in `scripts`
    /// can be run.
    pub fn up_with(
        host: &str,
        files: &[(&str, &str)],
        guests: &[(&str, &str)],
        start: bool,
    ) -> Self {
        let mut world = Self::new();
        let scenario = world.dir.join("scenario");
        let etc = scenario.join("etc/xen");
        fs::create_dir_all(etc.join("scripts")).unwrap();
        let mut toml = String::from(
            "title = \"Honesty\"\n[host]\nbridge = [{ name = \"br0\" }, { name = \"br1\" }]\n",
        );
        toml += host;
        for (name, vif) in guests {
            toml += &format!("[[guest]]\nconfig = \"{name}.cfg\"\nstart = {start}\n");
            let kind = if name.starts_with("hvm") {
                "hvm"
            } else {
                "pvh"
            };
            let text = format!("name = \"{name}\"\ntype = \"{kind}\"\nvif = [ {vif} ]\n");
            fs::write(etc.join(format!("{name}.cfg")), text).unwrap();
        }
        fs::write(scenario.join("lab.toml"), toml).unwrap();
        for (file, text) in files {
            let path = etc.join(file);
            fs::write(&path, text).unwrap();
            let mode = if file.starts_with("scripts/") {
                0o755
            } else {
                0o644
            };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        symlink(PROGRAM, etc.join("scripts/vif-siblings-4")).unwrap();
        let said = fs::File::create(world.dir.join("said")).unwrap();
        let mut command = world.program(&["up", scenario.to_str().unwrap()]);
        command.stdout(said.try_clone().unwrap()).stderr(said);
        world.lab = Some(command.spawn().unwrap());
        // It answers once it is up. Before it listens, it refuses.
        world.until("an answer", || ask(&world.control(), &Request::List).ok());
        world
    }

    /// What the lab has written to its standard error so far.
    pub fn said(&self) -> String {
        fs::read_to_string(self.dir.join("said")).unwrap()
    }

    fn control(&self) -> PathBuf {
        self.dir.join("run/xenwire/lab/control")
    }

    fn list_or_die(&self) -> Vec<MachineLine> {
        match ask(&self.control(), &Request::List) {
            Ok(Reply::Machines { machines }) => machines,
            other => panic!("{other:?}: {}", self.said()),
        }
    }

    /// The domain of a guest that runs.
    pub fn domid(&self, guest: &str) -> Option<u16> {
        let machines = self.list_or_die();
        machines.iter().find(|one| one.name == guest).unwrap().domid
    }

    /// Orders something; its lines, or the lines of the refusal.
    pub fn order(&self, request: &Request) -> Result<Vec<String>, Vec<String>> {
        answer(&self.control(), request)
    }

    /// Orders something that a script's `wait` holds up.
    pub fn order_aside(&self, request: Request) -> JoinHandle<Result<Vec<String>, Vec<String>>> {
        let control = self.control();
        std::thread::spawn(move || answer(&control, &request))
    }

    /// Starts a guest.
    pub fn start(&self, guest: &str) -> Result<Vec<String>, Vec<String>> {
        self.order(&start(guest))
    }

    /// The store, as dom0.
    pub fn store(&self) -> Client {
        let path = self.dir.join("run/xenwire/lab/xenstore");
        Client::connect(&path).unwrap()
    }

    /// What the witness is to do at this call: `vif1-0/online`.
    pub fn tell(&self, place: &str, order: &str) {
        let path = format!("/honesty/{place}/order");
        self.store().write(&path, order.as_bytes()).unwrap();
    }

    /// Lets a witness go on that waits.
    pub fn go(&self, place: &str) {
        let path = format!("/honesty/{place}/go");
        self.store().write(&path, b"").unwrap();
    }

    /// One line of the witness's account: `vif1-0/online/argv`.
    pub fn account(&self, path: &str) -> Option<String> {
        self.value(&format!("/honesty/{path}"))
    }

    /// A node's value.
    pub fn value(&self, path: &str) -> Option<String> {
        let value = self.store().read_optional(path).unwrap();
        value.map(|value| String::from_utf8(value).unwrap())
    }

    /// Waits until the node has this value.
    pub fn value_becomes(&self, path: &str, wanted: &str) {
        self.until(&format!("{path} = {wanted:?}"), || {
            (self.value(path).as_deref() == Some(wanted)).then_some(())
        });
    }

    /// Waits until a witness waits.
    pub fn waits(&self, place: &str) {
        self.until(&format!("{place} waits"), || {
            self.account(&format!("{place}/waits"))
        });
    }

    /// Asks again and again until there is an answer.
    pub fn until<T>(&self, what: &str, ready: impl Fn() -> Option<T>) -> T {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(answer) = ready() {
                return answer;
            }
            assert!(
                Instant::now() < deadline,
                "no {what} within {SOON:?}; the lab said: {}\nand its store holds {:#?}",
                self.said(),
                self.nodes("/local/domain")
            );
            sleep(Duration::from_millis(3));
        }
    }

    /// All nodes below a path, in order: `path = "value"   (n0,r1)`, as xenstore-ls -fp has it.
    pub fn nodes(&self, path: &str) -> Vec<String> {
        let mut lines = Vec::new();
        collect(&mut self.store(), path, &mut lines);
        lines
    }

    /// What a command says on one of the lab's machines.
    pub fn exec(&self, machine: &str, words: &[&str]) -> String {
        let mut all = vec!["exec", machine];
        all.extend(words);
        let Output { stdout, stderr, .. } = self.program(&all).output().unwrap();
        String::from_utf8([stdout, stderr].concat()).unwrap()
    }

    /// The links of a machine.
    pub fn links(&self, machine: &str) -> Vec<String> {
        let table = self.exec(machine, &["cat", "/proc/net/dev"]);
        let names = table.lines().filter_map(|line| line.split_once(':'));
        let mut names: Vec<String> = names.map(|(name, _)| name.trim().to_owned()).collect();
        names.sort();
        names
    }
}

/// The request to start a guest.
pub fn start(guest: &str) -> Request {
    Request::Start {
        guest: guest.into(),
    }
}

/// The request to take a NIC from a guest.
pub fn detach(guest: &str, devid: u32) -> Request {
    Request::Detach {
        guest: guest.into(),
        devid,
    }
}

fn answer(control: &Path, request: &Request) -> Result<Vec<String>, Vec<String>> {
    match ask(control, request).unwrap() {
        Reply::Done { lines } => Ok(lines),
        Reply::Refused { lines } => Err(lines),
        other => panic!("{other:?}"),
    }
}

fn collect(store: &mut Client, path: &str, lines: &mut Vec<String>) {
    let Ok(value) = store.read(path) else {
        return;
    };
    let perms = store.permissions(path).unwrap();
    let perms: Vec<String> = perms.entries().map(|perm| perm.to_string()).collect();
    let value = value.escape_ascii();
    lines.push(format!("{path} = \"{value}\"   ({})", perms.join(",")));
    let mut names = store.directory(path).unwrap();
    names.sort();
    for name in names {
        collect(store, &format!("{path}/{name}"), lines);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut lab) = self.lab.take() {
            let pid = rustix::process::Pid::from_child(&lab);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let _ = lab.wait();
            if std::thread::panicking() {
                let mut said = String::new();
                if let Ok(mut file) = fs::File::open(self.dir.join("said")) {
                    let _ = file.read_to_string(&mut said);
                }
                println!("the lab said:\n{said}");
            }
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}
