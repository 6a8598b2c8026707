//! The NICs of a domain come and go (contract 3.1 and 6.4).

use std::thread::JoinHandle;

use xenwire_core::config::domu::GuestType;
use xenwire_core::config::lab::{DomainNic, Toolstack as Which};
use xenwire_core::config::vif::{VifSpec, VifType};
use xenwire_core::name::{DevId, DomId, Mac, VifId};
use xenwire_xenstore::{Client, Error, Nodes as _};

use super::conf::Conf;
use super::error::StartError;
use super::guest::{NicPlan, lock};
use super::nodes::{self, VifPaths, XenbusState};
use super::qemu::Tap;
use super::script::{Ended, ScriptCall};
use super::store::{STATE_LIMIT, connect, remove_folders, wait_for, write_folders};
use super::toolstack::{Running, Toolstack, random};
use super::xend;

/// A NIC that was attached: how its script was called, and its tap if it is emulated too.
pub(super) struct Attached {
    call: ScriptCall,
    tap: Option<Tap>,
    /// What udev runs meanwhile. It does the next thing about a device when the last is done.
    event: Option<JoinHandle<()>>,
}

/// How the toolstack sees an attached NIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// The backend is connected: the guest has its NIC.
    Connected,
    /// The toolstack is content, but `hotplug-status` is not `connected`: netback waits for ever,
    /// and the guest has no NIC.
    Dead {
        /// What `hotplug-status` holds instead.
        status: String,
    },
    /// The host has done its part, and the guest's driver does not connect.
    Unanswered,
}

impl Toolstack {
    /// A vif of a domain's file, with what its type is if the file does not say. xend writes down
    /// what the file says: the tap of an emulated card is QEMU's own business there (contract 6.4).
    pub(super) fn of_kind(&self, nic: &DomainNic, kind: GuestType) -> Result<VifSpec, StartError> {
        if self.conf.which() == Which::Xend {
            return Ok(nic.spec.clone());
        }
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

    /// Attaches a NIC to a domain that runs, as `xl network-attach` and `xm network-attach` do. The device number is the
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
        // Since Xen 4.7 what is attached to a domain that runs is never emulated; with xend its tap
        // would be QEMU's.
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
    pub(super) fn attach_one(
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
        let paths = self.conf.vif_paths(vif, &running.owner);
        let mut client = connect()?;
        let folders = self.conf.vif_folders(vif, &running.owner, spec, mac);
        if !write_folders(&mut client, &folders, Some(&paths.own))? {
            return Err(StartError::DeviceExists(vif));
        }
        let emulated = self.conf.which() == Which::Libxl && spec.kind == Some(VifType::Ioemu);
        let tap = emulated.then(|| Tap::open(vif, spec.vifname.as_ref(), mac));
        let tap = match tap.transpose() {
            Ok(tap) => tap,
            Err(why) => {
                remove_folders(&mut client, &paths)?;
                return Err(StartError::Lab(why));
            }
        };
        let call = self.conf.online(vif, spec, tap.as_ref());
        let attached = Attached {
            call: call.clone(),
            tap,
            event: None,
        };
        lock(&running.vifs).insert(devid, attached);
        match &self.conf {
            Conf::Libxl(_) => by_libxl(&mut client, &paths, &call),
            Conf::Xend(conf) => {
                let deadline = xend::deadline(conf);
                // Without the driver's device there is no event, and xend notices by the clock.
                if is_ready(&mut client, &paths)? {
                    let event = Some(xend::uevent(call));
                    if let Some(attached) = lock(&running.vifs).get_mut(&devid) {
                        attached.event = event;
                    }
                }
                xend::wait_for_script(&mut client, &paths, vif, deadline)
            }
        }
    }

    /// Whether the guest gets its NIC. The toolstack does not ask; the guest would find out.
    pub(super) fn fate(&self, domid: DomId, devid: DevId) -> Result<Attachment, StartError> {
        let Some(vif) = VifId::new(domid, devid) else {
            return Err(StartError::Lab(format!("devid {devid} is too large")));
        };
        let paths = nodes::vif_paths(vif, DomId::DOM0);
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
    pub(super) fn detach_one(
        &self,
        running: &Running,
        devid: DevId,
        force: bool,
    ) -> Result<(), StartError> {
        let Some(Attached { call, tap, event }) = lock(&running.vifs).remove(&devid) else {
            return Ok(());
        };
        // Only a domain that ends loses an emulated NIC, and its QEMU has ended by then.
        if let Some(Err(why)) = tap.map(Tap::close) {
            crate::complain(&format!("{}: {why}", call.vif));
        }
        let paths = self.conf.vif_paths(call.vif, &running.owner);
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
        if let Some(event) = event {
            event.join().expect("the thread does not panic");
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
}

/// Whether the driver is ready for the script.
fn is_ready(client: &mut Client, paths: &VifPaths) -> Result<bool, StartError> {
    let state = format!("{}/state", paths.backend);
    let ready = wait_for(client, &state, STATE_LIMIT, |value| {
        XenbusState::of(value) == XenbusState::InitWait
    })?;
    Ok(ready)
}

/// libxl runs the script itself, and goes by its exit status.
fn by_libxl(client: &mut Client, paths: &VifPaths, call: &ScriptCall) -> Result<(), StartError> {
    if !is_ready(client, paths)? {
        return Err(StartError::BackendSilent(call.vif));
    }
    run_script(client, paths, call)?;
    // A tap's run begins when the vif's has succeeded, and is as fatal.
    if call.tap.is_some() {
        run_script(client, paths, &call.for_tap("add"))?;
    }
    Ok(())
}

/// Runs a script that must succeed.
fn run_script(client: &mut Client, paths: &VifPaths, call: &ScriptCall) -> Result<(), StartError> {
    let (vif, script) = (call.vif, call.script.clone());
    let how = match call.run() {
        Ended::With(status) if status.success() => return Ok(()),
        Ended::Hung(_) => return Err(StartError::ScriptHung { vif, script }),
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

fn entropy() -> Result<[u8; 3], StartError> {
    random()
}
