//! The toolstack: domains come and go (contract 3.1, 5.5, 6.4). Their NICs are in `device`.

use std::collections::BTreeMap;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use xenwire_core::config::lab::{Domain, DomainNic};
use xenwire_core::name::{DevId, DomId};
use xenwire_xenstore::{Error, Handle, Nodes as _};

use super::conf::{Conf, Owner};
use super::device::{Attached, Attachment};
use super::error::StartError;
use super::guest::{GuestPlace, Guests, Netfront, NicPlan, lock};
use super::guest_socket;
use super::nodes::dom0_folder;
use super::store::{connect, wait_for, write_folders};
use crate::sandbox::Netns;

/// How long a guest may take to power itself off.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);

/// The toolstack of dom0.
pub struct Toolstack {
    pub(super) conf: Conf,
    server: Handle,
    pub(super) guests: Arc<Guests>,
    next_domid: AtomicU16,
    running: Mutex<BTreeMap<String, Arc<Running>>>,
}

/// A domain that runs.
pub struct Running {
    /// Its number.
    pub domid: DomId,
    /// What it was started from.
    pub domain: Domain,
    pub(super) owner: Owner,
    pub(super) vifs: Mutex<BTreeMap<DevId, Attached>>,
    kernel: Mutex<Option<Netfront>>,
    listener: xenwire_xenstore::server::ListenerId,
}

impl Toolstack {
    /// A toolstack with the host's configuration, on this store.
    pub fn new(conf: Conf, server: Handle, guests: Arc<Guests>) -> Self {
        Self {
            conf,
            server,
            guests,
            next_domid: AtomicU16::new(1),
            running: Mutex::default(),
        }
    }

    /// Which one it is, and its configuration.
    pub fn conf(&self) -> &Conf {
        &self.conf
    }

    /// Says who dom0 is, as xen-init-dom0 does when a host starts: a domain finds its own number
    /// by the relative path `domid` (contract 5.5).
    ///
    /// # Errors
    /// [`StartError::Lab`] if the store does not answer.
    pub fn init_dom0(&self) -> Result<(), StartError> {
        write_folders(&mut connect()?, &[dom0_folder()], None)?;
        Ok(())
    }

    /// The next domain's number: they rise and are not used again.
    pub fn reserve(&self) -> DomId {
        DomId(self.next_domid.fetch_add(1, Ordering::Relaxed))
    }

    /// The domains that run, by name.
    pub fn running(&self) -> Vec<Arc<Running>> {
        lock(&self.running).values().cloned().collect()
    }

    /// The domain of this name.
    ///
    /// # Errors
    /// [`StartError::NoSuchGuest`].
    pub fn find(&self, name: &str) -> Result<Arc<Running>, StartError> {
        lock(&self.running)
            .get(name)
            .cloned()
            .ok_or_else(|| StartError::NoSuchGuest(name.into()))
    }

    /// Starts a domain: its NICs are attached side by side, then it runs. The fate of each NIC is
    /// known when this returns.
    ///
    /// # Errors
    /// [`StartError`]: the domain is gone again, by the detach path.
    pub fn create(
        &self,
        domid: DomId,
        domain: &Domain,
    ) -> Result<BTreeMap<DevId, Attachment>, Vec<StartError>> {
        let one = |error| vec![error];
        let running = self.build(domid, domain).map_err(one)?;
        let attached = side_by_side(&domain.nics, |nic| {
            self.attach_one(&running, nic.devid, &self.of_kind(nic, domain.kind)?)
        });
        let errors: Vec<StartError> = attached.into_iter().filter_map(Result::err).collect();
        if !errors.is_empty() {
            self.destroy(&domain.name.to_string()).map_err(one)?;
            return Err(errors);
        }
        let kernel = Netfront::run(domid)
            .map_err(|error| one(StartError::Lab(format!("start {}: {error}", domain.name))))?;
        *lock(&running.kernel) = Some(kernel);
        domain
            .nics
            .iter()
            .map(|nic| Ok((nic.devid, self.fate(domid, nic.devid).map_err(one)?)))
            .collect()
    }

