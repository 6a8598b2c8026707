//! Prints each change below a path, with the new value.
//!
//! ```text
//! cargo run --example watch -- /local/domain/0
//! ```
#![expect(clippy::print_stdout, reason = "this is a program")]

use xenwire_xenstore::{Client, Nodes};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "/".to_owned());
    let mut store = Client::open(|name| std::env::var(name).ok())?;
    store.watch(&path, "example")?;
    while let Some(event) = store.event(None)? {
        match store.read_optional(&event.path)? {
            Some(value) => println!("{} = {:?}", event.path, String::from_utf8_lossy(&value)),
            None => println!("{} is gone", event.path),
        }
    }
    Ok(())
}
