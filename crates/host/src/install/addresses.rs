//! Who has a list `ip=` on this host, and what was seen of them. Whatever cannot be read is not known:
//! a host without Xen has no guests.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use xenwire_core::install::{CONF, Listed, Loss, Seen, loss};
use xenwire_core::name::{DevId, DomId, IfName, VifId};
use xenwire_core::state::{Mark, NetState, Scope};
use xenwire_xenstore::{Client, Nodes as _};

use super::Failure;
use crate::kernel::{Heard, Kernel};
use crate::store::{Store, places};

/// The running guests that would lose something if `ip=` were enforced. `env` looks up a variable.
pub fn losses(env: impl Fn(&str) -> Option<String>) -> Vec<Loss> {
    let Ok(mut store) = Store::connect(&places(env)) else {
        return Vec::new();
    };
    let listed = listed(store.client());
    // Most hosts have no list, and need not be looked at.
    if listed.is_empty() {
        return Vec::new();
    }
    let looked = Kernel::open().and_then(|mut kernel| {
        let observed = kernel.observe(Scope::Host)?;
        let heard = kernel.heard(&observed)?;
        Ok((observed.state, heard))
    });
    let (state, heard) = looked.unwrap_or_default();
    let losses = listed
        .iter()
        .filter_map(|(listed, name)| loss(listed, &seen(listed, name.as_ref(), &state, &heard)));
    losses.collect()
}

/// The vifs with a list, and their names, if they have others than the kernel's.
fn listed(store: &mut Client) -> Vec<(Listed, Option<IfName>)> {
    let mut found = Vec::new();
    for domid in numbers(store, "backend/vif") {
        for devid in numbers(store, &format!("backend/vif/{domid}")) {
            let vif = u16::try_from(domid)
                .ok()
                .and_then(|domid| VifId::new(DomId(domid), DevId(devid)));
            let mut node = |name: &str| {
                let value = store.read_text(&format!("backend/vif/{domid}/{devid}/{name}"));
                value.ok().filter(|text| !text.is_empty())
            };
            let (Some(vif), Some(list)) = (vif, node("ip")) else {
                continue;
            };
            let Some(mac) = node("mac").and_then(|mac| mac.parse().ok()) else {
                continue;
            };
            let script = node("script").unwrap_or_default();
            let script = script.rsplit('/').next().unwrap_or_default().to_owned();
            let name = node("vifname").and_then(|name| name.parse().ok());
            let listed = Listed {
                vif,
                mac,
                list,
                script,
            };
            found.push((listed, name));
        }
    }
    found
}

fn numbers(store: &mut Client, path: &str) -> Vec<u32> {
    let names = store.directory(path).unwrap_or_default();
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

/// What was seen of a guest: by its links, and by its MAC wherever that is at home.
fn seen(listed: &Listed, name: Option<&IfName>, state: &NetState, heard: &Heard) -> Seen {
    let kernels = listed.vif.link();
    let tap = format!("{kernels}-emu").parse::<IfName>().ok();
    let is_links = |link: &IfName| {
        let marked = state.links.get(link).and_then(Mark::of);
        *link == kernels
            || Some(link) == name
            || Some(link) == tap.as_ref()
            || marked.is_some_and(|mark| mark.link.as_ref() == Some(&kernels))
    };
    let learned = heard.learned.iter().filter(|(port, _)| is_links(port));
    let macs: BTreeSet<_> = learned.map(|(_, mac)| *mac).collect();
    let of_guest = heard
        .neighbours
        .iter()
        .filter(|(link, _, mac)| is_links(link) || *mac == listed.mac || macs.contains(mac));
    Seen {
        addresses: of_guest.map(|(_, address, _)| *address).collect(),
        macs,
    }
}

/// The text of xenwire.toml; none if there is no such file.
///
/// # Errors
/// It is there and cannot be read.
pub fn conf() -> Result<Option<String>, Failure> {
    match fs::read_to_string(CONF) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(format!("read {CONF}"), error)),
    }
}

/// Makes this the text of xenwire.toml, at once; without one the file goes.
///
/// # Errors
/// [`Failure`]; the file is as it was.
pub fn write_conf(text: Option<&str>) -> Result<(), Failure> {
    let path = Path::new(CONF);
    let failure = |error: std::io::Error| Failure::new(format!("write {CONF}"), error);
    if path.is_symlink() {
        let why = "it is a link, which is not followed; say ip_filter there yourself";
        return Err(Failure::new(format!("write {CONF}"), why));
    }
    let Some(text) = text else {
        return fs::remove_file(path).map_err(failure);
    };
    let beside = path.with_extension("toml.xenwire-new");
    let written = (|| {
        let _ = fs::remove_file(&beside);
        let mode = fs::metadata(path).map_or(0o644, |file| mode(&file));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        sync(path.parent())
    })();
    written.map_err(failure)
}

fn mode(file: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    file.permissions().mode() & 0o777
}

fn sync(folder: Option<&Path>) -> std::io::Result<()> {
    match folder {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
