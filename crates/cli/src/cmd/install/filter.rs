//! What `ip=` is to do, settled before anything is installed: a running guest that uses an address
//! which is not in its list would lose it the next time it starts.

use std::io::{BufRead, IsTerminal, Write};

use xenwire_core::config::host_conf::IpFilter;
use xenwire_core::install::{CONF, Filter, filter};
use xenwire_host::install::{conf, losses, write_conf};

use crate::args::InstallArgs;
use crate::out;

/// What xenwire.toml is to be.
pub struct Answer {
    text: String,
    before: Before,
}

/// What it was; none if there was no file.
pub struct Before(Option<String>);

/// Compares, and asks if it must. `Ok(None)`: the file stays as it is.
///
/// # Errors
/// The exit status, once it is said why. Nothing was changed.
pub fn settle(answer: Option<IpFilter>, args: &InstallArgs) -> Result<Option<Answer>, u8> {
    let losses = losses(|name| std::env::var(name).ok());
    for loss in &losses {
        out::say(&format!("xenwire: {loss}"));
    }
    let before = conf().map_err(|failure| out::error(out::REFUSED, &failure.to_string()))?;
    let decide = |answer| {
        filter(&losses, before.as_deref(), answer).map_err(|why| out::error(out::WRONG, &why))
    };
    let text = match decide(answer)? {
        Filter::Settled => return Ok(None),
        Filter::Write(text) => text,
        Filter::Ask if args.dry_run => {
            out::say(
                "xenwire: it would be asked what ip= is to do: enforce, log, accept-only or off (--ip-filter)",
            );
            return Ok(None);
        }
        Filter::Ask => {
            let answer = (!args.json).then(ask).flatten().ok_or_else(|| {
                out::error(
                    out::WRONG,
                    "with ip= enforced these guests would lose that when they start again. Say what is wanted: `xenwire install --ip-filter log` lets all pass and says in the kernel's log what would be dropped; the others are enforce, accept-only and off (docs/isolation.md). Nothing was changed",
                )
            })?;
            match decide(Some(answer))? {
                Filter::Write(text) => text,
                Filter::Settled | Filter::Ask => return Ok(None),
            }
        }
    };
    if args.dry_run {
        out::say(&format!("xenwire: {CONF} would be written"));
        return Ok(None);
    }
    let before = Before(before);
    Ok(Some(Answer { text, before }))
}

impl Answer {
    /// Writes it.
    ///
    /// # Errors
    /// The exit status, once it is said why. The file is as it was.
    pub fn write(self) -> Result<Before, u8> {
        write_conf(Some(&self.text))
            .map_err(|failure| out::error(out::REFUSED, &failure.to_string()))?;
        Ok(self.before)
    }
}

impl Before {
    /// Nothing was installed: the file is as it was.
    pub fn take_back(self) {
        if let Err(failure) = write_conf(self.0.as_deref()) {
            out::say(&format!("xenwire: {failure}"));
        }
    }
}

/// Asks whoever sits at the terminal; none if nobody does, or nothing that fits is said.
fn ask() -> Option<IpFilter> {
    let mut stdin = std::io::stdin().lock();
    if !stdin.is_terminal() {
        return None;
    }
    let _ = write!(
        std::io::stderr(),
        "What is ip= to do on this host: enforce, log, accept-only or off? (log: all passes, and the kernel's log says what would not) "
    );
    let mut line = String::new();
    stdin.read_line(&mut line).ok()?;
    line.trim().parse().ok()
}
