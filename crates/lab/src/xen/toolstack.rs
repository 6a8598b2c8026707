//! libxl: domains and their NICs come and go (contract 3.1 to 3.3).

use std::collections::BTreeMap;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use xenwire_core::config::domu::GuestType;
use xenwire_core::config::lab::{Domain, DomainNic};
use xenwire_core::config::vif::{VifSpec, VifType};
use xenwire_core::config::xl_conf::XlConf;
use xenwire_core::name::{DevId, DomId, Mac, VifId};
use xenwire_xenstore::{Client, Error, Handle, Nodes as _};

use super::error::StartError;
use super::guest::{GuestPlace, Guests, Netfront, NicPlan, lock};
use super::guest_socket;
use super::nodes::{
    VifPaths, XenbusState, dom0_folder, domain_folders, script_path, vif_folders, vif_paths,
};
use super::qemu::Tap;
use super::script::{Ended, ScriptCall};
use super::store::{STATE_LIMIT, connect, remove_folders, wait_for, write_folders};
use crate::sandbox::Netns;

/// How long a guest may take to power itself off.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);

/// The toolstack of dom0.
pub struct Toolstack {
    conf: XlConf,
    server: Handle,
    guests: Arc<Guests>,
    next_domid: AtomicU16,
    running: Mutex<BTreeMap<String, Arc<Running>>>,
}

/// A domain that runs.
pub struct Running {
    /// Its number.
    pub domid: DomId,
    /// What it was started from.
    pub domain: Domain,
    vifs: Mutex<BTreeMap<DevId, Attached>>,
    kernel: Mutex<Option<Netfront>>,
    listener: xenwire_xenstore::server::ListenerId,
}

/// A NIC that was attached: how its script was called, and its tap if it is emulated too.
#[derive(Clone)]
struct Attached {
    call: ScriptCall,
    tap: Option<Tap>,
}

/// How the toolstack sees an attached NIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// The backend is connected: the guest has its NIC.
    Connected,
    /// The script exited with 0 and xl is content, but `hotplug-status` is not `connected`:
    /// netback waits for ever, and the guest has no NIC.
    Dead {
        /// What `hotplug-status` holds instead.
        status: String,
    },
    /// The host has done its part, and the guest's driver does not connect.
    Unanswered,
}

impl Toolstack {
    /// A toolstack with the host's configuration, on this store.
    pub fn new(conf: XlConf, server: Handle, guests: Arc<Guests>) -> Self {
        Self {
            conf,
            server,
            guests,
            next_domid: AtomicU16::new(1),
            running: Mutex::default(),
        }
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
            self.attach_one(&running, nic.devid, &of_kind(nic, domain.kind)?)
                .map(|mac| (nic.devid, mac))
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
        write_folders(
            &mut connect()?,
            &domain_folders(domid, &name, &uuid()?),
            None,
        )?;
        let running = Arc::new(Running {
            domid,
            domain: domain.clone(),
            vifs: Mutex::default(),
            kernel: Mutex::new(None),
            listener,
        });
        lock(&self.running).insert(name, running.clone());
        Ok(running)
    }

    /// Attaches a NIC to a domain that runs, as `xl network-attach`. The device number is the
    /// file's, else one more than the highest.
    ///
    /// # Errors
    /// [`StartError`]: the NIC is gone again.
    pub fn attach(
        &self,
        name: &str,
        spec: &VifSpec,
        plan: impl FnOnce(DevId) -> NicPlan,
    ) -> Result<(DevId, Attachment), StartError> {
        let running = self.find(name)?;
        let devid = spec.devid.unwrap_or_else(|| {
            let highest = lock(&running.vifs)
                .last_key_value()
                .map(|(devid, _)| devid.0);
            DevId(highest.map_or(0, |devid| devid.saturating_add(1)))
        });
        let vif = VifId::new(running.domid, devid);
        if let Some(vif) = vif.filter(|_| lock(&running.vifs).contains_key(&devid)) {
            return Err(StartError::DeviceExists(vif));
        }
        if let Some(guest) = self.guests.get(running.domid) {
            lock(&guest.nics).insert(devid, plan(devid));
        }
        // Since Xen 4.7 what is attached to a domain that runs is never emulated.
        let spec = VifSpec {
            kind: Some(VifType::Vif),
            ..spec.clone()
        };
        if let Err(error) = self.attach_one(&running, devid, &spec) {
            if !matches!(error, StartError::DeviceExists(_)) {
                self.detach_one(&running, devid, true)?;
            }
            return Err(error);
        }
        Ok((devid, self.fate(running.domid, devid)?))
    }

