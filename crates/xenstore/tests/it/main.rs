//! Server and client over real sockets, and the tools of Debian's `xenstore-utils` against both.
#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod client;
mod device;
mod far_end;
mod hostile;
mod hostile_bytes;
mod hostile_clients;
mod hostile_nodes;
mod need;
mod places;
mod pyxs;
mod reconnect;
mod server;
mod tools;
mod tools_nodes;
mod tools_options;
mod tools_watch;
mod trace;
mod transactions;

/// A file that nobody names is a file whose tests nobody runs.
#[test]
fn every_file_is_part_of_this_binary() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let source = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // A script is run by the module of its name.
        let script = name.strip_suffix(".py");
        let module = script.or(name.strip_suffix(".rs"));
        let module = module.expect("only source files and scripts here");
        assert!(
            module == "main" || source.contains(&format!("mod {module};")),
            "{name} is not named"
        );
    }
}
