//! Which process is ours, and what happens to those that are not. dnsmasq itself is started in
//! namespaces, by the tests of the command.

use std::process::Child;

use xenwire_core::journal::Event;

use super::*;
use crate::journal::{Journal, MemoryJournal};

fn token() -> Announced {
    let announced = Event::Announced {
        subject: String::new(),
        steps: Vec::new(),
    };
    MemoryJournal::default()
        .record(&announced)
        .unwrap()
        .unwrap()
}

/// A folder, and a process that stands for dnsmasq.
struct Place {
    folder: PathBuf,
    process: Child,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("xw-dhcp-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let process = Command::new("sleep").arg("1000").spawn().unwrap();
        Self { folder, process }
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.process.id()).unwrap()
    }

    fn record(&self, text: &str) {
        fs::write(self.folder.join(RECORD), text).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_process_is_known_by_when_it_began() {
    let place = Place::new("known");
    assert_eq!(server(&place.folder), DhcpServer::Absent);
    let began = beginning(place.pid()).unwrap();
    place.record(&format!("{} {began}\n", place.pid()));
    assert_eq!(server(&place.folder), DhcpServer::Serving(String::new()));
    // The number went to another process; or was never a number; or nobody has it.
    let later = began.parse::<u64>().unwrap() + 1;
    for wrong in [
        format!("{} {later}\n", place.pid()),
        format!("{}\n", place.pid()),
        format!("-1 {began}\n"),
        format!("0 {began}\n"),
        "999999999 1\n".into(),
        String::new(),
    ] {
        place.record(&wrong);
        assert_eq!(server(&place.folder), DhcpServer::Dead, "{wrong:?}");
    }
}

#[test]
fn whoever_else_has_the_number_is_left_alone() {
    let mut place = Place::new("alone");
    let vif: IfName = "vif1.0".parse().unwrap();
    place.record(&format!("{} 1\n", place.pid()));
    folders(&place.folder).unwrap();
    let folder = place.folder.to_string_lossy().into_owned();
    fs::write(hosts(&place.folder).join("vif1.0"), "a line\n").unwrap();
    let host = DhcpHostChange {
        folder: folder.clone(),
        vif: vif.clone(),
        from: Some("a line\n".into()),
        to: None,
    };
    let token = token();
    change_host(&token, &host).unwrap();
    let mut state = NetState::default();
    look(&place.folder, Some(&vif), &mut state);
    assert!(state.dhcp.hosts.is_empty());
    let stop = DhcpServerChange {
        folder,
        from: DhcpServer::Dead,
        to: DhcpServer::Absent,
    };
    change_server(&token, &stop).unwrap();
    assert_eq!(server(&place.folder), DhcpServer::Absent);
    // Both signals would have ended it.
    assert_eq!(place.process.try_wait().unwrap(), None);
}

#[test]
fn what_was_started_is_told_and_stopped() {
    let mut place = Place::new("stopped");
    let began = beginning(place.pid()).unwrap();
    place.record(&format!("{} {began}\n", place.pid()));
    let stop = DhcpServerChange {
        folder: place.folder.to_string_lossy().into_owned(),
        from: DhcpServer::Serving(String::new()),
        to: DhcpServer::Absent,
    };
    change_server(&token(), &stop).unwrap();
    assert!(!place.process.wait().unwrap().success());
    assert_eq!(server(&place.folder), DhcpServer::Absent);
}

#[test]
fn a_file_is_there_whole_and_its_folder_open() {
    let place = Place::new("whole");
    let folder = place.folder.join("xenwire/dhcp");
    DirBuilder::new()
        .mode(0o700)
        .create(place.folder.join("xenwire"))
        .unwrap();
    folders(&folder).unwrap();
    let path = hosts(&folder).join("vif1.0");
    write(&path, "one\n").unwrap();
    write(&path, "two\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
    assert_eq!(fs::read_dir(hosts(&folder)).unwrap().count(), 1);
    for (path, bits) in [
        (place.folder.join("xenwire"), 0o711),
        (folder.clone(), 0o755),
        (path, 0o644),
    ] {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & bits, bits, "{} {mode:o}", path.display());
    }
}