    /// Contract 3.1, attach.
    fn attach_one(
        &self,
        running: &Running,
        devid: DevId,
        spec: &VifSpec,
    ) -> Result<(), StartError> {
        let domid = running.domid;
        let vif = VifId::new(domid, devid)
            .ok_or_else(|| StartError::Lab(format!("devid {devid} is too large")))?;
        let mac = match spec.mac {
            Some(mac) => mac,
            None => Mac::drawn(entropy()?),
        };
        let paths = vif_paths(vif, DomId::DOM0);
        let mut client = connect()?;
        let folders = vif_folders(vif, DomId::DOM0, spec, mac, &self.conf);
        if !write_folders(&mut client, &folders, Some(&paths.libxl))? {
            return Err(StartError::DeviceExists(vif));
        }
        let emulated = spec.kind == Some(VifType::Ioemu);
        let tap = emulated.then(|| Tap::open(vif, spec.vifname.as_ref(), mac));
        let tap = match tap.transpose() {
            Ok(tap) => tap,
            Err(why) => {
                remove_folders(&mut client, &paths)?;
                return Err(StartError::Lab(why));
            }
        };
        let call = ScriptCall {
            script: script_path(spec, &self.conf),
            action: "online",
            type_if: "type_if=vif",
            tap: tap.as_ref().map(|tap| tap.name.clone()),
            vif,
            gatewaydev: spec
                .gatewaydev
                .as_ref()
                .or(self.conf.gatewaydev.as_ref())
                .map(ToString::to_string)
                .unwrap_or_default(),
        };
        let attached = Attached {
            call: call.clone(),
            tap,
        };
        lock(&running.vifs).insert(devid, attached);
        let state = format!("{}/state", paths.backend);
        let ready = wait_for(&mut client, &state, STATE_LIMIT, |value| {
            XenbusState::of(value) == XenbusState::InitWait
        })?;
        if !ready {
            return Err(StartError::BackendSilent(vif));
        }
        run_script(&mut client, &paths, &call)?;
        // A tap's run begins when the vif's has succeeded, and is as fatal.
        if emulated {
            run_script(&mut client, &paths, &call.for_tap("add"))?;
        }
        Ok(())
    }

    /// Whether the guest gets its NIC. libxl does not ask; the guest would find out.
    fn fate(&self, domid: DomId, devid: DevId) -> Result<Attachment, StartError> {
        let Some(vif) = VifId::new(domid, devid) else {
            return Err(StartError::Lab(format!("devid {devid} is too large")));
        };
        let paths = vif_paths(vif, DomId::DOM0);
        let mut client = connect()?;
        let status = client.read_optional(&format!("{}/hotplug-status", paths.backend))?;
        if status.as_deref() != Some(b"connected") {
            let status =
                status.map_or_else(|| "missing".into(), |s| format!("\"{}\"", s.escape_ascii()));
            return Ok(Attachment::Dead { status });
        }
        let connected = wait_for(
            &mut client,
            &format!("{}/state", paths.backend),
            STATE_LIMIT,
            |value| XenbusState::of(value) == XenbusState::Connected,
        )?;
        Ok(if connected {
            Attachment::Connected
        } else {
            Attachment::Unanswered
        })
    }

