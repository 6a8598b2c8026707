//! Whoever is not dom0: asks, hears, and tells what it heard on a pipe.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use crate::ear::{Ear, Silence};
use crate::{OUTSIDE, probe, stream};

/// Where dom0's end of the streams is.
pub const PORT: u16 = 7007;
const DOM0: [IpAddr; 2] = [
    IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 10)),
    IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10)),
];

/// The role: reads a line for each thing to do, and answers with a line.
pub fn run() {
    let ears: [Arc<Ear>; 4] = Default::default();
    for (address, ear) in DOM0.into_iter().zip(&ears[2..]) {
        stream::start(SocketAddr::new(address, PORT), ear.clone());
    }
    for (address, ear) in DOM0.into_iter().zip(&ears) {
        probe::start(address, ear.clone());
    }
    let mut out = std::io::stdout();
    for line in std::io::stdin().lines() {
        if line.unwrap() == "forget" {
            ears.iter().for_each(|ear| ear.forgets());
        }
        let told = ears.each_ref().map(|ear| {
            let silence = ear.tells();
            format!("{} {}", silence.longest, silence.current)
        });
        writeln!(out, "{}", told.join(" ")).unwrap();
        out.flush().unwrap();
    }
}

/// The process with that role, as dom0 sees it.
pub struct Outside {
    _child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Outside {
    pub fn start() -> Self {
        let mut child = Command::new("nsenter")
            .arg("--net=/run/netns/outside")
            .arg(std::env::current_exe().unwrap())
            .arg(OUTSIDE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap());
        let _child = child;
        Self { _child, to, from }
    }

    /// What it heard: probes of IPv4 and IPv6, streams of IPv4 and IPv6.
    pub fn asked(&mut self, word: &str) -> [Silence; 4] {
        writeln!(self.to, "{word}").unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        let numbers: Vec<u128> = line.split(' ').map(|n| n.trim().parse().unwrap()).collect();
        std::array::from_fn(|ear| Silence {
            longest: numbers[2 * ear],
            current: numbers[2 * ear + 1],
        })
    }
}
