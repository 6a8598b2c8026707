//! argv and environment of a network script (contract 1.1, 2.10).
//!
//! The originals evaluate arguments as shell. Here an argument is the command or a NAME=VALUE; one
//! level of quotes is taken off, and nothing is ever evaluated.

use crate::name::IfName;

use super::Generation;

/// A call that is to be acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What for.
    pub command: Command,
    /// As which release does it.
    pub generation: Generation,
    /// With what.
    pub arguments: Arguments,
    /// Only say what would be done.
    pub plan_only: bool,
}

/// What the call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Put the NIC into a bridge; make dom0 a router.
    Start,
    /// Take that back.
    Stop,
    /// Say how it is.
    Status,
}

/// The variables that a call can set. What is not said is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `netdev`: the NIC.
    pub netdev: Option<IfName>,
    /// `bridge`: the bridge. `null` makes the script do nothing.
    pub bridge: Option<IfName>,
    /// `vifnum`: which pair, and so which `xenbr` (Xen 3.0).
    pub vifnum: Option<u16>,
    /// `antispoof`: whether guests are held to their addresses.
    pub antispoof: bool,
    /// `dhcp`: whether a DHCP server is to know the guests; `no` is no, and anything else yes.
    pub dhcp: Option<bool>,
}

/// A call that ends at once, with nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quit(pub String);

impl Arguments {
    /// `bridge=null`: the administrator wants no bridge.
    pub fn is_null(&self) -> bool {
        self.bridge
            .as_ref()
            .is_some_and(|name| name.as_str() == "null")
    }
}

impl Call {
    /// Reads a call of the script `script`, by its file name. `args` are those behind
    /// the program's name, `env` looks up one variable.
    ///
    /// # Errors
    /// [`Quit`] with what was wanted and found, in a line or two.
    pub fn parse(
        script: &str,
        args: &[String],
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Quit> {
        let mut words = Vec::new();
        let mut given: Vec<(&str, &str)> = Vec::new();
        let mut generation = None;
        let mut plan_only = false;
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "--plan" {
                plan_only = true;
            } else if arg == "--generation" {
                let value = args.next().ok_or_else(|| {
                    Quit("--generation wants xen2, xen3.0 or xen3.2 behind it".into())
                })?;
                generation = Some(value.clone());
            } else if let Some(value) = arg.strip_prefix("--generation=") {
                generation = Some(value.to_owned());
            } else if let Some((name, value)) = arg.split_once('=') {
                given.push((name, unquoted(value)));
            } else {
                words.push(arg.as_str());
            }
        }
        let command = match words.as_slice() {
            // Xen's never looked at its command, and was called without one (contract 2.10).
            [] if script == "network-route" => Command::Start,
            words => command(words)?,
        };
        let generation = generation.or_else(|| env("XENWIRE_GENERATION"));
        let generation = generation
            .filter(|text| !text.is_empty())
            .map(|text| text.parse::<Generation>().map_err(Quit))
            .transpose()?;
        let generation = match (script, generation) {
            ("network", None | Some(Generation::Xen2)) => Generation::Xen2,
            ("network", Some(other)) => {
                return Err(Quit(format!(
                    "the script `network` is that of xen2 and can be no other; for {other} call network-bridge"
                )));
            }
            (_, generation) => generation.unwrap_or(Generation::Netloop),
        };
        let arguments = arguments(&given, env)?;
        Ok(Self {
            command,
            generation,
            arguments,
            plan_only,
        })
    }
}

/// The first word that is no assignment; what follows it was never looked at.
fn command(words: &[&str]) -> Result<Command, Quit> {
    match words.first().copied() {
        Some("start") => Ok(Command::Start),
        Some("stop") => Ok(Command::Stop),
        Some("status") => Ok(Command::Status),
        Some(other) => Err(Quit(format!(
            "Unknown command: {other:?}\nValid commands are: start, stop, status"
        ))),
        None => Err(Quit(
            "Unknown command: none was given\nValid commands are: start, stop, status".into(),
        )),
    }
}

fn arguments(
    given: &[(&str, &str)],
    env: impl Fn(&str) -> Option<String>,
) -> Result<Arguments, Quit> {
    let value = |name: &str| -> Result<Option<String>, Quit> {
        let mut all = given.iter().filter(|(n, _)| *n == name);
        let value = match (all.next(), all.next()) {
            (Some((_, first)), Some((_, second))) => {
                return Err(Quit(format!(
                    "{name} is given twice, as {first:?} and {second:?}; a wrapper that adds {name}= must not be called with it"
                )));
            }
            (Some((_, value)), None) => Some((*value).to_owned()),
            (None, _) => env(name),
        };
        if let Some(value) = value.iter().find(|v| v.contains(['\n', '\0'])) {
            return Err(Quit(format!(
                "{name}={value:?} has a line end or a NUL in it"
            )));
        }
        Ok(value.filter(|value| !value.is_empty()))
    };
    let link = |name: &str| -> Result<Option<IfName>, Quit> {
        let parsed = value(name)?.map(|text| {
            text.parse()
                .map_err(|why| Quit(format!("{name}={text:?} cannot be a link's name: {why}")))
        });
        parsed.transpose()
    };
    let vifnum = value("vifnum")?.map(|text| {
        text.parse()
            .map_err(|_| Quit(format!("vifnum={text:?} is not a number from 0 to 65535")))
    });
    let antispoof = match value("antispoof")?.as_deref() {
        None | Some("no") => false,
        Some("yes") => true,
        Some(other) => return Err(Quit(format!("antispoof={other:?} is neither yes nor no"))),
    };
    let dhcp = value("dhcp")?.map(|text| text != "no");
    Ok(Arguments {
        netdev: link("netdev")?,
        bridge: link("bridge")?,
        vifnum: vifnum.transpose()?,
        antispoof,
        dhcp,
    })
}

/// Takes off one pair of matching quotes, which xend 2.0 and hand-written files put around values.
fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
}
