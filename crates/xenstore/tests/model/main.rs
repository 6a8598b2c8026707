//! The store against a model that shares none of its mechanism: random sequences of several clients
//! in several domains, and what each of them has to be told.
//!
//! `XENWIRE_OPERATIONS` says how long the long run is, `XENWIRE_CASES` how many sequences the
//! property tries.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod acts;
mod model;
mod pair;
mod replies;
mod seed;
mod tally;
mod theme;
mod themes;
mod traces;
mod words;

use std::time::Instant;

use proptest::prelude::*;
use proptest::test_runner::Config;

use acts::Act;
use pair::Pair;
use seed::Draws;
use tally::Tally;
use theme::Theme;
use themes::THEMES;

fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn config() -> Config {
    Config {
        cases: setting("XENWIRE_CASES", 256),
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..Config::default()
    }
}

/// Plays a sequence; what is different, after which acts, if anything is.
fn played(theme: &'static Theme, draws: &[[u8; 8]], every: usize) -> Result<Tally, String> {
    let mut pair = Pair::new(theme);
    let draws = draws.iter().copied();
    pair.play(draws.clone(), every).map_err(|what| {
        let acts = draws.map(|draw| format!("  {}\n", Act::drawn(theme, draw)));
        format!(
            "{what}\nin the theme {}, after\n{}",
            theme.name,
            acts.collect::<String>()
        )
    })?;
    Ok(pair.tally)
}

/// A sequence that fails, without the acts that it fails without too.
fn shortest(theme: &'static Theme, mut draws: Vec<[u8; 8]>) -> Vec<[u8; 8]> {
    let mut size = draws.len() / 2;
    while size > 0 {
        let mut start = 0;
        while start < draws.len() {
            let mut fewer = draws.clone();
            fewer.drain(start..(start + size).min(draws.len()));
            if played(theme, &fewer, 1).is_err() {
                draws = fewer;
            } else {
                start += size;
            }
        }
        size /= 2;
    }
    draws
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn prop_the_store_does_what_the_model_does(
        theme in 0..THEMES.len(),
        draws in prop::collection::vec(any::<[u8; 8]>(), 1..120),
    ) {
        played(&THEMES[theme], &draws, 1).map_err(TestCaseError::fail)?;
    }
}

/// The same million operations every time: long enough for what seldom comes together.
#[test]
fn a_million_operations_without_a_difference() {
    let wanted = u64::from(setting("XENWIRE_OPERATIONS", 1_000_000));
    let (began, mut total) = (Instant::now(), Tally::default());
    for seed in 0.. {
        if total.operations >= wanted {
            break;
        }
        let theme = &THEMES[usize::try_from(seed).unwrap() % THEMES.len()];
        let draws: Vec<[u8; 8]> = Draws::of_seed(seed).take(400).collect();
        match played(theme, &draws, 100) {
            Ok(tally) => total.add(&tally),
            Err(first) => {
                let shown = played(theme, &shortest(theme, draws), 1);
                panic!("seed {seed}: {}", shown.err().unwrap_or(first));
            }
        }
    }
    println!("{total}");
    let (operations, events) = (total.operations, total.events);
    println!(
        "{operations} operations, {events} events, {:.1} s",
        began.elapsed().as_secs_f64()
    );
    let (missing, unexpected) = (total.missing(), total.unexpected());
    assert!(unexpected.is_empty(), "nobody expects {unexpected:?}");
    assert!(
        wanted < 1_000_000 || missing.is_empty(),
        "never seen: {missing:?}"
    );
}
