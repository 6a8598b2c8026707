//! Writes man pages and completions, from the same definitions as `--help`: `pages FOLDER`.
//!
//! An example and not a command, so that the program which libxl starts for every vif carries none
//! of it.
#![allow(clippy::unwrap_used, reason = "run at build time, by a person")]

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::Shell;

#[allow(dead_code, reason = "only the definitions are looked at")]
#[path = "../src/args.rs"]
mod args;

fn main() {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.expect("usage: pages FOLDER");
    fs::create_dir_all(&folder).unwrap();
    let command = args::Args::command();
    man(&folder, command.clone(), "xenwire");
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command.clone(), "xenwire", &folder).unwrap();
    }
}

/// A page for a command, and one for each below it.
fn man(folder: &Path, command: Command, name: &str) {
    let below: Vec<Command> = command.get_subcommands().cloned().collect();
    // clap keeps names for ever.
    let kept: &'static str = name.to_owned().leak();
    let named = command.name(kept).display_name(kept);
    let page = clap_mangen::Man::new(named).title(name.to_uppercase());
    let mut text = Vec::new();
    page.render(&mut text).unwrap();
    fs::write(folder.join(format!("{name}.1")), text).unwrap();
    for command in below {
        let name = format!("{name}-{}", command.get_name());
        man(folder, command, &name);
    }
}
