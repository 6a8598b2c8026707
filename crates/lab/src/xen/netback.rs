//! netback: the backend driver in dom0 (contract 4.1 to 4.4). A thread waits for new devices, and
//! one lives with each of them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use xenwire_core::name::{DevId, DomId, IfName, Mac, VifId};
use xenwire_core::state::{Effect, Link, LinkKind, PeerEnd};
use xenwire_xenstore::{Client, Error, Nodes as _};

use super::STORE;
use super::guest::Guests;
use super::nodes::{VifPaths, XenbusState, vif_paths};
use crate::act;
use crate::sandbox::Netns;

/// Keys that the driver writes at probe, with their values (contract 4.2).
const FEATURES: [(&str, &str); 10] = [
    ("feature-sg", "1"),
    ("feature-gso-tcpv4", "1"),
    ("feature-gso-tcpv6", "1"),
    ("feature-ipv6-csum-offload", "1"),
    ("feature-rx-copy", "1"),
    ("feature-rx-flip", "0"),
    ("feature-multicast-control", "1"),
    ("feature-dynamic-multicast-control", "1"),
    ("feature-split-event-channels", "1"),
    ("multi-queue-max-queues", "1"),
];

/// Where the guests' ends are while they have no carrier. No machine can have this name.
pub(super) const HELD: &str = "-held";

/// The driver of dom0.
#[derive(Clone, Debug)]
pub struct Netback {
    guests: Arc<Guests>,
    held: Arc<Netns>,
    say: fn(&str),
}

impl Netback {
    /// Loads the driver: from here on it looks after every vif whose backend is dom0. What it has
    /// to complain about goes to `say`, as the kernel's log.
    ///
    /// # Errors
    /// One sentence.
    pub fn load(guests: Arc<Guests>, say: fn(&str)) -> Result<(), String> {
        let held = Netns::new(HELD).map_err(|error| format!("make namespace {HELD}: {error}"))?;
        let driver = Self {
            guests,
            held: Arc::new(held),
            say,
        };
        let mut client = Client::connect(Path::new(STORE)).map_err(|error| error.to_string())?;
        client
            .watch("backend/vif", "devices")
            .map_err(|error| error.to_string())?;
        let started = thread::Builder::new()
            .name("netback".into())
            .spawn(move || {
                let Err(error) = driver.wait_for_devices(client);
                (driver.say)(&format!("netback: {error}"));
            });
        started
            .map(drop)
            .map_err(|error| format!("start netback: {error}"))
    }

    fn wait_for_devices(&self, mut client: Client) -> Result<Infallible, Error> {
        let mut known: BTreeMap<VifId, thread::JoinHandle<()>> = BTreeMap::new();
        loop {
            let Some(event) = client.event(None)? else {
                continue;
            };
            known.retain(|_, thread| !thread.is_finished());
            let Some(vif) = vif_of(&event.path).filter(|vif| !known.contains_key(vif)) else {
                continue;
            };
            let paths = vif_paths(vif, DomId::DOM0);
            let state = client.read_optional(&format!("{}/state", paths.backend))?;
            if XenbusState::of(state.as_deref()) != XenbusState::Initialising {
                continue;
            }
            let driver = self.clone();
            let thread = thread::Builder::new().name(vif.to_string()).spawn(move || {
                if let Err(why) = driver.probe(vif, &paths) {
                    (driver.say)(&format!("netback: {vif}: {why}"));
                }
            });
            if let Ok(thread) = thread {
                known.insert(vif, thread);
            }
        }
    }

    /// Makes the device and lives with it until it is unregistered.
    fn probe(&self, vif: VifId, paths: &VifPaths) -> Result<(), String> {
        let text = |error: Error| error.to_string();
        let mut client = Client::connect(Path::new(STORE)).map_err(text)?;
        let node = |name: &str| format!("{}/{name}", paths.backend);
        for key in ["handle", "script"] {
            if client.read_optional(&node(key)).map_err(text)?.is_none() {
                return Err(format!("reading {key}: there is none"));
            }
        }
        let mac = client
            .read_text(&format!("{}/mac", paths.frontend))
            .map_err(text)?;
        let mac: Mac = mac
            .parse()
            .map_err(|error| format!("mac={mac:?}: {error}"))?;
        act::perform("netback", [self.creation(&vif.link())])?;
        let mut device = Device {
            driver: self,
            vif,
            mac,
            client,
            paths,
            now: Now::new(),
        };
        let lived = device.live();
        if device.now.registered {
            device.unregister()?;
        }
        lived.map_err(text)
    }

    /// The vif as netback makes it: the quiet MAC, down, no carrier.
    fn creation(&self, link: &IfName) -> Effect {
        let peer = PeerEnd {
            name: link.to_string(),
            netns: Some(self.held.name().to_owned()),
            mac: None,
        };
        let made = Link {
            mac: Some(Mac::QUIET),
            ..Link::of(LinkKind::Veth(peer))
        };
        Effect::CreateLink {
            name: link.clone(),
            link: made,
        }
    }
}

fn vif_of(path: &str) -> Option<VifId> {
    let mut parts = path.strip_prefix("backend/vif/")?.split('/');
    VifId::new(
        DomId(parts.next()?.parse().ok()?),
        DevId(parts.next()?.parse().ok()?),
    )
}

struct Device<'a> {
    driver: &'a Netback,
    vif: VifId,
    mac: Mac,
    client: Client,
    paths: &'a VifPaths,
    now: Now,
}

