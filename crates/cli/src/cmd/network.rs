//! `xenwire network-bridge` and the other network scripts, `xenwire loopback` and `xenwire recover`.

use xenwire_core::network::{Loopback, Pair};
use xenwire_host::network::{Places, loopback, recover};

use crate::args::{LoopbackArgs, LoopbackCommand, NetworkArgs};
use crate::script;

/// A script under its subcommand's name.
pub fn script(name: &str, args: &NetworkArgs) -> u8 {
    script::network_with(name, name, &args.words)
}

/// Makes or removes a crossover pair.
pub fn pair(args: &LoopbackArgs) -> u8 {
    let asked = match args.command {
        LoopbackCommand::Add { number } => Loopback::Add(Pair(number)),
        LoopbackCommand::Remove { number } => Loopback::Remove(Pair(number)),
    };
    loopback(asked, &Places::new("xenwire loopback"), &mut |said| {
        script::tell("xenwire loopback", said);
    })
}

/// Takes back what was cut off.
pub fn take_back() -> u8 {
    recover(&Places::new("xenwire recover"), &mut |said| {
        script::tell("xenwire recover", said);
    })
}
