//! `xenwire install` and `uninstall`, with Debian's real scripts and the real dpkg, below a folder.
//!
//! | module | shows |
//! | --- | --- |
//! | `cases` | both ways, twice, and what is refused or left alone |
//! | `crash` | SIGKILL at each call that changes something: each name is one or the other, and the next run ends in the old state or the new |
//! | `package` | dpkg upgrades and removes the scripts meanwhile |
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
mod world;

/// A file that nobody names is a file whose tests nobody runs.
#[test]
fn every_file_is_part_of_this_binary() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/install");
    let source = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(module) = name.strip_suffix(".rs") else {
            continue;
        };
        assert!(
            module == "main" || source.contains(&format!("mod {module};")),
            "{name} is not named"
        );
    }
}
