//! Journals. What is about to be done is written here first; the token that comes back is what
//! the kernel's performer asks for.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use xenwire_core::journal::{Event, Fault, Illegal, Status, next};

/// Proof that a journal holds the steps that are about to be done. Only a journal makes one.
#[derive(Debug)]
pub struct Announced(());

/// A place for records.
pub trait Journal {
    /// Writes a record. For an announcement, the token.
    ///
    /// # Errors
    /// A [`Fault`] if the record is not there afterwards, or may not follow the one before.
    fn record(&mut self, event: &Event) -> Result<Option<Announced>, Fault>;
}

/// A journal on /run: one line a record, no fsync, since a reboot takes what it is about too. It is
/// locked while it is open: two calls about one thing follow one another.
#[derive(Debug)]
pub struct FileJournal {
    keeping: Keeping,
    path: PathBuf,
    file: File,
    status: Status,
    found: Vec<Event>,
}

/// What a journal still holds when a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Nothing: what the last run left to say is said. The file does not grow with the calls.
    LastRun,
    /// Every run before: they tell what to bring back one day.
    AllRuns,
}

/// A journal that ends with the process, for worlds that do so too: the lab's.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    /// The records so far.
    pub events: Vec<Event>,
    status: Status,
}

impl FileJournal {
    /// Opens, locks and reads the journal of this name; waits for whoever has it open.
    ///
    /// # Errors
    /// A [`Fault`] if the folder or file cannot be had.
    pub fn open(folder: &Path, name: &str, keeping: Keeping) -> Result<Self, Fault> {
        let path = folder.join(name);
        let fault = |error| io_fault("open the journal", &path, &error);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(fault)?;
        loop {
            let mut file = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&path)
                .map_err(fault)?;
            flock(&file, FlockOperation::LockExclusive).map_err(|e| fault(e.into()))?;
            // Whoever held the lock may have removed the file meanwhile.
            if !is_still_there(&file, &path) {
                continue;
            }
            let mut text = String::new();
            file.read_to_string(&mut text).map_err(fault)?;
            let (found, whole, status) = read(&text);
            // A line that was cut off by a crash announces nothing: it is taken away.
            if whole < text.len() {
                file.set_len(u64::try_from(whole).unwrap_or(0))
                    .map_err(fault)?;
                file.seek(SeekFrom::End(0)).map_err(fault)?;
            }
            return Ok(Self {
                keeping,
                path,
                file,
                status,
                found,
            });
        }
    }

    /// The records that were there when it was opened.
    pub fn found(&self) -> &[Event] {
        &self.found
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The token of a run that was cut off: what undoes it was announced.
    pub fn resumed(&self) -> Option<Announced> {
        self.status.is_unfinished().then_some(Announced(()))
    }

    /// Ends a run that was cut off, for one that plans from what it left. Says whether there was one.
    ///
    /// # Errors
    /// A [`Fault`] if it cannot be written.
    pub fn supersede(&mut self) -> Result<bool, Fault> {
        let was_cut_off = self.status.is_unfinished();
        if was_cut_off {
            self.record(&Event::Superseded)?;
        }
        Ok(was_cut_off)
    }

    /// Removes the file: what the journal is about is gone, or as it was before.
    pub fn remove(self) {
        // Left behind, it is found and removed by the next call about that thing.
        let _ = fs::remove_file(&self.path);
    }
}

impl Journal for FileJournal {
    fn record(&mut self, event: &Event) -> Result<Option<Announced>, Fault> {
        let status = next(self.status, event).map_err(|e| illegal(&e))?;
        let fault = |error| io_fault("write the journal", &self.path, &error);
        let begins = matches!(event, Event::Announced { .. });
        if begins && self.keeping == Keeping::LastRun {
            self.file.set_len(0).map_err(fault)?;
        }
        let mut line = serde_json::to_vec(event).map_err(|e| fault(e.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(fault)?;
        self.status = status;
        Ok(begins.then_some(Announced(())))
    }
}

impl Journal for MemoryJournal {
    fn record(&mut self, event: &Event) -> Result<Option<Announced>, Fault> {
        self.status = next(self.status, event).map_err(|e| illegal(&e))?;
        self.events.push(event.clone());
        Ok(matches!(event, Event::Announced { .. }).then_some(Announced(())))
    }
}

/// The records of each journal in a folder whose name this accepts, without a lock: what is read may
/// be about to change.
///
/// # Errors
/// A [`Fault`] if the folder or a file cannot be read; where there is no folder there are none.
pub fn look<N: Ord>(
    folder: &Path,
    accept: impl Fn(&str) -> Option<N>,
) -> Result<BTreeMap<N, Vec<Event>>, Fault> {
    let fault = |path: &Path, error: &io::Error| io_fault("read the journal", path, error);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(fault(folder, &error)),
    };
    let mut journals = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(|error| fault(folder, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.and_then(&accept) else {
            continue;
        };
        match fs::read_to_string(&path) {
            Ok(text) => {
                journals.insert(name, read(&text).0);
            }
            // It went meanwhile, with its vif.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(fault(&path, &error)),
        }
    }
    Ok(journals)
}

/// The records of a journal up to the first that cannot be read, how many bytes they take, and
/// where they leave it.
fn read(text: &str) -> (Vec<Event>, usize, Status) {
    let (mut events, mut whole, mut status) = (Vec::new(), 0, Status::Idle);
    for line in text
        .split_inclusive('\n')
        .take_while(|line| line.ends_with('\n'))
    {
        let Ok(event) = serde_json::from_str::<Event>(line) else {
            break;
        };
        let Ok(following) = next(status, &event) else {
            break;
        };
        status = following;
        events.push(event);
        whole += line.len();
    }
    (events, whole, status)
}

fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |meta: fs::Metadata| (meta.dev(), meta.ino());
    file.metadata().ok().map(id) == fs::metadata(path).ok().map(id)
}

fn illegal(illegal: &Illegal) -> Fault {
    Fault {
        operation: "write the journal".into(),
        errno: None,
        reason: illegal.to_string(),
    }
}

fn io_fault(operation: &str, path: &Path, error: &std::io::Error) -> Fault {
    Fault {
        operation: format!("{operation} {}", path.display()),
        errno: error.raw_os_error(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
