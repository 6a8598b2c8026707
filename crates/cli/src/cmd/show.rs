//! `xenwire show`.

use xenwire_core::show::draw;
use xenwire_host::kernel::Kernel;
use xenwire_host::store::{Store, places};
use xenwire_host::topology::topology;

use crate::args::ShowArgs;
use crate::out;

/// Draws the host that this process is on.
pub fn main(args: &ShowArgs) -> u8 {
    let name = xenwire_host::name().unwrap_or_else(|| "Dom0".into());
    let places = match &args.xenstore {
        Some(place) => vec![place.clone()],
        None => places(|name| std::env::var(name).ok()),
    };
    let mut store = match Store::connect(&places) {
        Ok(store) => Some(store),
        Err(error) => {
            out::say(&format!(
                "xenwire: no xenstore, so vifs have no guests' names: {error}"
            ));
            None
        }
    };
    let drawn = Kernel::open()
        .and_then(|mut kernel| topology(&name, &mut kernel, store.as_mut().map(Store::client)));
    match drawn {
        Ok(topology) if args.json => match serde_json::to_string_pretty(&topology) {
            Ok(json) => {
                out::print(&format!("{json}\n"));
                out::DONE
            }
            Err(error) => out::error(70, &format!("a bug in xenwire: {error}")),
        },
        Ok(topology) => {
            out::print(&draw(&topology, out::width()));
            out::DONE
        }
        Err(error) => out::error(out::REFUSED, &format!("cannot read the network: {error}")),
    }
}
