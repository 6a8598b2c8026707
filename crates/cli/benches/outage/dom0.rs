//! dom0: changes its NIC again and again, and asks outside what that was like.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::change::{Contender, run as change};
use crate::ear::{Ear, Silence};
use crate::outside::{Outside, PORT};
use crate::stream;

/// Heard means: within this time, in microseconds. Far above what a busy machine costs, and below
/// TCP's shortest retransmission timer (TCP_RTO_MIN in include/net/tcp.h).
const LATELY: u128 = 100_000;
/// How often everybody must be heard in a row, and how far apart.
const LOOKS: usize = 5;
const APART: Duration = Duration::from_millis(100);
/// For bridges with Debian's defaults, and streams whose timers doubled meanwhile.
const PATIENCE: Duration = Duration::from_secs(180);

/// The role: a line for each change.
pub fn run(contender: Contender) {
    let ours: [Arc<Ear>; 2] = Default::default();
    stream::answer(PORT, ours.clone());
    let mut ears = Ears {
        outside: Outside::start(),
        ours,
    };
    ears.settle();
    for _ in 0..contender.rounds() {
        for (verb, words) in contender.changes() {
            ears.told("forget");
            let took = change(&words);
            ears.settle();
            let [probe4, probe6, out4, out6, in4, in6] =
                ears.told("tell").map(|silence| silence.longest);
            let took = took.as_micros();
            let (tcp4, tcp6) = (out4.max(in4), out6.max(in6));
            println!("{contender}\t{verb}\t{probe4}\t{probe6}\t{tcp4}\t{tcp6}\t{took}");
        }
    }
}

/// Everybody's.
struct Ears {
    outside: Outside,
    ours: [Arc<Ear>; 2],
}

impl Ears {
    fn told(&mut self, word: &str) -> [Silence; 6] {
        let [a, b, c, d] = self.outside.asked(word);
        if word == "forget" {
            self.ours.iter().for_each(|ear| ear.forgets());
        }
        let [e, f] = self.ours.each_ref().map(|ear| ear.tells());
        [a, b, c, d, e, f]
    }

    /// Waits until everybody is heard by everybody, for a while.
    fn settle(&mut self) {
        let give_up = Instant::now() + PATIENCE;
        let mut heard = 0;
        while heard < LOOKS {
            let told = self.told("tell");
            let lately = told.iter().all(|silence| silence.current < LATELY);
            heard = if lately { heard + 1 } else { 0 };
            assert!(Instant::now() < give_up, "not heard any more: {told:?}");
            sleep(APART);
        }
    }
}
