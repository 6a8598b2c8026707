//! The toolstack's work in xenstore: folders come and go in one transaction, and states are waited
//! for.

use std::path::Path;
use std::time::{Duration, Instant};

use xenwire_xenstore::{Client, Error, Nodes as _};

use super::STORE;
use super::error::StartError;
use super::nodes::{Folder, VifPaths};

/// How long the toolstack waits for a backend's state.
pub(super) const STATE_LIMIT: Duration = Duration::from_secs(10);

pub(super) fn connect() -> Result<Client, StartError> {
    Ok(Client::connect(Path::new(STORE))?)
}

/// Writes folders in one transaction; not if `unless` is there.
pub(super) fn write_folders(
    client: &mut Client,
    folders: &[Folder],
    unless: Option<&str>,
) -> Result<bool, Error> {
    client.transaction(100, |nodes| {
        if let Some(path) = unless
            && nodes.exists(path)?
        {
            return Ok(false);
        }
        for folder in folders {
            nodes.mkdir(&folder.path)?;
            // Nodes take over the permissions of the folder that they are made in.
            nodes.set_permissions(&folder.path, &folder.perms)?;
            let paths: Vec<String> = folder
                .nodes
                .iter()
                .map(|(name, _)| format!("{}/{name}", folder.path))
                .collect();
            let writes: Vec<(&str, &[u8])> = paths
                .iter()
                .zip(&folder.nodes)
                .map(|(path, (_, value))| (path.as_str(), value.as_bytes()))
                .collect();
            nodes.write_many(&writes)?;
            for (name, perms) in &folder.other_perms {
                nodes.set_permissions(&format!("{}/{name}", folder.path), perms)?;
            }
        }
        Ok(true)
    })
}

/// Removes a device's folders, and those above that are empty then.
pub(super) fn remove_folders(client: &mut Client, paths: &VifPaths) -> Result<(), StartError> {
    let removed: Result<(), Error> = client.transaction(100, |nodes| {
        for path in [&paths.frontend, &paths.own, &paths.backend] {
            if nodes.exists(path)? {
                nodes.rm(path)?;
            }
        }
        // The folder of the frontend's domain below the backend's `vif`.
        if let Some((above, _)) = paths.backend.rsplit_once('/')
            && nodes.exists(above)?
            && nodes.directory(above)?.is_empty()
        {
            nodes.rm(above)?;
        }
        Ok(())
    });
    Ok(removed?)
}

/// Waits until a node's value is as wanted; says whether it became so.
pub(super) fn wait_for(
    client: &mut Client,
    path: &str,
    limit: Duration,
    wanted: impl Fn(Option<&[u8]>) -> bool,
) -> Result<bool, Error> {
    let deadline = Instant::now() + limit;
    client.watch(path, path)?;
    let waited = loop {
        match client.read_optional(path) {
            Ok(value) if wanted(value.as_deref()) => break Ok(true),
            Err(error) => break Err(error),
            Ok(_) => {}
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break Ok(false);
        }
        if let Err(error) = client.event(Some(left)) {
            break Err(error);
        }
    };
    client.unwatch(path, path)?;
    waited
}

#[cfg(test)]
mod tests;
