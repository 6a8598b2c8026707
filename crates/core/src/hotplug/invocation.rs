//! argv and environment of a vif script (contract 2.1 and 3.3).
//!
//! The originals evaluate arguments as shell. Here an argument is a command or a NAME=VALUE, and
//! nothing is ever evaluated; of the environment only the documented names are looked at.

use std::fmt;

#[cfg(test)]
use crate::name::{DevId, DomId};
use crate::name::{IfName, VifId};
use crate::state::NodePath;

use super::Script;

/// A hotplug call that is to be acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The name it was called by.
    pub script: Script,
    /// What for.
    pub command: Command,
    /// The vif it is about.
    pub vif: VifId,
    /// Which of the vif's backend links.
    pub device: Device,
    /// The kernel's name of that link.
    pub link: IfName,
    /// The backend's folder in xenstore, as it was given: relative to the caller's domain or
    /// absolute.
    pub backend: NodePath,
    /// `bridge` from the arguments, else from the environment; the store's wins over it.
    pub bridge: Option<String>,
    /// `ip`, likewise.
    pub ip: Option<String>,
    /// `netdev`, from the arguments or the environment: the host's link whose addresses the guest
    /// uses as routers, for `vif-route`.
    pub uplink: Uplink,
    /// `dhcp`, likewise: whether a DHCP server is to know the guest, for `vif-nat`; `no` is no, and
    /// anything else yes (contract 2.8).
    pub dhcp: Option<bool>,
}

/// How it is known which of the host's links is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uplink {
    /// `netdev` says so, which xl fills with `gatewaydev`.
    Named(IfName),
    /// Nobody says: `eth0`.
    Usual,
    /// Nobody says, and there is no `eth0`: the link of the default route.
    OfDefaultRoute(IfName),
}

/// What the call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// A vif came.
    Online,
    /// A vif goes or has gone.
    Offline,
    /// A tap came.
    Add,
    /// A tap goes or has gone.
    Remove,
}

/// Which of a vif's links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The paravirtual one, made by netback.
    Vif,
    /// The emulated one, made by QEMU.
    Tap,
}

/// A call that ends at once. xenstore is not touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quit {
    /// The exit status: 0 for a call that is not ours, 1 for a wrong one.
    pub status: u8,
    /// What goes to the log, if anything.
    pub reason: Option<String>,
}

impl Command {
    fn named(name: &str) -> Option<Self> {
        match name {
            "online" => Some(Self::Online),
            "offline" => Some(Self::Offline),
            "add" => Some(Self::Add),
            "remove" => Some(Self::Remove),
            _ => None,
        }
    }

    /// Whether a link comes, and not goes.
    pub fn comes(self) -> bool {
        matches!(self, Self::Online | Self::Add)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Add => "add",
            Self::Remove => "remove",
        })
    }
}

fn wrong(reason: impl Into<String>) -> Quit {
    Quit {
        status: 1,
        reason: Some(reason.into()),
    }
}

