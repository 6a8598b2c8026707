//! What is left of a domain that was released: nothing that the next domain of its number could use.
//!
//! C xenstored removes the nodes a dead domain owned, as if dom0 had (`domain_tree_remove` in
//! `tools/xenstored/domain.c`), before it tells `@releaseDomain`; since Xen 4.22 it also drops the
//! domain from the permissions of all other nodes, which earlier ones only ignored.

use super::view::{Actor, View};
use super::{Effect, Store};
use crate::Domid;
use crate::path::NodePath;
use crate::perms::Perms;

impl Store {
    /// Takes the domain's nodes and permissions away; what watches are to hear of it.
    pub(super) fn disown(&mut self, domid: Domid) -> Vec<Effect> {
        let (owned, granted) = self.traces_of(domid);
        let mut view = View {
            tree: &mut self.tree,
            journal: None,
            actor: Actor::DOM0,
            quotas: self.domains.quotas(0),
            beside: &|| 0,
            effects: Vec::new(),
        };
        for path in owned {
            // It was found a moment ago, and dom0 may remove everything.
            let _ = view.rm(&path);
        }
        let effects = view.effects;
        for (path, perms) in granted {
            if let Some(node) = self.tree.get(&path) {
                let value = node.value().clone();
                self.tree.put(&path, value, perms.into());
            }
        }
        effects
    }

    /// The topmost nodes that belong to the domain, and the other nodes that name it, with
    /// permissions that do not.
    fn traces_of(&self, domid: Domid) -> (Vec<NodePath>, Vec<(NodePath, Perms)>) {
        let (mut owned, mut granted) = (Vec::new(), Vec::new());
        let mut open = vec![NodePath::root()];
        while let Some(path) = open.pop() {
            let Some(node) = self.tree.get(&path) else {
                continue;
            };
            // The root stays whoever owns it.
            if node.perms().owner() == domid && !path.is_root() {
                owned.push(path);
                continue;
            }
            open.extend(node.names().rev().map(|name| path.child(name)));
            if let Some(perms) = node.perms().without(domid) {
                granted.push((path, perms));
            }
        }
        (owned, granted)
    }
}
