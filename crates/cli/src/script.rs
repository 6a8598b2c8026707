//! The entry point of the vif scripts.

use std::process::ExitCode;

use xenwire_core::hotplug::Script;
use xenwire_host::hotplug::{Places, call};

/// Acts on a call of libxl, `xl devd` or udev. `name` is the path it was called by.
pub fn main(script: Script, name: &str) -> ExitCode {
    let env = |name: &str| std::env::var(name).ok();
    let args: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    ExitCode::from(call(script, &args, env, &Places::new(name, env)))
}
