//! The guests: where each one is, and the half of its kernel that talks to xenbus (netfront).

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use ipnet::IpNet;
use xenwire_core::config::lab::Route as WantedRoute;
use xenwire_core::name::{DevId, DomId, IfName, Mac};
use xenwire_core::state::{Desired, Effect, Managed, Origin, WantedLink};
use xenwire_xenstore::{Client, Error, Nodes as _};

use super::nodes::XenbusState;
use crate::sandbox::Netns;
use crate::{act, world};

/// The guests that run, by domain.
#[derive(Debug, Default)]
pub struct Guests(Mutex<BTreeMap<DomId, Arc<GuestPlace>>>);

/// One guest: its namespace, and what its own system does with its NICs.
#[derive(Debug)]
pub struct GuestPlace {
    /// Its network.
    pub netns: Netns,
    /// Its NICs, as its system configures them.
    pub nics: Mutex<BTreeMap<DevId, NicPlan>>,
    /// Its routes beside those its addresses bring.
    pub routes: Vec<WantedRoute>,
}

/// What a guest's system does with a NIC when it comes.
#[derive(Clone, Debug)]
pub struct NicPlan {
    /// Its name in the guest.
    pub name: IfName,
    /// The addresses that it gets.
    pub addresses: Vec<IpNet>,
    /// Whether its system asks for those of IPv4 ([`GuestPlace::ask`]).
    pub dhcp: bool,
}

impl NicPlan {
    /// The addresses that it has by itself.
    pub(super) fn own(&self) -> impl Iterator<Item = IpNet> + '_ {
        let own = |net: &&IpNet| !self.dhcp || net.addr().is_ipv6();
        self.addresses.iter().filter(own).copied()
    }

    /// The addresses that it must be given.
    pub(super) fn asked(&self) -> impl Iterator<Item = IpNet> + '_ {
        let asked = |net: &&IpNet| self.dhcp && net.addr().is_ipv4();
        self.addresses.iter().filter(asked).copied()
    }
}

impl Guests {
    /// The guest of this domain.
    pub fn get(&self, domid: DomId) -> Option<Arc<GuestPlace>> {
        lock(&self.0).get(&domid).cloned()
    }

    /// A guest that starts.
    pub fn insert(&self, domid: DomId, place: GuestPlace) -> Arc<GuestPlace> {
        let place = Arc::new(place);
        lock(&self.0).insert(domid, place.clone());
        place
    }

    /// A guest that is gone.
    pub fn remove(&self, domid: DomId) -> Option<Arc<GuestPlace>> {
        lock(&self.0).remove(&domid)
    }
}

/// A lock whose holder panicked guards plain values: they are still there.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl GuestPlace {
    /// Boots the guest's network: no NIC yet.
    ///
    /// # Errors
    /// One sentence.
    pub fn boot(&self) -> Result<(), String> {
        act::inside(&self.netns, || {
            act::make(self.netns.name(), &world::with_loopback())
        })
    }

    /// The guest finds a NIC: it is moved here from where it was held, and configured.
    ///
    /// # Errors
    /// One sentence.
    pub fn plug(&self, held: &Netns, link: &IfName, devid: DevId, mac: Mac) -> Result<(), String> {
        let plan = self.plan_of(devid);
        let effect = Effect::MoveLink {
            name: link.clone(),
            netns: self.netns.name().to_owned(),
            new_name: plan.name.clone(),
            mac,
        };
        act::inside(held, || act::perform("plug in a NIC", [effect]))?;
        let mut nic = WantedLink::new(Origin::Expected);
        nic.up = Managed::Set(true);
        nic.addresses = world::addresses(&plan.name, plan.own());
        let mut desired = Desired::default();
        desired.links.insert(plan.name, nic);
        desired.routes = world::routes(&self.routes, &desired);
        act::inside(&self.netns, || act::make(self.netns.name(), &desired))
    }

    /// The guest loses a NIC, which goes back to where it was held.
    ///
    /// # Errors
    /// One sentence.
    pub fn unplug(
        &self,
        held: &Netns,
        link: &IfName,
        devid: DevId,
        mac: Mac,
    ) -> Result<(), String> {
        let name = self.plan_of(devid).name;
        let effect = Effect::MoveLink {
            name,
            netns: held.name().to_owned(),
            new_name: link.clone(),
            mac,
        };
        act::inside(&self.netns, || act::perform("take out a NIC", [effect]))
    }

    fn plan_of(&self, devid: DevId) -> NicPlan {
        lock(&self.nics)
            .get(&devid)
            .cloned()
            .unwrap_or_else(|| NicPlan {
                name: format!("eth{devid}")
                    .parse()
                    .unwrap_or_else(|_| devid_name(devid)),
                addresses: Vec::new(),
                dhcp: false,
            })
    }
}

/// A devid of many digits leaves no room for `eth`; nobody has that many NICs.
fn devid_name(devid: DevId) -> IfName {
    format!("e{:x}", devid.0)
        .parse()
        .expect("one letter and at most eight digits")
}

/// A guest's kernel, as far as xenbus goes.
#[derive(Debug)]
pub struct Netfront {
    connection: UnixStream,
    thread: thread::JoinHandle<()>,
}

