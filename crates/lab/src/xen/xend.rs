//! What xend does otherwise than libxl (contract 6.2, 6.4): its nodes, and its waiting. It runs no
//! vif script: netback tells of its device, udev runs what the node `script` says, and xend looks
//! at `hotplug-status`.
//!
//! ```text
//!   xend                          netback        udev             the script
//!   ────                          ───────        ────             ──────────
//!   three folders ──────────────▶ vifD.I ──────▶ $script online ▶ hotplug-status
//!   waits for hotplug-status ◀────────────────────────────────────┘
//! ```

use std::thread;
use std::time::{Duration, Instant};

use xenwire_core::config::vif::{VifSpec, VifType};
use xenwire_core::config::xend::XendConf;
use xenwire_core::name::{DomId, Mac, VifId};
use xenwire_xenstore::{Client, Error, Nodes as _};

use super::conf::Owner;
use super::error::StartError;
use super::nodes::{self, Folder, VifPaths, XenbusState, named, owned};
use super::script::{Ended, ScriptCall};
use super::store::wait_for;

/// Where scripts are that have no folder of their own.
const SCRIPTS: &str = "/etc/xen/scripts";
/// `device-create-timeout`, if the file does not say.
const CREATE_TIMEOUT: Duration = Duration::from_secs(100);

/// Where a vif's nodes are. xend's own are below the domain's `/vm/<uuid>`.
pub(super) fn vif_paths(vif: VifId, backend: DomId, owner: &Owner) -> VifPaths {
    VifPaths {
        own: format!("{}/device/vif/{}", owner.vm, vif.devid),
        ..nodes::vif_paths(vif, backend)
    }
}

/// The path of a script, as xend joins it with its folder: an absolute one stays.
pub(crate) fn joined(script: &str) -> String {
    if script.starts_with('/') {
        script.to_owned()
    } else {
        format!("{SCRIPTS}/{script}")
    }
}

/// The value of the node `script`: the whole text, arguments included.
pub(super) fn script_node(spec: &VifSpec, conf: &XendConf) -> String {
    let configured = || {
        let Some(command) = &conf.vif_script else {
            return "vif-bridge".to_owned();
        };
        let words = [&command.program].into_iter().chain(&command.arguments);
        let words: Vec<&str> = words.map(|word| word.value.as_str()).collect();
        words.join(" ")
    };
    joined(&spec.script.clone().unwrap_or_else(configured))
}

/// The three folders of a vif. No default is written for what the file does not say: without a
/// `bridge`, vif-bridge looks for one itself.
pub(super) fn vif_folders(
    vif: VifId,
    backend: DomId,
    owner: &Owner,
    spec: &VifSpec,
    mac: Mac,
    conf: &XendConf,
) -> [Folder; 3] {
    let paths = vif_paths(vif, backend, owner);
    let emulated = spec.kind == Some(VifType::Ioemu);
    let backend_nodes = [
        ("script", Some(script_node(spec, conf))),
        ("mac", Some(mac.to_string())),
        ("type", emulated.then(|| "ioemu".to_owned())),
        ("ip", (!spec.ip.is_empty()).then(|| spec.ip.join(" "))),
        ("bridge", spec.bridge.clone()),
        ("vifname", spec.vifname.as_ref().map(ToString::to_string)),
        ("rate", spec.rate.map(|rate| rate.to_string())),
        ("model", spec.model.clone()),
        ("handle", Some(vif.devid.to_string())),
        ("domain", Some(owner.name.clone())),
        ("frontend", Some(paths.frontend.clone())),
        ("frontend-id", Some(vif.domid.to_string())),
        ("state", Some(XenbusState::Initialising.value())),
        ("online", Some("1".into())),
    ];
    let backend_nodes = backend_nodes
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    // A guest with an emulated card finds its MAC there.
    let mut frontend_nodes = if emulated {
        Vec::new()
    } else {
        vec![("handle", vif.devid.to_string()), ("mac", mac.to_string())]
    };
    frontend_nodes.extend([
        ("backend", paths.backend.clone()),
        ("backend-id", backend.to_string()),
        ("state", XenbusState::Initialising.value()),
    ]);
    let own_nodes = vec![
        ("backend", paths.backend.clone()),
        ("backend-id", backend.to_string()),
        ("frontend", paths.frontend.clone()),
        ("frontend-id", vif.domid.to_string()),
    ];
    let folder = |path, perms, nodes| Folder {
        path,
        perms,
        nodes: named(nodes),
        other_perms: vec![],
    };
    [
        folder(paths.own, owned(backend, vif.domid), own_nodes),
        folder(paths.frontend, owned(vif.domid, backend), frontend_nodes),
        folder(
            paths.backend,
            owned(backend, vif.domid),
            backend_nodes.collect(),
        ),
    ]
}

/// netback tells of its device, and udev runs the script beside everything else. Nobody looks at
/// its exit status but udev's log.
pub(super) fn uevent(call: ScriptCall) -> thread::JoinHandle<()> {
    thread::spawn(move || match call.run() {
        Ended::With(status) if status.success() => {}
        ended => crate::complain(&format!(
            "udev: {}: {} {} {ended}",
            call.vif, call.script, call.action
        )),
    })
}

/// Until when xend waits for a device that is made now.
pub(super) fn deadline(conf: &XendConf) -> Instant {
    let configured = conf.device_create_timeout.as_ref();
    let seconds = configured.map(|seconds| Duration::from_secs(seconds.value.into()));
    Instant::now() + seconds.unwrap_or(CREATE_TIMEOUT)
}

/// Waits for the script's word, and takes it as xend does: every value but two is good news.
///
/// # Errors
/// [`StartError::NotConnected`].
pub(super) fn wait_for_script(
    client: &mut Client,
    paths: &VifPaths,
    vif: VifId,
    deadline: Instant,
) -> Result<(), StartError> {
    let status = format!("{}/hotplug-status", paths.backend);
    let left = deadline.saturating_duration_since(Instant::now());
    let answered = wait_for(client, &status, left, |value| value.is_some())?;
    let error = |client: &mut Client| -> Result<Option<String>, Error> {
        let why = client.read_optional(&format!("{}/hotplug-error", paths.backend))?;
        Ok(why.map(|why| String::from_utf8_lossy(&why).into_owned()))
    };
    let why = match client.read_optional(&status)?.as_deref() {
        Some(b"error") => error(client)?.unwrap_or_else(|| "Backend device not found.".into()),
        Some(b"busy") => error(client)?.unwrap_or_else(|| "Busy.".into()),
        Some(_) => return Ok(()),
        // It was there, and is gone with its device.
        None if answered => "Device not found.".into(),
        None => {
            client.write(&status, b"error")?;
            "Hotplug scripts not working.".into()
        }
    };
    Err(StartError::NotConnected { vif, why })
}

#[cfg(test)]
mod tests;
