//! What a call of ours costs dom0 step by step: its plan, carried out within this process.

use std::time::{Duration, Instant};

use xenwire_core::journal::Fault;
use xenwire_core::state::Effect;
use xenwire_host::journal::Announced;
use xenwire_host::network::{Places, Said, call_through};
use xenwire_host::run::{Host, Performer};

const ROUNDS: usize = 11;
const SLOWEST: usize = 5;

/// When a step began and ended, seen from the call's beginning.
struct Timed {
    step: String,
    began: Duration,
    took: Duration,
}

/// The role: what took longest, for each change.
pub fn run(generation: &str) {
    let mut rounds: [Vec<Vec<Timed>>; 2] = Default::default();
    for _ in 0..ROUNDS {
        for (rounds, verb) in rounds.iter_mut().zip(["start", "stop"]) {
            rounds.push(call(verb, generation));
        }
    }
    for (rounds, verb) in rounds.iter().zip(["start", "stop"]) {
        print(&format!("{verb} {generation}"), rounds);
    }
}

fn call(verb: &str, generation: &str) -> Vec<Timed> {
    let words = [verb, "--generation", generation].map(str::to_owned);
    let begun = Instant::now();
    let mut timed = Vec::new();
    let mut gate = |host: &mut Host, token: &Announced, effect: &Effect| -> Result<(), Fault> {
        let began = begun.elapsed();
        let done = host.perform(token, effect);
        timed.push(Timed {
            step: effect.to_string(),
            began,
            took: begun.elapsed() - began,
        });
        done
    };
    let mut errors = Vec::new();
    let status = call_through(
        "network-bridge",
        &words,
        |_| None,
        &Places::new("network-bridge"),
        &mut |said| {
            if let Said::Error(text) = said {
                errors.push(text);
            }
        },
        &mut gate,
    );
    assert_eq!(status, 0, "{words:?}: {errors:?}");
    timed
}

fn print(what: &str, rounds: &[Vec<Timed>]) {
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1000.0
    };
    let of_step = |step: usize| median(rounds.iter().map(|round| round[step].took).collect());
    let steps = rounds.iter().map(Vec::len).min().unwrap();
    let first = median(rounds.iter().map(|r| r[0].began).collect());
    let all = median(
        rounds
            .iter()
            .map(|r| r.iter().map(|t| t.took).sum())
            .collect(),
    );
    println!(
        "\n{what}: {steps} steps take {all:.1} ms; {first:.1} ms before the first; the slowest:"
    );
    let mut by_time: Vec<(f64, usize)> = (0..steps).map(|step| (of_step(step), step)).collect();
    by_time.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (took, step) in by_time.into_iter().take(SLOWEST) {
        let began = median(rounds.iter().map(|round| round[step].began).collect());
        println!(
            "  {took:6.2} ms, at {began:5.1} ms: {}",
            rounds[0][step].step
        );
    }
    if std::env::var_os("XENWIRE_OUTAGE_ALL_STEPS").is_some() {
        for (number, timed) in rounds[0].iter().take(steps).enumerate() {
            println!("    {number:3} {:6.2} {}", of_step(number), timed.step);
        }
    }
}
