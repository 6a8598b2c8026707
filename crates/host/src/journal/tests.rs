//! Journals on a real file system.

use super::*;
use xenwire_core::journal::Status;

fn announced() -> Event {
    Event::Announced {
        subject: "vif1.0 online".into(),
        steps: vec![],
    }
}

fn folder(name: &str) -> PathBuf {
    let folder =
        std::env::temp_dir().join(format!("xenwire-journal-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    folder
}

#[test]
fn a_journal_is_read_back_and_begins_anew() {
    let folder = folder("again");
    let mut journal = FileJournal::open(&folder, "vif1.0", Keeping::LastRun).unwrap();
    assert!(journal.record(&announced()).unwrap().is_some());
    assert!(journal.record(&Event::Done).unwrap().is_none());
    drop(journal);
    let mut journal = FileJournal::open(&folder, "vif1.0", Keeping::LastRun).unwrap();
    assert_eq!(journal.found(), [announced(), Event::Done]);
    journal.record(&announced()).unwrap();
    drop(journal);
    let journal = FileJournal::open(&folder, "vif1.0", Keeping::LastRun).unwrap();
    assert_eq!(
        (journal.found(), journal.status()),
        (&[announced()][..], Status::Announced)
    );
    journal.remove();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fs::remove_dir(&folder).unwrap();
}

#[test]
fn a_record_cut_at_every_byte_is_taken_away() {
    let folder = folder("cut");
    let mut journal = FileJournal::open(&folder, "vif1.0", Keeping::LastRun).unwrap();
    journal.record(&announced()).unwrap();
    journal.record(&Event::Done).unwrap();
    drop(journal);
    let path = folder.join("vif1.0");
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let mut journal = FileJournal::open(&folder, "vif1.0", Keeping::LastRun).unwrap();
        journal.supersede().unwrap();
        assert!(
            journal.record(&announced()).unwrap().is_some(),
            "cut at {cut}"
        );
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_record_out_of_order_is_refused() {
    assert!(MemoryJournal::default().record(&Event::Done).is_err());
}

#[test]
fn two_calls_for_one_vif_follow_one_another() {
    let folder = folder("lock");
    let first = FileJournal::open(&folder, "vif1.0", Keeping::LastRun).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let other = folder.clone();
    let waiting = std::thread::spawn(move || {
        let second = FileJournal::open(&other, "vif1.0", Keeping::LastRun).unwrap();
        sender.send(()).unwrap();
        second.remove();
    });
    assert!(
        receiver
            .recv_timeout(std::time::Duration::from_millis(50))
            .is_err()
    );
    // Removing the file under the waiting one must not leave it with a file that is not there.
    first.remove();
    receiver
        .recv_timeout(std::time::Duration::from_secs(10))
        .unwrap();
    waiting.join().unwrap();
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_journal_that_keeps_all_runs_grows() {
    let folder = folder("all");
    for runs in 1..=3 {
        let mut journal = FileJournal::open(&folder, "nic.eth0", Keeping::AllRuns).unwrap();
        assert_eq!(journal.found().len(), 2 * (runs - 1));
        assert!(journal.resumed().is_none());
        journal.record(&announced()).unwrap();
        assert!(journal.resumed().is_some(), "in the middle of a run");
        journal.record(&Event::Done).unwrap();
    }
    fs::remove_dir_all(&folder).unwrap();
}
