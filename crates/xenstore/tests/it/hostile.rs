//! Clients that mean harm: the server they attack, the bystander it serves meanwhile, and the bill.
//!
//! The attacks are in `hostile_bytes`, `hostile_nodes` and `hostile_clients`. The server under
//! attack is a process of its own, so that its files and its memory are its own: after an attack
//! the files are as many as before, and the same attack again takes no more memory.
#![expect(clippy::print_stdout, reason = "what the bystander measured")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use xenwire_xenstore::wire::{Decoder, Kind, Packet};
use xenwire_xenstore::{Access, Client, Domid, Nodes, Perms, Server, Store};

/// A test that waits for something that does not come fails after this time.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// No round trip of the bystander may take longer, whatever goes on.
const WORST: Duration = Duration::from_secs(2);

/// Memory by which the server may differ after the same attack.
const SLACK: u64 = 8 << 20;

/// The domain that attacks where dom0 would be no attacker.
pub const GUEST: Domid = 5;

const FOLDER: &str = "XENWIRE_TEST_LONE_SERVER";

/// A server in a process of its own: this very binary, running the one test below.
pub struct Lone {
    child: Child,
    folder: PathBuf,
    /// Files that it has open with no client.
    files: usize,
}

/// The server's side: serves until its standard input ends. Without the variable, which only
/// [`Lone::start`] sets, there is nothing to do.
#[test]
fn the_lone_server() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let (server, thread) = Server::spawn(Store::default()).unwrap();
    for domid in [0, GUEST] {
        let socket = UnixListener::bind(folder.join(domid.to_string())).unwrap();
        server.listen(socket, domid).unwrap();
    }
    println!("listening");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    server.stop();
    thread.join().unwrap().unwrap();
}

impl Lone {
    pub fn start() -> Lone {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let name = format!("xenwire-lone-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "hostile::the_lone_server", "--nocapture"])
            .env(FOLDER, &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("listening")));
        // Nobody reads what the harness of tests says at its end.
        std::thread::spawn(move || lines.for_each(drop));
        let mut lone = Lone {
            child,
            folder,
            files: 0,
        };
        lone.files = lone.files();
        let mut store = lone.client(0);
        store.mkdir("/local/domain/5").unwrap();
        let own = Perms::owned_by(GUEST, Access::None);
        store.set_permissions("/local/domain/5", &own).unwrap();
        store.mkdir("/bystander").unwrap();
        lone
    }

    pub fn socket(&self, domid: Domid) -> PathBuf {
        self.folder.join(domid.to_string())
    }

    pub fn client(&self, domid: Domid) -> Client {
        let mut client = Client::connect(&self.socket(domid)).unwrap();
        client.set_timeout(Some(PATIENCE));
        client
    }

    pub fn raw(&self, domid: Domid) -> Raw {
        Raw::connect(&self.socket(domid))
    }

    fn files(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.child.id());
        std::fs::read_dir(folder).unwrap().count()
    }

    /// Bytes of memory that the server has in use.
    pub fn memory(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap();
        let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
        pages * 4096
    }

    /// Runs an attack while a bystander is served, waits until no file of it is left, and says how
    /// much memory the server has then.
    pub fn attacked(&self, attack: impl Fn(&Lone)) -> u64 {
        let bystander = Bystander::start(self);
        attack(self);
        bystander.end();
        let deadline = Instant::now() + PATIENCE;
        while self.files() != self.files {
            let (now, before) = (self.files(), self.files);
            assert!(Instant::now() < deadline, "{now} files, {before} before");
            std::thread::sleep(Duration::from_millis(2));
        }
        self.memory()
    }

    /// The same attack three times: it takes no more memory each time.
    pub fn survives(&self, attack: impl Fn(&Lone)) {
        // The first one leaves the allocator with what it keeps for the next.
        let memory = [(); 3].map(|()| self.attacked(&attack));
        assert!(
            memory[2] <= memory[1] + SLACK,
            "memory after each attack: {memory:?}"
        );
    }
}

impl Drop for Lone {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let ended = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
        if !std::thread::panicking() {
            assert!(ended.unwrap().success());
        }
    }
}

/// Somebody who reads and writes all the time, and measures how long it takes.
struct Bystander {
    over: Arc<AtomicBool>,
    thread: JoinHandle<(u32, Duration)>,
}

impl Bystander {
    fn start(lone: &Lone) -> Bystander {
        let over = Arc::new(AtomicBool::new(false));
        let (until, mut store) = (Arc::clone(&over), lone.client(0));
        let thread = std::thread::spawn(move || {
            let (mut rounds, mut worst) = (0, Duration::ZERO);
            while rounds < 10 || !until.load(Ordering::Relaxed) {
                let (began, value) = (Instant::now(), rounds.to_string());
                store.write("/bystander", value.as_bytes()).unwrap();
                assert_eq!(store.read_text("/bystander").unwrap(), value);
                worst = worst.max(began.elapsed() / 2);
                rounds += 1;
                std::thread::sleep(Duration::from_micros(200));
            }
            (rounds, worst)
        });
        Bystander { over, thread }
    }

    fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        let (rounds, worst) = self.thread.join().unwrap();
        println!(
            "the bystander was served {} times, {worst:?} at worst",
            2 * rounds
        );
        assert!(worst < WORST, "a round trip took {worst:?}");
    }
}

/// A connection without a client's manners.
pub struct Raw {
    pub stream: UnixStream,
    decoder: Decoder,
    /// Payloads of the events that came before replies.
    pub events: Vec<Vec<u8>>,
}

/// A request outside a transaction.
pub fn request(kind: Kind, payload: impl Into<Vec<u8>>) -> Packet {
    Packet {
        kind,
        req_id: 1,
        tx_id: 0,
        payload: payload.into(),
    }
}

pub fn bytes(packet: &Packet) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.encode(&mut bytes).unwrap();
    bytes
}

impl Raw {
    fn connect(socket: &std::path::Path) -> Raw {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Raw {
            stream,
            decoder: Decoder::new(),
            events: Vec::new(),
        }
    }

    /// The payload of the reply, or the name of the error.
    pub fn ask(&mut self, packet: &Packet) -> Result<Vec<u8>, String> {
        self.stream.write_all(&bytes(packet)).unwrap();
        self.reply()
    }

    pub fn reply(&mut self) -> Result<Vec<u8>, String> {
        let mut buffer = [0; 1 << 13];
        loop {
            match self.decoder.next().unwrap() {
                Some(packet) if packet.kind == Kind::WatchEvent => self.events.push(packet.payload),
                Some(packet) if packet.kind == Kind::Error => {
                    let name = packet.payload.strip_suffix(b"\0").unwrap();
                    return Err(String::from_utf8(name.to_vec()).unwrap());
                }
                Some(packet) => return Ok(packet.payload),
                None => match self.receive(&mut buffer).unwrap() {
                    0 => panic!("cut off"),
                    length => self.decoder.feed(&buffer[..length]),
                },
            }
        }
    }

    /// One read. A stopped and continued process sees EINTR from a socket with a timeout
    /// (signal(7), "Interruption of system calls").
    fn receive(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.stream.read(buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Waits until the server has closed the connection, and says how many bytes came before.
    pub fn until_closed(&mut self) -> usize {
        let (mut buffer, mut received) = ([0; 1 << 13], 0);
        loop {
            match self.receive(&mut buffer) {
                Ok(0) => return received,
                Ok(length) => received += length,
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                    return received;
                }
            }
        }
    }
}