    /// Takes a NIC from a domain, as `xl network-detach`.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn detach(&self, name: &str, devid: DevId) -> Result<(), StartError> {
        let running = self.find(name)?;
        let devids = running.devids();
        if !devids.contains(&devid) {
            let has: Vec<String> = devids.iter().map(ToString::to_string).collect();
            let has = if has.is_empty() {
                "none".into()
            } else {
                has.join(", ")
            };
            let wrong = format!("{name} has no NIC {devid}; it has {has}");
            return Err(StartError::Lab(wrong));
        }
        self.detach_one(&running, devid, false)
    }

    /// Contract 3.1, detach. `force`: the guest is dead and will not close its half.
    fn detach_one(&self, running: &Running, devid: DevId, force: bool) -> Result<(), StartError> {
        let Some(Attached { call, tap }) = lock(&running.vifs).remove(&devid) else {
            return Ok(());
        };
        // Only a domain that ends loses an emulated NIC, and its QEMU has ended by then.
        if let Some(Err(why)) = tap.map(Tap::close) {
            crate::complain(&format!("{}: {why}", call.vif));
        }
        let paths = vif_paths(call.vif, DomId::DOM0);
        let mut client = connect()?;
        let state_path = format!("{}/state", paths.backend);
        let there = client.transaction::<_, Error>(100, |nodes| {
            let Some(state) = nodes.read_optional(&state_path)? else {
                return Ok(false);
            };
            nodes.write(&format!("{}/online", paths.backend), b"0")?;
            if XenbusState::of(Some(&state)) != XenbusState::Closed {
                nodes.write(&state_path, XenbusState::Closing.value().as_bytes())?;
            }
            if force {
                nodes.rm(&paths.frontend)?;
            }
            Ok(true)
        })?;
        if !there {
            return remove_folders(&mut client, &paths);
        }
        let closed = |client: &mut Client| {
            // The driver removes `hotplug-status` when it has unregistered the device: where the
            // state is 6 already, only this tells that `online` was seen.
            let status = format!("{}/hotplug-status", paths.backend);
            let closed = wait_for(client, &state_path, STATE_LIMIT, |value| {
                XenbusState::of(value) == XenbusState::Closed
            })?;
            Ok::<bool, StartError>(
                closed && wait_for(client, &status, STATE_LIMIT, |value| value.is_none())?,
            )
        };
        let mut gone = closed(&mut client)?;
        if !gone && !force {
            client.rm(&paths.frontend)?;
            gone = closed(&mut client)?;
        }
        if gone {
            // A failure is logged and otherwise of no consequence; the second still runs.
            let offline = ScriptCall {
                action: "offline",
                ..call
            };
            let remove = offline.tap.is_some().then(|| offline.for_tap("remove"));
            for call in [Some(offline), remove].into_iter().flatten() {
                match call.run() {
                    Ended::With(status) if status.success() => {}
                    ended => crate::complain(&format!(
                        "{}: {} {} {ended}",
                        call.vif, call.script, call.action
                    )),
                }
            }
        }
        remove_folders(&mut client, &paths)
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
        let vm = client.read_optional(&format!("/local/domain/{domid}/vm"))?;
        for path in [format!("/local/domain/{domid}"), format!("/libxl/{domid}")] {
            client.rm(&path)?;
        }
        if let Some(vm) = vm.and_then(|vm| String::from_utf8(vm).ok()) {
            client.rm(&vm)?;
        }
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

/// A vif of a domain's file, with what its type is if the file does not say.
fn of_kind(nic: &DomainNic, kind: GuestType) -> Result<VifSpec, StartError> {
    let hvm = kind == GuestType::Hvm;
    let wanted = nic
        .spec
        .kind
        .unwrap_or(if hvm { VifType::Ioemu } else { VifType::Vif });
    if wanted == VifType::Ioemu && !hvm {
        let why = "type=ioemu is for guests of type hvm: nobody emulates a card for this one";
        return Err(StartError::Lab(format!("{}: {why}", nic.name)));
    }
    Ok(VifSpec {
        kind: Some(wanted),
        ..nic.spec.clone()
    })
}

/// Runs a script that must succeed.
fn run_script(client: &mut Client, paths: &VifPaths, call: &ScriptCall) -> Result<(), StartError> {
    let (vif, script) = (call.vif, call.script.clone());
    let how = match call.run() {
        Ended::With(status) if status.success() => return Ok(()),
        Ended::Hung => return Err(StartError::ScriptHung { vif, script }),
        ended => ended.to_string(),
    };
    let why = client.read_optional(&format!("{}/hotplug-error", paths.backend))?;
    let hotplug_error = why.map(|why| String::from_utf8_lossy(&why).into_owned());
    Err(StartError::ScriptFailed {
        vif,
        script: format!("{script} {}", call.action),
        how,
        hotplug_error,
    })
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

fn random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| StartError::Lab(format!("draw random bytes: {error}")))?;
    Ok(bytes)
}

fn entropy() -> Result<[u8; 3], StartError> {
    random()
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
