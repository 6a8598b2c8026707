//! The entry points that are names: the vif scripts, the network scripts, and what a copy under a
//! name of nobody's says.

use xenwire_core::hotplug::Script;
use xenwire_host::hotplug::{Places, call};
use xenwire_host::network;

use crate::out;

/// Acts on a call of libxl, `xl devd` or udev. `name` is the path it was called by.
pub fn vif(script: Script, name: &str) -> u8 {
    call(script, &args(), env, &Places::new(name, env))
}

/// Whether a file of this name is one of the network scripts.
pub fn is_network(file: &str) -> bool {
    matches!(
        file,
        "network-bridge" | "network" | "network-route" | "network-nat"
    )
}

/// Whether this program is the script of this name.
pub fn serves(file: &str) -> bool {
    Script::named(file).is_some() || is_network(file)
}

/// Acts on a call of xend, of an interfaces(5) line or of an administrator.
pub fn network(file: &str, name: &str) -> u8 {
    network_with(file, name, &args())
}

/// A network script with these arguments.
pub fn network_with(file: &str, name: &str, args: &[String]) -> u8 {
    let places = network::Places::new(name);
    network::call(file, args, env, &places, &mut |said| tell(file, said))
}

/// Passes on what a network script says.
pub fn tell(file: &str, said: network::Said) {
    match said {
        network::Said::Answer(text) | network::Said::Progress(text) => out::print(&text),
        network::Said::Note(text) => out::say(&format!("{file}: {text}")),
        network::Said::Error(text) => out::say(&format!("{file}: {text}")),
    }
}

/// A name that looks like a script's and is none of those we know. The originals were copied and
/// edited (contract 1.7); a program cannot be, but a wrapper does the same.
pub fn unknown(file: &str, name: &str) -> Option<u8> {
    let family = ["network-", "vif-"]
        .into_iter()
        .find(|family| file.starts_with(family))?;
    let (known, args) = match family {
        "network-" => ("network-bridge", "\"$@\" netdev=eth1"),
        _ => ("vif-bridge", "\"$@\""),
    };
    out::say(&format!(
        "{name}: xenwire is no script called {file}; it knows vif-bridge, vif-route, vif-nat, vif-openvswitch, network-bridge, network-route, network-nat and network.\n\
         A script of your own is a wrapper, here as {name}:\n\n\
         \x20 #!/bin/sh\n\
         \x20 # whatever you want before it\n\
         \x20 exec \"$(dirname \"$0\")/{known}\" {args}\n"
    ));
    Some(out::WRONG)
}

/// What is not UTF-8 becomes a sign that no name holds, as in a node: taken as missing, a guest would
/// be given the first bridge.
fn env(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    Some(value.to_string_lossy().into_owned())
}

fn args() -> Vec<String> {
    std::env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect()
}
