//! Server and client over real sockets, and the tools of Debian's `xenstore-utils` against both.
#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod client;
mod server;
mod tools;
mod transactions;

/// A file that nobody names is a file whose tests nobody runs.
#[test]
fn every_file_is_part_of_this_binary() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let source = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").expect("only source files here");
        assert!(
            module == "main" || source.contains(&format!("mod {module};")),
            "{name} is not named"
        );
    }
}
