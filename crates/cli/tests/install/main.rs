//! `xenwire install` and `uninstall`, with Debian's real scripts and the real dpkg, below a folder.
//!
//! | module | shows |
//! | --- | --- |
//! | `cases` | both ways, twice, and what is refused or left alone |
//! | `crash` | SIGKILL at each call that changes something: each name is one or the other, and the next run ends in the old state or the new |
//! | `package` | dpkg upgrades and removes the scripts meanwhile |
//! | `units` | systemd understands the package's units |
//!
//! `world` is a Debian host in a folder. Where the tests are root, some run twice: as root and as
//! uid 65534.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod cases;
mod crash;
#[path = "../it/need.rs"]
mod need;
mod package;
#[path = "../../../host/tests/it/strike.rs"]
mod strike;
mod units;
mod world;
