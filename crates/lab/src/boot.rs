//! What runs in dom0 before any guest starts: the commands of the distribution, and then xend with
//! its network script (contract 6.1). Each is a real process; a shell is there only if it is a
//! shell's script.
//!
//! Nobody on a host looks at their exit status, and xend's own words are in xend-debug.log. The
//! lab says what ended badly, with what it said, and goes on as a host does.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Pid;
use xenwire_core::config::lab::Boot;
use xenwire_core::config::xend::XendConf;
use xenwire_core::network::Generation;

use crate::xen::{Conf, script_path, wait_for_process};

/// Where both find their programs (the PATH of Debian's init scripts).
pub(crate) const PATH: &str = "/sbin:/bin:/usr/sbin:/usr/bin";
/// Where the lab keeps what they say.
const LOGS: &str = "/var/log/xen";
/// How long one may take. A host has no such limit, but nobody waits at a lab for longer.
const LIMIT: Duration = Duration::from_secs(120);
/// What xend 2.0 called the bridge, if its file does not say (contract 6.1).
const XEN2_BRIDGE: &str = "xen-br0";

/// One command, and where its words go.
#[derive(Debug, PartialEq, Eq)]
struct BootStep {
    argv: Vec<String>,
    log: &'static str,
}

/// Boots the host: what ended badly, a line each. The current thread must be in dom0's namespace.
///
/// # Errors
/// One sentence, if the lab cannot keep a log.
pub(crate) fn run(boot: &Boot, conf: &Conf) -> Result<Vec<String>, String> {
    let mut trouble = Vec::new();
    for step in steps(boot, conf) {
        let text = |error: io::Error| format!("{LOGS}/{}: {error}", step.log);
        trouble.extend(step.run(boot).map_err(text)?);
    }
    Ok(trouble)
}

/// All that runs, in order.
fn steps(boot: &Boot, conf: &Conf) -> Vec<BootStep> {
    let distribution = boot.commands.iter().map(|command| BootStep {
        argv: command.argv.clone(),
        log: "boot.log",
    });
    let xend = match conf {
        Conf::Libxl(_) => None,
        Conf::Xend(conf) => network_script(conf, boot.generation),
    };
    let xend = xend.map(|argv| BootStep {
        argv,
        log: "xend-debug.log",
    });
    distribution.chain(xend).collect()
}

/// xend's call: `start` stands between the script and its configured arguments. `stop` is never
/// called.
fn network_script(conf: &XendConf, generation: Option<Generation>) -> Option<Vec<String>> {
    let xen2 = generation == Some(Generation::Xen2);
    let mut words = match &conf.network_script {
        Some(command) => {
            let words = [&command.program].into_iter().chain(&command.arguments);
            words.map(|word| word.value.clone()).collect()
        }
        None if xen2 => vec!["network".to_owned()],
        None => return None,
    };
    words[0] = script_path(&words[0]);
    words.insert(1, "start".into());
    if xen2 {
        // It told the script the bridge and whether guests are held to their addresses; its own
        // default was that they are.
        let bridge = conf.vif_bridge.as_ref();
        let bridge = bridge.map_or(XEN2_BRIDGE, |bridge| bridge.value.as_str());
        let antispoof = conf.vif_antispoof.as_ref().is_none_or(|on| on.value);
        words.push(format!("bridge={bridge}"));
        words.push(format!(
            "antispoof={}",
            if antispoof { "yes" } else { "no" }
        ));
    }
    Some(words)
}

impl BootStep {
    /// Runs it and waits for it, but for none that it leaves behind.
    fn run(&self, boot: &Boot) -> io::Result<Option<String>> {
        let path = format!("{LOGS}/{}", self.log);
        let log = OpenOptions::new().append(true).create(true).open(&path)?;
        let before = log.metadata()?.len();
        let ended = match self.start(log, boot) {
            Err(error) => format!("could not be started: {error}"),
            Ok(mut child) => match wait_for_process(Pid::from_child(&child), LIMIT)? {
                true => {
                    let status = child.wait()?;
                    if status.success() {
                        return Ok(None);
                    }
                    format!("ended with {status}")
                }
                false => {
                    child.kill()?;
                    child.wait()?;
                    format!("was killed: it did not end within {} s", LIMIT.as_secs())
                }
            },
        };
        let said = fs::read(&path)?.split_off(usize::try_from(before).unwrap_or(usize::MAX));
        let said = String::from_utf8_lossy(&said)
            .trim_end()
            .replace('\n', "\n        ");
        let said = if said.is_empty() {
            String::new()
        } else {
            format!("; it said:\n        {said}")
        };
        Ok(Some(format!("{} {ended}{said}", self.argv.join(" "))))
    }

    fn start(&self, log: File, boot: &Boot) -> io::Result<std::process::Child> {
        let mut command = Command::new(&self.argv[0]);
        command
            .args(&self.argv[1..])
            .env_clear()
            .env("PATH", PATH)
            .envs(boot.environment())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xenwire_core::config::xend;
    use xenwire_core::diag::Diagnostics;

    fn words(text: &str, generation: Option<Generation>) -> Option<String> {
        let conf = xend::read(text, "xend-config.sxp", &mut Diagnostics::new()).unwrap();
        network_script(&conf, generation).map(|words| words.join("|"))
    }

    #[test]
    fn start_stands_behind_the_scripts_name() {
        for (text, called) in [
            (
                "(network-script network-bridge)",
                Some("/etc/xen/scripts/network-bridge|start"),
            ),
            (
                "(network-script 'network-bridge bridge=mybridge netdev=eth1')",
                Some("/etc/xen/scripts/network-bridge|start|bridge=mybridge|netdev=eth1"),
            ),
            ("(network-script /bin/true)", Some("/bin/true|start")),
            // Every blank separates: Python's split(" ").
            (
                "(network-script 'network-bridge  vifnum=0')",
                Some("/etc/xen/scripts/network-bridge|start||vifnum=0"),
            ),
            ("(vif-script vif-bridge)", None),
        ] {
            assert_eq!(words(text, None).as_deref(), called, "{text}");
        }
    }

    #[test]
    fn xend_of_2_0_tells_bridge_and_antispoof_itself() {
        let xen2 = Some(Generation::Xen2);
        assert_eq!(
            words("", xen2).unwrap(),
            "/etc/xen/scripts/network|start|bridge=xen-br0|antispoof=yes"
        );
        assert_eq!(
            words(
                "(network-script network)(vif-bridge br7)(vif-antispoof no)",
                xen2
            )
            .unwrap(),
            "/etc/xen/scripts/network|start|bridge=br7|antispoof=no"
        );
    }
}
