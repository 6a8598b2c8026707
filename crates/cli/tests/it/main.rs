//! `xenwire` as a person uses it: the program itself, run as a process.
//!
//! | module | shows |
//! | --- | --- |
//! | `run` | `lab run` holds every claim of the examples, as root and as anybody |
//! | `pictures` | every README has the picture that `show` draws |
//! | `again` | a host's bridges are stopped and started again under its guests |
//! | `toolstacks` | one scenario with each toolstack differs as the contract says |
//! | `custom` | a script's name that nobody knows, and the wrapper that is written instead |
//! | `execs` | no program is started but what the scenario names |
//! | `check` | `check` and `fmt` say all that is wrong with files, and run none
//! | `store` | Debian's xenstore-ls prints the contract's nodes and permissions |
//! | `claims` | a claim that is false, and a file that is wrong, are said and fail |
//! | `scripts`, `hang` | a script that fails, lies, is missing or hangs is seen as xl sees it |
//! | `killed` | whoever is killed, nothing is left |
//! | `many` | fifty guests at once |
//! | `up` | the orders to a lab that is up |
//! | `asking` | guests that ask for their addresses have what they were given |
//! | `firewall` | a firewall in dom0 that drops stops no guest |
//! | `seed_rules` | what passes FORWARD with the two rules of Xen's documentation, and with ours |
//! | `words` | help, usage, and readers that go away |
//! | `hotplug` | the exit statuses of a vif script |
//! | `gc` | what vifs that are gone left behind goes, and nothing else |
//! | `antispoof` | a bridge holds its guests to their addresses, and ceases to |
//! | `stale_ip` | `install` names guests whose `ip=` is stale, and wants an answer |
//! | `hooks` | an administrator's hooks: what they see, and whose are run |
//! | `xenstored`, `xenstored_trace` | a xenstore by itself: its sockets, its end, its traces |
//!
//! `place` is a user with a folder, `scenario` writes small labs, `need` says what is missing.
//! Where the tests are root, most run twice: as root and as uid 65534.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod again;
mod antispoof;
mod asking;
mod check;
mod claims;
mod custom;
mod execs;
mod firewall;
mod gc;
mod hang;
mod hooks;
mod hotplug;
mod killed;
mod many;
mod need;
mod openvswitch;
mod pictures;
mod place;
mod run;
mod scenario;
mod scripts;
mod seed_rules;
mod stale_ip;
mod store;
mod switch;
mod toolstacks;
mod up;
mod words;
mod xenstored;
mod xenstored_trace;
