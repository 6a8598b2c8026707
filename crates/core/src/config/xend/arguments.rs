//! What stands behind the scripts' names: `NAME=VALUE`, which the scripts of Xen 3.0 and later
//! hand to the shell's `eval` (contract 1.1). Here nothing is evaluated: one level of quotes is
//! taken off, and what is not a plain value is an error.

use super::{Command, XendConf};
use crate::diag::code::xend as code;
use crate::diag::{Diagnostic, Diagnostics, Span, Spanned, nearest};
use crate::name::IfName;

/// What network-bridge is told. Of equal names the last counts, as in a shell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BridgeArguments {
    /// `netdev=`: the NIC that goes into the bridge.
    pub netdev: Option<Spanned<IfName>>,
    /// `bridge=`: the bridge's name. `null` makes the script do nothing.
    pub bridge: Option<Spanned<IfName>>,
    /// `vifnum=`: which netloop pair (Xen 3.0 and 3.1), and so which `xenbr`.
    pub vifnum: Option<Spanned<u32>>,
    /// `antispoof=`: only `yes` switches it on.
    pub antispoof: Option<Spanned<bool>>,
    /// `pdev=`: what the NIC is renamed to.
    pub pdev: Option<Spanned<IfName>>,
}

/// The names network-bridge uses; every other one it sets and forgets. `vdev`, `vif0` and `tdev`
/// are its own, but can be set like any other.
const KNOWN: [&str; 8] = [
    "netdev",
    "bridge",
    "vifnum",
    "antispoof",
    "pdev",
    "vdev",
    "vif0",
    "tdev",
];

/// The first of these kernels' limits that a `p` before the NIC's name runs into, in bytes.
const LONGEST_NETDEV: usize = 14;

impl Command {
    /// Whether this is network-bridge itself, or 2.0's `network`. A script of another name may
    /// call it, with arguments nobody can know.
    pub fn is_network_bridge(&self) -> bool {
        matches!(self.script(), "network-bridge" | "network")
    }

    /// The arguments, if this is network-bridge. What is wrong with them has been reported when
    /// the file was read.
    pub fn bridge_arguments(&self) -> Option<BridgeArguments> {
        self.is_network_bridge()
            .then(|| network_bridge(self, &mut Diagnostics::new()))
    }
}

/// Reports what is wrong with the arguments of both scripts.
pub(super) fn check(conf: &XendConf, out: &mut Diagnostics) {
    if let Some(script) = &conf.network_script
        && script.is_network_bridge()
    {
        network_bridge(script, out);
    }
    if let Some(script) = &conf.vif_script
        && script.script() == "vif-bridge"
    {
        for argument in &script.arguments {
            vif_bridge(argument, out);
        }
    }
}

/// `NAME=VALUE` without the quotes around the value, and where the value stands.
fn assignment(argument: &Spanned<String>) -> Option<(&str, Spanned<&str>)> {
    let (name, value) = argument.value.split_once('=')?;
    let bare = ['\'', '"']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value);
    let whole = argument.span.range();
    let span = if whole.len() == argument.value.len() {
        Span::new(
            argument.span.source(),
            whole.start + name.len() + 1..whole.end,
        )
    } else {
        argument.span.clone()
    };
    Some((name, Spanned::new(bare, span)))
}

fn network_bridge(script: &Command, out: &mut Diagnostics) -> BridgeArguments {
    let mut read = BridgeArguments::default();
    for argument in &script.arguments {
        let Some((name, value)) = assignment(argument) else {
            // A blank too many makes an empty argument, which nothing looks at.
            if !argument.value.is_empty() {
                let word = &argument.value;
                let message = format!("network-bridge reads over `{word}`");
                out.add(
                    Diagnostic::warning(code::ARGUMENT, &argument.span, message)
                        .hint("write NAME=VALUE without blanks; xend adds `start` itself"),
                );
            }
            continue;
        };
        match name {
            "netdev" => {
                read.netdev = link(name, &value, out);
                if value.value.len() > LONGEST_NETDEV && read.netdev.is_some() {
                    out.add(Diagnostic::warning(
                        code::ARGUMENT_VALUE,
                        &value.span,
                        "network-bridge renames the NIC to the same name with a `p` before it, \
                         which is longer than 15 bytes",
                    ));
                }
            }
            "bridge" => read.bridge = link(name, &value, out),
            "pdev" => read.pdev = link(name, &value, out),
            "vifnum" => read.vifnum = number(&value, out),
            "antispoof" => read.antispoof = Some(antispoof(&value, out)),
            _ if KNOWN.contains(&name) => {}
            _ => unknown(name, argument, nearest(name, KNOWN), out),
        }
    }
    read
}

/// vif-bridge takes any variable of the scripts it includes; only a slip in `bridge` is told.
fn vif_bridge(argument: &Spanned<String>, out: &mut Diagnostics) {
    match assignment(argument) {
        Some(("bridge", value)) => {
            link("bridge", &value, out);
        }
        Some((name, _)) => {
            if let Some(near) = nearest(name, ["bridge"]) {
                unknown(name, argument, Some(near), out);
            }
        }
        None => {}
    }
}

fn unknown(name: &str, argument: &Spanned<String>, near: Option<&str>, out: &mut Diagnostics) {
    let message = format!("the script uses no variable `{name}`");
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it uses {}", KNOWN[..5].join(", ")),
    };
    out.add(Diagnostic::warning(code::ARGUMENT, &argument.span, message).hint(hint));
}

fn link(name: &str, value: &Spanned<&str>, out: &mut Diagnostics) -> Option<Spanned<IfName>> {
    match value.value.parse() {
        Ok(link) => Some(Spanned::new(link, value.span.clone())),
        Err(why) => {
            let message = format!("`{name}` cannot be `{}`: {why}", value.value);
            out.add(Diagnostic::error(
                code::ARGUMENT_VALUE,
                &value.span,
                message,
            ));
            None
        }
    }
}

fn number(value: &Spanned<&str>, out: &mut Diagnostics) -> Option<Spanned<u32>> {
    if let Ok(number) = value.value.parse() {
        return Some(Spanned::new(number, value.span.clone()));
    }
    let message = format!("`vifnum` should be a number, but is {:?}", value.value);
    out.add(Diagnostic::error(
        code::ARGUMENT_VALUE,
        &value.span,
        message,
    ));
    None
}

/// The script compares with `yes` and nothing else.
fn antispoof(value: &Spanned<&str>, out: &mut Diagnostics) -> Spanned<bool> {
    if !matches!(value.value, "yes" | "no") {
        let message = format!("`antispoof` is yes or no; {:?} counts as no", value.value);
        out.add(
            Diagnostic::warning(code::ARGUMENT_VALUE, &value.span, message)
                .hint("write `yes` or `no`"),
        );
    }
    Spanned::new(value.value == "yes", value.span.clone())
}