impl Invocation {
    /// Reads a call. `args` are those behind the program's name, `env` looks up one variable.
    ///
    /// # Errors
    /// [`Quit`] for a call that is not acted on.
    pub fn parse(
        script: Script,
        args: &[String],
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Quit> {
        let (script, mut words) = match script {
            Script::VifSetup => Script::behind_setup(env("script"))?,
            script => (script, Vec::new()),
        };
        words.extend_from_slice(args);
        let args = words;
        let variable = |name: &str| {
            let argument = args
                .iter()
                .rev()
                .find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='));
            argument
                .map(unquoted)
                .map(str::to_owned)
                .or_else(|| env(name))
        };
        let word = args.iter().find(|arg| !arg.contains('='));
        let command = word.and_then(|word| Command::named(word)).ok_or_else(|| {
            let found = word.map_or("nothing".to_owned(), |word| format!("{word:?}"));
            wrong(format!(
                "Invalid command: {found}; wanted online, offline, add or remove"
            ))
        })?;
        let device = match variable("type_if").as_deref() {
            None | Some("" | "vif") => Device::Vif,
            Some("tap") => Device::Tap,
            Some(other) => return Err(wrong(format!("type_if={other:?} is neither vif nor tap"))),
        };
        let pair_fits = match command {
            Command::Online | Command::Offline => device == Device::Vif,
            Command::Add | Command::Remove => device == Device::Tap,
        };
        if !pair_fits {
            return Err(Quit {
                status: 0,
                reason: None,
            });
        }
        let given = |name: &str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| wrong(format!("{name} is not set; a vif script is called by xl with {name} in its environment")))
        };
        let (vif, link, backend) = match device {
            Device::Vif => {
                let path = given("XENBUS_PATH")?;
                let vif = backend_of(&path).ok_or_else(|| {
                    wrong(format!("XENBUS_PATH={path:?} is not of the form [/local/domain/N/]backend/vif/<domid>/<devid>"))
                })?;
                let link = given("vif")?;
                // Always the kernel's name, never `vifname` (contract 3.3): any other link is
                // somebody else's.
                if link != vif.to_string() {
                    return Err(wrong(format!(
                        "vif={link:?} is not the link of XENBUS_PATH={path:?}, which is {vif}"
                    )));
                }
                (vif, vif.link(), NodePath(path))
            }
            Device::Tap => {
                let name = given("INTERFACE")?;
                let vif = tap_of(&name).ok_or_else(|| {
                    wrong(format!("INTERFACE={name:?} is neither vif<domid>.<devid>-emu nor tap<domid>.<devid>"))
                })?;
                let link = name
                    .parse()
                    .map_err(|e| wrong(format!("INTERFACE={name:?}: {e}")))?;
                let path = format!("/local/domain/0/backend/vif/{}/{}", vif.domid, vif.devid);
                (vif, link, NodePath(path))
            }
        };
        let said = |name: &str| variable(name).filter(|value| !value.is_empty());
        let bridge = said("bridge");
        let ip = said("ip");
        let dhcp = said("dhcp").map(|text| text != "no");
        let uplink = match said("netdev") {
            Some(name) => Uplink::Named(
                name.parse()
                    .map_err(|e| wrong(format!("netdev={name:?}: {e}")))?,
            ),
            None => Uplink::Usual,
        };
        Ok(Self {
            script,
            command,
            vif,
            device,
            link,
            backend,
            bridge,
            ip,
            uplink,
            dhcp,
        })
    }

    /// The frontend's folder in xenstore.
    pub fn frontend(&self) -> NodePath {
        NodePath(format!(
            "/local/domain/{}/device/vif/{}",
            self.vif.domid, self.vif.devid
        ))
    }
}

/// Takes off one pair of matching quotes, which hand-written configurations put around values.
fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
}

fn backend_of(path: &str) -> Option<VifId> {
    let relative = match path.strip_prefix("/local/domain/") {
        Some(rest) => {
            let (domid, rest) = rest.split_once('/')?;
            domid.parse::<u16>().ok()?;
            rest
        }
        None => path,
    };
    let (domid, devid) = relative.strip_prefix("backend/vif/")?.split_once('/')?;
    // By way of the printed form, which refuses signs and leading zeros.
    format!("vif{domid}.{devid}").parse().ok()
}

fn tap_of(name: &str) -> Option<VifId> {
    match name.strip_prefix("tap") {
        Some(id) => format!("vif{id}").parse().ok(),
        None => name.strip_suffix("-emu")?.parse().ok(),
    }
}

