//! How wide the terminal is.

use std::io::{IsTerminal, stdout};

/// Columns of the terminal that standard output goes to; where it goes elsewhere, `columns` (the
/// value of the variable COLUMNS) or 80.
pub fn width(columns: Option<&str>) -> usize {
    let given = columns
        .and_then(|text| text.parse().ok())
        .filter(|width| *width > 0);
    let terminal = || {
        let size = stdout()
            .is_terminal()
            .then(|| rustix::termios::tcgetwinsize(stdout()))?
            .ok()?;
        (size.ws_col > 0).then_some(usize::from(size.ws_col))
    };
    given.or_else(terminal).unwrap_or(80)
}
