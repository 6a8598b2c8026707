//! A vif script's call whose steps can be made to fail:
//!
//! ```text
//! call [--script vif-route] [--refuse N]... online type_if=vif
//! ```
//!
//! It is that script, else `vif-bridge`, as libxl would run it, with the same environment, journal and store. The
//! effects are counted from 0, undoing ones too; those of the given numbers are refused before
//! they are done. At the end each has a line of JSON. The tests of this crate run it.

use std::io::{Write, stdout};
use std::process::ExitCode;

use serde_json::json;
use xenwire_core::hotplug::Script;
use xenwire_core::journal::Fault;
use xenwire_core::state::Effect;
use xenwire_host::hotplug::{Places, call_through};
use xenwire_host::journal::Announced;
use xenwire_host::run::{Host, Performer};

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut script = Script::VifBridge;
    if words.first().is_some_and(|word| word == "--script") {
        let named = words.drain(..2).nth(1);
        script = named
            .and_then(|name| Script::named(&name))
            .expect("the name of a script");
    }
    let mut refused = Vec::new();
    while words.first().is_some_and(|word| word == "--refuse") {
        let number = words.drain(..2).nth(1);
        refused.extend(number.and_then(|n| n.parse::<usize>().ok()));
    }
    let env = |name: &str| std::env::var(name).ok();
    let (mut number, mut lines) = (0, String::new());
    let mut gate = |host: &mut Host, announced: &Announced, effect: &Effect| {
        let result = if refused.contains(&number) {
            Err(Fault {
                operation: effect.to_string(),
                errno: None,
                reason: format!("effect {number} is refused"),
            })
        } else {
            host.perform(announced, effect)
        };
        let fault = result.as_ref().err().map(|fault| fault.reason.clone());
        let line = json!({
            "number": number,
            "effect": effect.to_string(),
            "kernel": effect.is_kernel(),
            "fault": fault,
        });
        lines += &format!("{line}\n");
        number += 1;
        result
    };
    let places = Places::new(&script.to_string(), env);
    let status = call_through(script, &words, env, &places, &mut gate);
    // Whoever closed the pipe does not want to know.
    let _ = stdout().write_all(lines.as_bytes());
    ExitCode::from(status)
}