#[cfg(test)]
impl From<(u16, u32)> for Invocation {
    /// The call that xl makes when a paravirtual vif comes.
    fn from((domid, devid): (u16, u32)) -> Self {
        let vif = VifId {
            domid: DomId(domid),
            devid: DevId(devid),
        };
        Self {
            script: Script::VifBridge,
            command: Command::Online,
            vif,
            device: Device::Vif,
            link: vif.link(),
            backend: NodePath(format!("backend/vif/{domid}/{devid}")),
            bridge: None,
            ip: None,
            uplink: Uplink::Usual,
            dhcp: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(args: &[&str], env: &[(&str, &str)]) -> Result<Invocation, Quit> {
        let args: Vec<String> = args.iter().map(|a| a.to_string()).collect();
        Invocation::parse(Script::VifBridge, &args, |name| {
            env.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| v.to_string())
        })
    }

    const XL: &[(&str, &str)] = &[("XENBUS_PATH", "backend/vif/1/0"), ("vif", "vif1.0")];

    #[test]
    fn as_xl_calls() {
        assert_eq!(
            call(&["online", "type_if=vif"], XL).unwrap(),
            Invocation::from((1, 0))
        );
        let off = call(&["offline", "type_if=vif"], XL).unwrap();
        assert_eq!(off.command, Command::Offline);
    }

    #[test]
    fn order_is_free_the_last_assignment_wins_quotes_go() {
        let got = call(&["bridge=a", "type_if='vif'", "online", "bridge=\"b\""], XL).unwrap();
        assert_eq!(got.bridge.as_deref(), Some("b"));
        // Arguments win over the environment.
        let env = [XL[0], XL[1], ("bridge", "c")];
        assert_eq!(
            call(&["online", "bridge=d"], &env)
                .unwrap()
                .bridge
                .as_deref(),
            Some("d")
        );
        assert_eq!(
            call(&["online"], &env).unwrap().bridge.as_deref(),
            Some("c")
        );
    }

    #[test]
    fn pairs_that_are_not_ours_end_silently() {
        let silent = Quit {
            status: 0,
            reason: None,
        };
        assert_eq!(call(&["add", "type_if=vif"], XL), Err(silent.clone()));
        assert_eq!(call(&["online", "type_if=tap"], XL), Err(silent));
    }

    #[test]
    fn wrong_calls_end_with_1_and_a_reason() {
        for (args, env, word) in [
            (&["start"][..], XL, "start"),
            (&[][..], XL, "nothing"),
            (&["online", "type_if=x"][..], XL, "type_if"),
            (&["online"][..], &XL[..1], "vif"),
            (&["online"][..], &XL[1..], "XENBUS_PATH"),
            (
                &["online"][..],
                &[("XENBUS_PATH", "backend/vif/1"), XL[1]][..],
                "backend/vif/1",
            ),
            (
                &["online"][..],
                &[("XENBUS_PATH", "backend/vif/+1/0"), XL[1]][..],
                "+1",
            ),
            (
                &["add", "type_if=tap"][..],
                &[("INTERFACE", "tun0")][..],
                "tun0",
            ),
        ] {
            let quit = call(args, env).unwrap_err();
            assert_eq!(quit.status, 1, "{args:?}");
            assert!(quit.reason.unwrap().contains(word), "{args:?}");
        }
    }

    #[test]
    fn a_link_of_somebody_else_is_refused() {
        for other in [
            "vif1.1",
            "vif2.0",
            "vif1.0-emu",
            "eth0",
            "lo",
            "vif01.0",
            "web",
        ] {
            let quit = call(&["online"], &[XL[0], ("vif", other)]).unwrap_err();
            assert_eq!(quit.status, 1, "{other}");
            let reason = quit.reason.unwrap();
            assert!(
                reason.contains(other) && reason.contains("vif1.0"),
                "{reason}"
            );
        }
    }

    #[test]
    fn a_tap_is_always_of_domain_0s_backend() {
        for (name, link) in [("vif5.0-emu", "vif5.0-emu"), ("tap5.0", "tap5.0")] {
            let got = call(&["add", "type_if=tap"], &[("INTERFACE", name)]).unwrap();
            assert_eq!(got.backend.0, "/local/domain/0/backend/vif/5/0");
            assert_eq!(got.link.as_str(), link);
        }
    }

    #[test]
    fn an_absolute_path_is_kept() {
        let got = call(
            &["online"],
            &[("XENBUS_PATH", "/local/domain/3/backend/vif/1/0"), XL[1]],
        )
        .unwrap();
        assert_eq!(got.backend.0, "/local/domain/3/backend/vif/1/0");
        assert_eq!(got.frontend().0, "/local/domain/1/device/vif/0");
    }
}
