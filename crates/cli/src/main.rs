//! `xenwire`, and the scripts that are links to it.
//!
//! The name it was called by decides, before any argument parser: libxl runs a vif script for
//! every NIC of every guest, and start-up is most of what that costs.
#![deny(unsafe_code)]
#![cfg_attr(all(target_env = "gnu", not(test)), no_main)]

mod args;
mod cmd;
mod out;
mod script;
#[cfg(all(target_env = "gnu", not(test)))]
mod start;

use clap::Parser;
use xenwire_core::hotplug::Script;

use args::{Args, Command};

/// Where another C library than glibc begins us: `std::env` has the arguments by `std::rt` alone.
#[cfg(any(not(target_env = "gnu"), test))]
fn main() -> std::process::ExitCode {
    run().into()
}

/// Does what it was called for, and says how it went.
fn run() -> u8 {
    let name = std::env::args_os().next().unwrap_or_default();
    let name = name.to_string_lossy();
    let file = name.rsplit('/').next().unwrap_or_default();
    if let Some(script) = Script::named(file) {
        return script::vif(script, &name);
    }
    if script::is_network(file) {
        return script::network(file, &name);
    }
    if let Some(status) = script::unknown(file, &name) {
        return status;
    }
    match Args::parse().command {
        Command::Lab(lab) => cmd::lab::main(lab),
        Command::Boot(boot) => cmd::boot::main(&boot),
        Command::Check(check) => cmd::check::main(&check),
        Command::Fmt(fmt) => cmd::fmt::main(&fmt),
        Command::Gc(args) => cmd::gc::main(&args),
        Command::Install(args) => cmd::install::install(&args),
        Command::NetworkBridge(words) => cmd::network::script("network-bridge", &words),
        Command::NetworkRoute(words) => cmd::network::script("network-route", &words),
        Command::NetworkNat(words) => cmd::network::script("network-nat", &words),
        Command::Loopback(pair) => cmd::network::pair(&pair),
        Command::Recover => cmd::network::take_back(),
        Command::Show(show) => cmd::show::main(&show),
        Command::Uninstall(args) => cmd::install::uninstall(&args),
        Command::Xenstored(xenstored) => cmd::xenstored::main(xenstored),
    }
}
