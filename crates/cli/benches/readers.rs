//! What `xenwire check` costs: 10,000 guests' files in a folder, as a person would check them, and
//! `cat` of the same files as the floor. `./ci.sh bench readers`.
#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FILES: usize = 10_000;
const ROUNDS: usize = 5;

/// A guest's file as they are: two vifs, disks, a comment.
fn xl(number: usize) -> String {
    let (high, low) = (number / 250, number % 250);
    format!(
        "# {number}\nname = \"guest{number}\"\nmemory = 512\nvcpus = 2\nkernel = \"/boot/vmlinuz\"\n\
         disk = [ 'phy:/dev/vg0/guest{number},xvda,w', 'phy:/dev/vg0/swap{number},xvdb,w' ]\n\
         vif = [ 'mac=00:16:3e:00:{high:02x}:{low:02x},bridge=xenbr0,ip=10.0.{high}.{low}',\n\
         \x20       'mac=00:16:3e:01:{high:02x}:{low:02x},bridge=xenbr1,rate=100Mb/s' ]\n\
         on_crash = \"restart\"\n"
    )
}

/// The same in the manner of xm's day.
fn xm(number: usize) -> String {
    let vmid = number % 250;
    format!(
        "import os, re\nvmid = {vmid}\ndef mac(n):\n    return '00:16:3e:%02x:%02x:%02x' % (n, {}, vmid)\n\
         name = \"guest%d\" % {number}\nmemory = 512\n\
         vif = [ 'mac=%s, bridge=xenbr0' % mac(0), 'mac=%s, bridge=xenbr1' % mac(1) ]\n",
        number / 250
    )
}

fn folder(name: &str, text: fn(usize) -> String) -> io::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("xenwire-bench-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder)?;
    for number in 0..FILES {
        fs::write(folder.join(format!("{number:05}.cfg")), text(number))?;
    }
    Ok(folder)
}

/// The fastest of some runs; the machine's noise only adds.
fn fastest(command: &mut Command) -> io::Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let status = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        best = best.min(begun.elapsed());
        if !status.success() {
            return Err(io::Error::other(format!("{command:?}: {status}")));
        }
    }
    Ok(best)
}

fn compare(name: &str, folder: &Path) -> io::Result<()> {
    let program = env!("CARGO_BIN_EXE_xenwire");
    let check = fastest(Command::new(program).arg("check").arg(folder))?;
    let cat = "find \"$0\" -name '*.cfg' -print0 | sort -z | xargs -0 cat";
    let floor = fastest(Command::new("sh").args(["-c", cat]).arg(folder))?;
    let ratio = check.as_secs_f64() / floor.as_secs_f64();
    let below = if check < Duration::from_secs(1) {
        "holds"
    } else {
        "does not hold"
    };
    println!(
        "{FILES} files of {name}: {check:.0?}, {ratio:.1} times `find | sort | cat` ({floor:.0?}); below 1 s: {below}"
    );
    Ok(())
}

fn main() -> io::Result<()> {
    for (name, text) in [("xl", xl as fn(usize) -> String), ("xm", xm)] {
        let folder = folder(name, text)?;
        let compared = compare(name, &folder);
        fs::remove_dir_all(&folder)?;
        compared?;
    }
    Ok(())
}
