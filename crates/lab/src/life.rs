//! A lab's life: the world is built, the guests start, the claims are tried; then it ends
//! (`lab run`) or stays and takes orders (`lab up`).

use std::io::{self, BufReader};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use serde::Serialize;
use xenwire_core::config::lab::{Domain, Toolstack as Which};
use xenwire_core::config::settings::Text;
use xenwire_core::config::vif::{self, VifSpec};
use xenwire_core::diag::{Diagnostics, Source, Style};
use xenwire_core::name::{DevId, DomId};
use xenwire_core::show::Topology;
use xenwire_host::kernel::Kernel;
use xenwire_host::topology::topology;
use xenwire_xenstore::{Client, Server, Store};

use crate::control::{MachineLine, Reply, Request, receive, send};
use crate::sandbox::{DOM0, Inside, StateDir};
use crate::scenario::Loaded;
use crate::verdict::{Verdict, judge, table};
use crate::world::{self, World};
use crate::xen::{Attachment, Guests, Netback, NicPlan, STORE, StartError, Toolstack};
use crate::{boot, complain, control, xen};

/// The sockets that are visible outside of the lab.
#[derive(Debug)]
pub struct Sockets {
    store: UnixListener,
    control: UnixListener,
}

impl Sockets {
    /// Binds them in the lab's state folder.
    ///
    /// # Errors
    /// If a path is too long or a socket cannot be bound.
    pub fn bind(state: &StateDir) -> io::Result<Self> {
        let bind = |name: &str| UnixListener::bind(state.socket(name).map_err(io::Error::other)?);
        Ok(Self {
            store: bind(control::XENSTORE)?,
            control: bind(control::CONTROL)?,
        })
    }
}

/// A world that lives.
pub struct Lab {
    loaded: Loaded,
    world: World,
    guests: Arc<Guests>,
    toolstack: Toolstack,
}

/// What came out of a scenario.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The form of this value in JSON.
    pub version: u32,
    /// The scenario.
    pub scenario: String,
    /// Whether everything holds.
    pub holds: bool,
    /// Guests and NICs that did not come as they should, a line each.
    pub trouble: Vec<String>,
    /// The claims.
    pub claims: Vec<Verdict>,
    /// What dom0 looks like.
    pub topology: Topology,
}

impl Lab {
    /// Builds the world and starts the guests that start with it. What does not come is in the
    /// list; an error is one of the lab itself. `progress` says what is being done meanwhile.
    ///
    /// # Errors
    /// One sentence.
    pub fn build(
        loaded: Loaded,
        sockets: &Sockets,
        inside: &Inside,
        progress: bool,
    ) -> Result<(Self, Vec<String>), String> {
        let serving = |error: io::Error| format!("serve xenstore: {error}");
        for fact in inside.told() {
            inside.progress(fact);
        }
        let say = |line: &str| progress.then(|| inside.progress(line));
        say("building the world");
        std::fs::create_dir_all("/run/xenstored").map_err(serving)?;
        let (server, _thread) = Server::spawn(Store::default()).map_err(serving)?;
        for listener in [
            UnixListener::bind(STORE).map_err(serving)?,
            sockets.store.try_clone().map_err(serving)?,
        ] {
            server.listen(listener, 0).map_err(serving)?;
        }
        let boot = &loaded.scenario.host.boot;
        let world = world::build(&loaded.scenario, boot.loopbacks(loaded.conf.which()))?;
        let guests = Arc::new(Guests::default());
        Netback::load(guests.clone(), complain)?;
        let toolstack = Toolstack::new(loaded.conf.clone(), server, guests.clone());
        toolstack.init_dom0().map_err(|error| error.to_string())?;
        say("booting the host");
        let mut trouble = boot::run(boot, &loaded.conf)?;
        let lab = Self {
            loaded,
            world,
            guests,
            toolstack,
        };

        let starting: Vec<Domain> = lab
            .loaded
            .scenario
            .guests
            .iter()
            .filter(|guest| guest.start)
            .cloned()
            .collect();
        xen::prepare_leases().map_err(|error| format!("prepare DHCP clients: {error}"))?;
        say(&format!("starting {} guests", starting.len()));
        trouble.extend(lab.start(&starting));
        Ok((lab, trouble))
    }

