//! Reading a scenario: `lab.toml`, and the Xen files below `etc/xen` as an administrator has them.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use xenwire_core::config::domu::{self, Reading, Syntax};
use xenwire_core::config::lab::{Lab, Scenario, Toolstack, read, resolve};
use xenwire_core::config::{xend, xl_conf};
use xenwire_core::diag::Diagnostics;

use crate::sandbox::{EtcFile, EtcKind, PROGRAM};
use crate::xen::Conf;

/// A scenario, ready to run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The folder's name.
    pub name: String,
    /// What to build and what must hold.
    pub scenario: Scenario,
    /// The host's toolstack, and its configuration.
    pub conf: Conf,
    /// What is in the lab's /etc/xen.
    pub files: Vec<EtcFile>,
    /// What is odd and no error.
    pub warnings: Diagnostics,
}

/// Why a scenario cannot be run.
#[derive(Debug)]
pub enum LoadError {
    /// A file or folder could not be read.
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The files are wrong.
    Wrong(Diagnostics),
}

/// The names of scripts which we answer to.
const SCRIPTS: [&str; 10] = [
    "vif-bridge",
    "vif-openvswitch",
    "vif-bridge-manual",
    "vif-route",
    "vif-nat",
    "vif-setup",
    "network-bridge",
    "network-route",
    "network-nat",
    "network",
];

/// Reads the scenario in this folder. With `scripts`, the files of that folder are in the lab's
/// /etc/xen/scripts, before the scenario's own and ours.
///
/// # Errors
/// [`LoadError`], with every fault of every file.
pub fn load(folder: &Path, scripts: Option<&Path>) -> Result<Loaded, LoadError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| LoadError::Io { path, error }
    };
    let text = |path: &Path| fs::read_to_string(path).map_err(io(path));
    let mut faults = Diagnostics::new();

    let lab_file = folder.join("lab.toml");
    let lab = read(&text(&lab_file)?, &lab_file.to_string_lossy(), &mut faults);
    let etc = folder.join("etc/xen");
    let toolstack = toolstack(lab.as_ref(), &etc);
    let conf_file = etc.join(match toolstack {
        Toolstack::Libxl => "xl.conf",
        Toolstack::Xend => XEND_CONFIG,
    });
    let conf_text = match fs::read_to_string(&conf_file) {
        Ok(text) => text,
        // To both, a file that is not there is one in which nothing is set.
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(io(&conf_file)(error)),
    };
    let conf = conf(
        toolstack,
        &conf_text,
        &conf_file.to_string_lossy(),
        &mut faults,
    );
    let reading = Reading {
        // What xm reads is Python, whatever it looks like.
        syntax: (toolstack == Toolstack::Xend).then_some(Syntax::Xm),
        ..Reading::default()
    };
    let mut guests = Vec::new();
    let mut readable = true;
    for config in configs(lab.as_ref(), &etc) {
        let file = etc.join(&config);
        match fs::read_to_string(&file) {
            Ok(text) => {
                let name = file.to_string_lossy();
                match domu::read_as(&text, &name, &reading, &mut faults).whole() {
                    Some(domu) => guests.push((config, domu)),
                    None => readable = false,
                }
            }
            // `resolve` says at which place of lab.toml the missing file is named.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(&file)(error)),
        }
    }
    let scenario = match lab.filter(|_| readable).map(|lab| resolve(&lab, &guests)) {
        Some(Ok(scenario)) => Some(scenario),
        Some(Err(more)) => {
            faults.append(more);
            None
        }
        None => None,
    };
    let (Some(scenario), Some(conf), false) = (scenario, conf, faults.has_errors()) else {
        return Err(LoadError::Wrong(faults));
    };
    let mut files = Vec::new();
    if etc.is_dir() {
        collect(&etc, Path::new(""), &mut files).map_err(io(&etc))?;
    }
    if let Some(scripts) = scripts {
        files.retain(|file| !file.path.starts_with("scripts"));
        collect(scripts, Path::new("scripts"), &mut files).map_err(io(scripts))?;
    }
    for script in SCRIPTS {
        let path = Path::new("scripts").join(script);
        if !files.iter().any(|file| file.path == path) {
            files.push(EtcFile {
                path,
                kind: EtcKind::Link(PROGRAM.into()),
            });
        }
    }
    let canonical = folder.canonicalize().map_err(io(folder))?;
    let name = canonical
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(Loaded {
        name,
        scenario,
        conf,
        files,
        warnings: faults,
    })
}

/// xend's own file.
const XEND_CONFIG: &str = "xend-config.sxp";

fn toolstack(lab: Option<&Lab>, etc: &Path) -> Toolstack {
    let has_xend_config = etc.join(XEND_CONFIG).exists();
    let boot = lab.map(|lab| lab.host.boot.clone()).unwrap_or_default();
    boot.toolstack(has_xend_config)
}

fn conf(toolstack: Toolstack, text: &str, file: &str, faults: &mut Diagnostics) -> Option<Conf> {
    Some(match toolstack {
        Toolstack::Libxl => Conf::Libxl(xl_conf::read(text, file, faults)?),
        Toolstack::Xend => Conf::Xend(Box::new(xend::read(text, file, faults)?)),
    })
}

/// The guests' files. Where lab.toml is too wrong to name them, all that look like one: their
/// faults are told together with its own.
fn configs(lab: Option<&Lab>, etc: &Path) -> Vec<String> {
    if let Some(lab) = lab {
        return lab
            .guests
            .iter()
            .map(|guest| guest.config.value.clone())
            .collect();
    }
    let entries = fs::read_dir(etc).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut configs: Vec<String> = names.filter(|name| name.ends_with(".cfg")).collect();
    configs.sort();
    configs
}

/// The files of a folder and of those below it. Links stay links.
fn collect(folder: &Path, below: &Path, files: &mut Vec<EtcFile>) -> io::Result<()> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = below.join(entry.file_name());
        let meta = entry.metadata()?;
        if meta.is_dir() {
            collect(&entry.path(), &path, files)?;
        } else if meta.is_symlink() {
            files.push(EtcFile {
                path,
                kind: EtcKind::Link(fs::read_link(entry.path())?),
            });
        } else if meta.is_file() {
            let mode = meta.permissions().mode() & 0o777;
            files.push(EtcFile {
                path,
                kind: EtcKind::File {
                    bytes: fs::read(entry.path())?,
                    mode,
                },
            });
        }
    }
    Ok(())
}
