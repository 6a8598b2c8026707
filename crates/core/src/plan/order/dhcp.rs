//! The DHCP server, and what it is told about guests.

use super::Ordering;
use super::steps::Steps;
use crate::plan::{Need, Step};
use crate::state::{DhcpServer, Effect};

impl Ordering<'_> {
    /// The guest has its links without the file: what hinders it is said and no more.
    pub(super) fn dhcp_hosts(&self, comes: bool, steps: &mut Steps) {
        for change in &self.diff.dhcp_hosts {
            if change.to.is_some() == comes {
                steps.0.push(Step {
                    effect: Effect::ChangeDhcpHost(change.clone()),
                    need: Need::Wished,
                });
            }
        }
    }

    /// Likewise.
    pub(super) fn lines(&self, steps: &mut Steps) {
        for change in &self.diff.lines {
            steps.0.push(Step {
                effect: Effect::ChangeLine(change.clone()),
                need: Need::Wished,
            });
        }
    }

    pub(super) fn dhcp_server(&self, begins: bool, steps: &mut Steps) {
        if let Some(change) = &self.diff.dhcp_server
            && matches!(change.to, DhcpServer::Serving(_)) == begins
        {
            steps.add(Effect::ChangeDhcpServer(change.clone()));
        }
    }
}
