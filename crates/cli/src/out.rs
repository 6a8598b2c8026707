//! What people see. Standard output is data, standard error is talk; a reader that went away ends
//! neither with a panic.

use std::io::{IsTerminal, Write};

use xenwire_core::diag::{Diagnostics, Style};

/// Done, or nothing to do.
pub const DONE: u8 = 0;
/// What was asked for, or a file, is wrong; or a claim does not hold.
pub const WRONG: u8 = 1;
/// The machine refused, and nothing was changed.
pub const REFUSED: u8 = 3;
/// Something is left as it is; a person is needed.
pub const STUCK: u8 = 4;

/// Prints data. A reader that went away has read enough; data that cannot be written for any other
/// reason is lost, and an exit status of 0 would be a lie.
pub fn print(text: &str) {
    let mut stdout = std::io::stdout();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(failed) if failed.kind() != std::io::ErrorKind::BrokenPipe => {
            let status = error(REFUSED, &format!("standard output: {failed}"));
            std::process::exit(status.into());
        }
        _ => {}
    }
}

/// Says a line.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Says what is wrong, and returns the exit status for it.
pub fn error(status: u8, text: &str) -> u8 {
    say(&format!("xenwire: {text}"));
    status
}

/// Prints diagnostics as data, in colour on a terminal that wants it.
pub fn print_diagnostics(found: &Diagnostics) {
    print(&found.render(style(std::io::stdout().is_terminal())));
}

/// Shows diagnostics, in colour on a terminal that wants it (NO_COLOR, no-color.org).
pub fn diagnostics(found: &Diagnostics) {
    let style = style(std::io::stderr().is_terminal());
    let _ = std::io::stderr().write_all(found.render(style).as_bytes());
}

fn style(is_terminal: bool) -> Style {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    if is_terminal && !unwanted {
        Style::Coloured
    } else {
        Style::Plain
    }
}

/// The width to draw in.
pub fn width() -> usize {
    xenwire_host::terminal::width(std::env::var("COLUMNS").ok().as_deref())
}