    /// The domain without NICs.
    fn build(&self, domid: DomId, domain: &Domain) -> Result<Arc<Running>, StartError> {
        let name = domain.name.to_string();
        let lab = |what: &str| {
            let what = format!("{what} {name}");
            move |error: std::io::Error| StartError::Lab(format!("{what}: {error}"))
        };
        if lock(&self.running).contains_key(&name) {
            return Err(StartError::Running(name));
        }
        let netns = Netns::new(&name).map_err(lab("make the namespace of"))?;
        let plan = |nic: &DomainNic| {
            (
                nic.devid,
                NicPlan {
                    name: nic.name.clone(),
                    addresses: nic.addresses.clone(),
                    dhcp: nic.dhcp,
                },
            )
        };
        let place = GuestPlace {
            netns,
            nics: Mutex::new(domain.nics.iter().map(plan).collect()),
            routes: domain.routes.clone(),
        };
        place.boot().map_err(StartError::Lab)?;
        self.guests.insert(domid, place);
        let socket =
            UnixListener::bind(guest_socket(domid)).map_err(lab("bind the store's socket of"))?;
        let listener = self
            .server
            .listen(socket, domid.0)
            .map_err(lab("serve the store to"))?;
        self.server.introduce(domid.0);
        let uuid = uuid()?;
        let owner = Owner {
            name: name.clone(),
            vm: format!("/vm/{uuid}"),
        };
        let folders = self.conf.domain_folders(domid, &owner, &uuid);
        write_folders(&mut connect()?, &folders, None)?;
        let running = Arc::new(Running {
            domid,
            domain: domain.clone(),
            owner,
            vifs: Mutex::default(),
            kernel: Mutex::new(None),
            listener,
        });
        lock(&self.running).insert(name, running.clone());
        Ok(running)
    }

    /// The guest powers itself off; then its domain is removed.
    ///
    /// # Errors
    /// [`StartError`]; a guest that does not react within ten seconds still runs.
    pub fn shutdown(&self, name: &str) -> Result<(), StartError> {
        let running = self.find(name)?;
        let home = format!("/local/domain/{}", running.domid);
        let mut client = connect()?;
        let request = format!("{home}/control/shutdown");
        // At once: a guest that reads it may clear it in the next moment, and must be able to.
        client.transaction::<_, Error>(100, |nodes| {
            nodes.write(&request, b"poweroff")?;
            nodes.set_permissions(
                &request,
                &xenwire_xenstore::Perms::owned_by(running.domid.0, xenwire_xenstore::Access::None),
            )
        })?;
        let off = wait_for(
            &mut client,
            &format!("{home}/data/powered-off"),
            SHUTDOWN_LIMIT,
            |value| value.is_some(),
        )?;
        if !off {
            let limit = SHUTDOWN_LIMIT.as_secs();
            return Err(StartError::Lab(format!(
                "{name} did not power itself off within {limit} s; `destroy` does not ask it"
            )));
        }
        self.destroy(name)
    }

    /// Ends a domain at once, and takes its NICs away by the detach path, side by side.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn destroy(&self, name: &str) -> Result<(), StartError> {
        let running = lock(&self.running)
            .remove(name)
            .ok_or_else(|| StartError::NoSuchGuest(name.into()))?;
        if let Some(kernel) = lock(&running.kernel).take() {
            kernel.kill();
        }
        let devids: Vec<DevId> = lock(&running.vifs).keys().copied().collect();
        let detached = side_by_side(&devids, |devid| self.detach_one(&running, *devid, true));
        let domid = running.domid;
        let mut client = connect()?;
        for path in self.conf.domain_paths(domid) {
            client.rm(&path)?;
        }
        client.rm(&running.owner.vm)?;
        self.server.unlisten(running.listener);
        let _ = std::fs::remove_file(guest_socket(domid));
        self.server.release(domid.0);
        if let Some(place) = self.guests.remove(domid) {
            place.netns.remove().map_err(|error| {
                StartError::Lab(format!("remove the namespace of {name}: {error}"))
            })?;
        }
        detached.into_iter().collect()
    }
}

impl Running {
    /// The device numbers of its NICs.
    pub fn devids(&self) -> Vec<DevId> {
        lock(&self.vifs).keys().copied().collect()
    }
}

/// Does the same for each, on threads of their own.
fn side_by_side<T: Sync, R: Send>(items: &[T], act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let threads: Vec<_> = items.iter().map(|item| scope.spawn(|| act(item))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("the thread does not panic"))
            .collect()
    })
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| StartError::Lab(format!("draw random bytes: {error}")))?;
    Ok(bytes)
}

/// A random UUID (RFC 9562, version 4).
fn uuid() -> Result<String, StartError> {
    let mut bytes: [u8; 16] = random()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    ))
}