impl Netfront {
    /// Lets the guest's kernel run, on its own connection to the store.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub fn run(domid: DomId) -> std::io::Result<Self> {
        let connection = UnixStream::connect(super::guest_socket(domid))?;
        let client = Client::from_stream(connection.try_clone()?);
        let thread = thread::Builder::new()
            .name(format!("netfront {domid}"))
            .spawn(move || {
                // Killed, its connection is cut: that is its end, and nothing to tell.
                if let Err(error) = Frontends::default().live(client)
                    && !matches!(error, Error::Transport { .. })
                {
                    crate::complain(&format!("netfront of domain {domid}: {error}"));
                }
            })?;
        Ok(Self { connection, thread })
    }

    /// Ends it at once, as a destroyed domain does: it writes nothing any more.
    pub fn kill(self) {
        let _ = self.connection.shutdown(std::net::Shutdown::Both);
        let _ = self.thread.join();
    }
}

/// The frontends of one guest, with the backend of each.
#[derive(Default)]
struct Frontends {
    watched: BTreeMap<String, String>,
    shutting_down: bool,
}

impl Frontends {
    fn live(mut self, mut client: Client) -> Result<(), Error> {
        client.watch("device/vif", "devices")?;
        client.watch("control/shutdown", "shutdown")?;
        loop {
            if let Some(event) = client.event(None)?
                && event.token == "shutdown"
                && client
                    .read_optional("control/shutdown")?
                    .is_some_and(|why| !why.is_empty())
            {
                client.write("control/shutdown", b"")?;
                self.shutting_down = true;
            }
            let mut open = false;
            for device in client
                .directory("device/vif")
                .or_else(gone_is(Vec::new()))?
            {
                open |= self.look_at(&mut client, &device).or_else(gone_is(false))?;
            }
            if self.shutting_down && !open {
                // The last a guest does is to tell the hypervisor; here, the toolstack.
                return client.write("data/powered-off", b"1");
            }
        }
    }

    /// Does what is due for one device; says whether it is still open.
    fn look_at(&mut self, client: &mut Client, device: &str) -> Result<bool, Error> {
        let folder = format!("device/vif/{device}");
        if !self.watched.contains_key(device) {
            let backend = client.read_text(&format!("{folder}/backend"))?;
            client.watch(&format!("{backend}/state"), &format!("backend {device}"))?;
            self.watched.insert(device.to_owned(), backend);
        }
        let own = XenbusState::of(client.read_optional(&format!("{folder}/state"))?.as_deref());
        let backend = match self.watched.get(device) {
            Some(backend) => client
                .read_optional(&format!("{backend}/state"))
                .or_else(gone_is(None))?,
            None => None,
        };
        let mut last = own;
        for state in frontend_next(own, XenbusState::of(backend.as_deref()), self.shutting_down) {
            if state == XenbusState::Connected {
                let rings = [
                    "tx-ring-ref",
                    "rx-ring-ref",
                    "event-channel-tx",
                    "event-channel-rx",
                ]
                .map(|node| (format!("{folder}/{node}"), b"8".as_slice()));
                let features = ["request-rx-copy", "feature-rx-notify", "feature-sg"]
                    .map(|node| (format!("{folder}/{node}"), b"1".as_slice()));
                for (path, value) in rings.iter().chain(&features) {
                    client.write(path, value)?;
                }
            }
            client.write(&format!("{folder}/state"), state.value().as_bytes())?;
            last = state;
        }
        Ok(last != XenbusState::Closed)
    }
}

/// A device can go away between two reads.
fn gone_is<T>(value: T) -> impl FnOnce(Error) -> Result<T, Error> {
    move |error| {
        if error.is_not_found() || error.is_denied() {
            Ok(value)
        } else {
            Err(error)
        }
    }
}

/// The states that a frontend goes through next (Linux, drivers/net/xen-netfront.c,
/// netback_changed).
fn frontend_next(own: XenbusState, backend: XenbusState, shutting_down: bool) -> Vec<XenbusState> {
    use XenbusState::{Closed, Closing, Connected, InitWait, Initialising};
    match (own, backend) {
        (Closed, _) => vec![],
        (Initialising, _) if shutting_down => vec![Closing, Closed],
        (Closing, Closing | Closed) => vec![Closed],
        (Closing, _) => vec![],
        _ if shutting_down => vec![Closing],
        (Initialising, InitWait) => vec![Connected],
        // Loaded again, the driver waits for a backend that is still closed from before.
        (Initialising, Closed) => vec![],
        (_, Closing | Closed) => vec![Closing, Closed],
        _ => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::XenbusState::{Closed, Closing, Connected, InitWait, Initialising, Unknown};
    use super::*;

    #[test]
    fn a_frontend_connects_when_the_backend_waits() {
        assert_eq!(frontend_next(Initialising, Initialising, false), []);
        assert_eq!(frontend_next(Initialising, InitWait, false), [Connected]);
        assert_eq!(frontend_next(Connected, Connected, false), []);
        assert_eq!(frontend_next(Connected, Unknown, false), []);
        assert_eq!(frontend_next(Initialising, Closed, false), []);
    }

    #[test]
    fn a_frontend_closes_with_its_backend_or_its_guest() {
        assert_eq!(frontend_next(Connected, Closing, false), [Closing, Closed]);
        assert_eq!(frontend_next(Connected, Connected, true), [Closing]);
        assert_eq!(frontend_next(Closing, Connected, true), []);
        assert_eq!(frontend_next(Closing, Closing, true), [Closed]);
        assert_eq!(frontend_next(Closed, InitWait, false), []);
    }
}