    /// Starts guests side by side; their numbers rise in the order of the list. What did not come
    /// as it should, a line each.
    fn start(&self, guests: &[Domain]) -> Vec<String> {
        let numbered: Vec<_> = guests
            .iter()
            .map(|guest| (self.toolstack.reserve(), guest))
            .collect();
        thread::scope(|scope| {
            let threads: Vec<_> = numbered
                .iter()
                .map(|(domid, guest)| scope.spawn(|| self.start_on(*domid, guest)))
                .collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().expect("the thread does not panic"))
                .collect()
        })
    }

    fn start_on(&self, domid: DomId, guest: &Domain) -> Vec<String> {
        let trouble = self.trouble_of(guest, self.toolstack.create(domid, guest));
        let Some(place) = self.guests.get(domid).filter(|_| trouble.is_empty()) else {
            return trouble;
        };
        let unanswered = place.ask().into_iter();
        unanswered
            .map(|why| format!("{}: {why}", guest.name))
            .collect()
    }

    /// Tries the claims and looks at dom0.
    ///
    /// # Errors
    /// One sentence.
    pub fn report(&self, trouble: Vec<String>) -> Result<Report, String> {
        let running = self.toolstack.running();
        let guests = running
            .iter()
            .filter_map(|guest| self.guests.get(guest.domid));
        let guests: Vec<_> = guests.collect();
        self.world.settle(guests.iter().map(|guest| &guest.netns))?;
        let claims = judge(
            &self.loaded.scenario,
            &self.world,
            &self.toolstack,
            &self.guests,
        )?;
        let mut kernel = Kernel::open().map_err(|error| error.to_string())?;
        let mut store = Client::connect(Path::new(STORE)).ok();
        let topology =
            topology(DOM0, &mut kernel, store.as_mut()).map_err(|error| error.to_string())?;
        Ok(Report {
            version: 1,
            scenario: self.loaded.name.clone(),
            holds: trouble.is_empty() && claims.iter().all(|claim| claim.holds),
            trouble,
            claims,
            topology,
        })
    }

    /// Takes orders until the lab is asked to end.
    pub fn serve(&self, sockets: &Sockets, inside: &Inside) {
        thread::scope(|scope| {
            loop {
                let mut fds = [
                    PollFd::new(&sockets.control, PollFlags::IN),
                    PollFd::from_borrowed_fd(inside.stop_fd(), PollFlags::IN),
                ];
                match poll(&mut fds, None) {
                    Err(rustix::io::Errno::INTR) => continue,
                    Err(_) => return,
                    Ok(_) if !fds[1].revents().is_empty() => return,
                    Ok(_) => {}
                }
                if let Ok((stream, _)) = sockets.control.accept() {
                    scope.spawn(move || {
                        // Whoever asked and left does not want to know.
                        let _ = self.answer(stream);
                    });
                }
            }
        });
    }

    fn answer(&self, mut stream: UnixStream) -> io::Result<()> {
        let request = receive(&mut BufReader::new(stream.try_clone()?))?;
        let reply = self
            .obey(request)
            .unwrap_or_else(|lines| Reply::Refused { lines });
        send(&mut stream, &reply)
    }

    fn obey(&self, request: Request) -> Result<Reply, Vec<String>> {
        let one = |error| self.refusal(error);
        let lines = match request {
            Request::List => {
                return Ok(Reply::Machines {
                    machines: self.list(),
                });
            }
            Request::Start { guest } => self.start_one(&guest)?,
            Request::Stop { guest } => {
                self.toolstack.shutdown(&guest).map_err(one)?;
                vec![format!("{guest} is off")]
            }
            Request::Destroy { guest } => {
                self.toolstack.destroy(&guest).map_err(one)?;
                vec![format!("{guest} is gone")]
            }
            Request::Reboot { guest } => {
                self.toolstack.shutdown(&guest).map_err(one)?;
                self.start_one(&guest)?
            }
            Request::Attach {
                guest,
                vif,
                addresses,
            } => vec![self.attach(&guest, &vif, &addresses)?],
            Request::Detach { guest, devid } => {
                self.toolstack.detach(&guest, DevId(devid)).map_err(one)?;
                vec![format!("{guest} has no NIC {devid} any more")]
            }
            Request::Judge => {
                let report = self.report(Vec::new()).map_err(|error| vec![error])?;
                let lines = table(&report.claims).lines().map(str::to_owned).collect();
                return Ok(Reply::Judged {
                    holds: report.holds,
                    lines,
                });
            }
        };
        Ok(Reply::Done { lines })
    }

    /// An error in words. The toolstack knows only the guests that run, the scenario all.
    fn refusal(&self, error: StartError) -> Vec<String> {
        let StartError::NoSuchGuest(name) = &error else {
            return vec![error.to_string()];
        };
        let guests = self.loaded.scenario.guests.iter();
        let guests: Vec<&str> = guests.map(|guest| guest.name.as_str()).collect();
        vec![if guests.contains(&name.as_str()) {
            format!("{name} does not run; `xenwire lab start {name}` starts it")
        } else {
            format!("{error}; there are: {}", guests.join(", "))
        }]
    }

    fn start_one(&self, name: &str) -> Result<Vec<String>, Vec<String>> {
        let guest = self
            .loaded
            .scenario
            .guests
            .iter()
            .find(|guest| guest.name.as_str() == name);
        let guest = guest.ok_or_else(|| self.refusal(StartError::NoSuchGuest(name.into())))?;
        if self.toolstack.find(name).is_ok() {
            return Err(vec![StartError::Running(name.into()).to_string()]);
        }
        let trouble = self.start(std::slice::from_ref(guest));
        if !trouble.is_empty() {
            return Err(trouble);
        }
        let running = self
            .toolstack
            .find(name)
            .map_err(|error| vec![error.to_string()])?;
        Ok(vec![format!("{name} runs as domain {}", running.domid)])
    }

    fn attach(&self, guest: &str, vif: &str, addresses: &[String]) -> Result<String, Vec<String>> {
        let spec = read_spec(vif, self.loaded.conf.dialect()).map_err(|text| vec![text])?;
        let mut nets = Vec::new();
        for address in addresses {
            nets.push(
                address
                    .parse()
                    .map_err(|error| vec![format!("address {address:?}: {error}")])?,
            );
        }
        let plan = |devid| NicPlan {
            name: format!("eth{devid}")
                .parse()
                .unwrap_or_else(|_| "eth".parse().expect("three letters")),
            addresses: nets,
            dhcp: false,
        };
        let (devid, fate) = self
            .toolstack
            .attach(guest, &spec, plan)
            .map_err(|error| self.refusal(error))?;
        match fate {
            Attachment::Connected => Ok(format!("{guest} has NIC {devid}")),
            Attachment::Dead { status } => Err(vec![self.dead(guest, devid, &status)]),
            Attachment::Unanswered => Err(vec![unanswered(guest, devid)]),
        }
    }

    fn list(&self) -> Vec<MachineLine> {
        let line = |name: &str, kind: &str, domid| MachineLine {
            name: name.into(),
            kind: kind.into(),
            domid,
        };
        let guests = self.loaded.scenario.guests.iter().map(|guest| {
            let running = self.toolstack.find(guest.name.as_str()).ok();
            line(
                guest.name.as_str(),
                "guest",
                running.map(|running| running.domid.0),
            )
        });
        let outside = self
            .loaded
            .scenario
            .machines
            .iter()
            .map(|machine| line(machine.name.value.as_str(), "outside", None));
        std::iter::once(line(DOM0, DOM0, Some(0)))
            .chain(guests)
            .chain(outside)
            .collect()
    }

    fn trouble_of(&self, guest: &Domain, started: Result<Fates, Vec<StartError>>) -> Vec<String> {
        match started {
            Err(errors) => errors
                .into_iter()
                .map(|error| format!("{} did not start: {error}", guest.name))
                .collect(),
            Ok(fates) => fates
                .into_iter()
                .filter_map(|(devid, fate)| match fate {
                    Attachment::Connected => None,
                    Attachment::Dead { status } => {
                        Some(self.dead(guest.name.as_str(), devid, &status))
                    }
                    Attachment::Unanswered => Some(unanswered(guest.name.as_str(), devid)),
                })
                .collect(),
        }
    }

    /// The toolstack is content with what the script did, and netback is not.
    fn dead(&self, guest: &str, devid: DevId, status: &str) -> String {
        let content = match self.loaded.conf.which() {
            Which::Libxl => "its script exited with 0, so xl is content",
            Which::Xend => "its script left neither \"error\" nor \"busy\", so xm is content",
        };
        format!(
            "{guest} has no NIC {devid}: {content}, but hotplug-status is {status} and not \
             \"connected\", so the backend waits for ever"
        )
    }
}

/// A vif specification by itself, as `xl network-attach` takes it; the faults as text.
fn read_spec(text: &str, dialect: vif::Dialect) -> Result<VifSpec, String> {
    let rules = vif::Rules {
        dialect,
        ..vif::Rules::default()
    };
    let source = Source::new("vif", text);
    let mut faults = Diagnostics::new();
    match vif::read(&Text::verbatim(&source, 0..text.len()), rules, &mut faults) {
        Some(written) => Ok(written.spec),
        None => Err(faults.render(Style::Plain)),
    }
}

type Fates = std::collections::BTreeMap<DevId, Attachment>;

fn unanswered(guest: &str, devid: DevId) -> String {
    format!(
        "{guest} has no NIC {devid}: the backend is ready, but the guest's driver does not connect"
    )
}
