//! Which store a client connects to.

use xenwire_xenstore::{Client, Nodes};

use crate::bench::Bench;

#[test]
fn the_first_place_that_can_be_opened_is_taken() {
    let bench = Bench::start();
    let socket = bench.socket(0);
    let missing = std::path::PathBuf::from("/nonexistent/socket");
    let mut store = Client::connect_first([missing, socket.clone()]).unwrap();
    assert_eq!(store.place(), Some(socket.as_path()));
    store.write("/a", b"1").unwrap();

    let env = |name: &str| (name == "XENSTORED_PATH").then(|| socket.to_string_lossy().into());
    assert_eq!(Client::open(env).unwrap().read("/a").unwrap(), b"1");
    let folder = socket.parent().unwrap();
    std::os::unix::fs::symlink(&socket, folder.join("socket")).unwrap();
    let env = |name: &str| (name == "XENSTORED_RUNDIR").then(|| folder.to_string_lossy().into());
    assert_eq!(Client::open(env).unwrap().read("/a").unwrap(), b"1");
    // The variable may name a device.
    let env = |name: &str| (name == "XENSTORED_PATH").then(|| "/dev/null".to_owned());
    let device = Client::open(env).unwrap();
    assert!(!device.carries().own_connection);
}

#[test]
fn no_server_is_an_error_with_every_place() {
    let error = Client::connect("/nonexistent/socket".as_ref()).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/socket"), "{error}");

    let env = |name: &str| (name == "XENSTORED_RUNDIR").then(|| "/nonexistent".to_owned());
    let error = Client::open(env).unwrap_err();
    for place in [
        "/nonexistent/socket: ",
        "/dev/xen/xenbus: ",
        "/proc/xen/xenbus: ",
    ] {
        assert!(error.to_string().contains(place), "{error}");
    }
    assert!(error.to_string().contains("XENSTORED_PATH"), "{error}");
}