/// Where the device stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Now {
    state: XenbusState,
    /// The guest has its NIC.
    plugged: bool,
    /// The link is there.
    registered: bool,
}

/// What the store says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    frontend: XenbusState,
    online: bool,
    hotplug_status: Option<Vec<u8>>,
}

/// What the driver does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Publish(XenbusState),
    Plug,
    Unplug,
    Unregister,
}

impl Now {
    fn new() -> Self {
        Self {
            state: XenbusState::Initialising,
            plugged: false,
            registered: true,
        }
    }
}

/// The state machine of contract 4.3. Paths pass through every state between.
fn next(now: Now, seen: &Seen) -> Vec<Action> {
    use XenbusState::{
        Closed, Closing, Connected, InitWait, Initialised, Initialising, Reconfigured,
        Reconfiguring, Unknown,
    };
    let unplug = now.plugged.then_some(Action::Unplug);
    let close = |also_closed: bool| {
        let mut actions: Vec<Action> = unplug.into_iter().collect();
        if !matches!(now.state, Closing | Closed) {
            actions.push(Action::Publish(Closing));
        }
        if also_closed && now.state != Closed {
            actions.push(Action::Publish(Closed));
        }
        actions
    };
    match seen.frontend {
        Initialising if matches!(now.state, Initialising | Closed) => {
            vec![Action::Publish(InitWait)]
        }
        Connected if now.state == Closed => vec![Action::Publish(InitWait)],
        Reconfiguring if now.state == Connected => vec![Action::Publish(Reconfigured)],
        Connected if now.state == Reconfigured => vec![Action::Publish(Connected)],
        Connected
            if now.state == InitWait && seen.hotplug_status.as_deref() == Some(b"connected") =>
        {
            vec![Action::Plug, Action::Publish(Connected)]
        }
        Closing => close(false),
        Closed if seen.online => close(true),
        // Unregistered before 6 is published: whoever waits for 6 finds the link gone, which is
        // one of the two orders that the contract allows (3.1).
        Closed | Unknown => {
            let mut actions = close(false);
            actions.extend([Action::Unregister, Action::Publish(Closed)]);
            actions
        }
        Initialising | InitWait | Initialised | Connected | Reconfiguring | Reconfigured => vec![],
    }
}

impl Device<'_> {
    fn live(&mut self) -> Result<(), Error> {
        let node = |name: &str| format!("{}/{name}", self.paths.backend);
        for (name, value) in FEATURES {
            self.client.write(&node(name), value.as_bytes())?;
        }
        self.client.write(&node("feature-ctrl-ring"), b"1")?;
        self.client
            .watch(&format!("{}/state", self.paths.frontend), "frontend")?;
        self.client
            .watch(&node("hotplug-status"), "hotplug-status")?;
        self.client.watch(&node("online"), "online")?;
        while self.now.registered {
            let seen = self.look()?;
            let actions = next(self.now, &seen);
            if actions.is_empty() {
                self.client.event(None)?;
            }
            for action in actions {
                self.act(action)?;
            }
        }
        Ok(())
    }

    fn look(&mut self) -> Result<Seen, Error> {
        let paths = [
            format!("{}/state", self.paths.frontend),
            format!("{}/online", self.paths.backend),
            format!("{}/hotplug-status", self.paths.backend),
        ];
        let mut values = self
            .client
            .read_many(&paths.each_ref().map(String::as_str))?
            .into_iter()
            .map(Result::ok);
        let mut value = || values.next().flatten();
        Ok(Seen {
            frontend: XenbusState::of(value().as_deref()),
            online: value().as_deref() == Some(b"1"),
            hotplug_status: value(),
        })
    }

    fn act(&mut self, action: Action) -> Result<(), Error> {
        let done = match action {
            Action::Publish(state) => {
                self.now.state = state;
                return self.publish(state);
            }
            Action::Plug => {
                self.now.plugged = true;
                self.move_nic(true)
            }
            Action::Unplug => {
                self.now.plugged = false;
                self.move_nic(false)
            }
            Action::Unregister => {
                let path = format!("{}/hotplug-status", self.paths.backend);
                let done = self.unregister();
                // Removed by the driver itself at the end (4.3); it may be gone with its folder.
                let _ = self.client.rm(&path);
                done
            }
        };
        if let Err(why) = done {
            (self.driver.say)(&format!("netback: {}: {why}", self.vif));
        }
        Ok(())
    }

    /// Writes the state, unless the toolstack has removed the device.
    fn publish(&mut self, state: XenbusState) -> Result<(), Error> {
        let path = format!("{}/state", self.paths.backend);
        self.client.transaction(100, |nodes| {
            if nodes.exists(&path)? {
                nodes.write(&path, state.value().as_bytes())
            } else {
                Ok(())
            }
        })
    }

    fn move_nic(&self, in_or_out: bool) -> Result<(), String> {
        let VifId { domid, devid } = self.vif;
        let Some(guest) = self.driver.guests.get(domid) else {
            return Ok(());
        };
        let link = self.vif.link();
        if in_or_out {
            guest.plug(&self.driver.held, &link, devid, self.mac)
        } else {
            guest.unplug(&self.driver.held, &link, devid, self.mac)
        }
    }

    /// Removes the link, under whatever name the script gave it: it is known by its other end.
    fn unregister(&mut self) -> Result<(), String> {
        self.now.registered = false;
        let name = self.vif.link();
        let held = act::inside(&self.driver.held, || act::delete_veth(&name))?;
        if held {
            return Ok(());
        }
        act::delete_veth(&name).map(drop)
    }
}

#[cfg(test)]
mod tests;
