//! Counts a node up, correctly even if many do so at the same time.
//!
//! ```text
//! cargo run --example transaction -- /tool/counter
//! ```
#![expect(clippy::print_stdout, reason = "this is a program")]

use xenwire_xenstore::{Client, Error, Nodes};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "/tool/counter".to_owned());
    let mut store = Client::open(|name| std::env::var(name).ok())?;
    let count = store.transaction(100, |nodes| {
        let before = nodes.read_optional(&path)?.unwrap_or_default();
        let count = String::from_utf8_lossy(&before).parse().unwrap_or(0) + 1;
        nodes.write(&path, count.to_string().as_bytes())?;
        Ok::<u64, Error>(count)
    })?;
    println!("{path} = {count}");
    Ok(())
}
