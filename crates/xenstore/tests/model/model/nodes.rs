//! The nodes as a flat map of paths, and what each kind of change makes of it.
//!
//! Nothing is shared or counted: children are found by looking at every path, usage by adding up
//! every node, and who wants a copy copies the map.

use std::collections::BTreeMap;
use std::rc::Rc;

use xenwire_xenstore::Domid;

use super::rules::{List, levels_below, parent};

#[derive(Clone, Debug)]
pub struct Node {
    pub value: Rc<[u8]>,
    pub list: Rc<List>,
    /// Another one after every change of value, permissions or children.
    pub version: u64,
    /// When it was made; lists of children are in this order.
    born: u64,
}

impl Node {
    pub fn owner(&self) -> Domid {
        self.list[0].1
    }

    /// Bytes of value and permissions (8 for each entry, `struct xs_permissions`).
    fn bytes(&self) -> usize {
        self.value.len() + 8 * self.list.len()
    }
}

#[derive(Clone, Debug)]
pub struct Nodes {
    map: BTreeMap<Rc<str>, Node>,
    clock: u64,
}

/// A change of one node, whoever asks for it.
#[derive(Clone, Debug)]
pub enum Edit {
    Write(Rc<[u8]>),
    Mkdir,
    Rm,
    SetPerms(Rc<List>),
}

/// A node that changed, and whether watches are to hear of it: not so when it was made only to hold
/// another.
pub type Change = (Rc<str>, bool);

impl Nodes {
    /// What every server starts with.
    pub fn new() -> Nodes {
        let (map, clock) = (BTreeMap::new(), 0);
        let mut nodes = Nodes { map, clock };
        for path in ["/", "/tool", "/tool/xenstored"] {
            nodes.put(path, Rc::from([]), Rc::new(vec![(b'n', 0)]));
        }
        nodes
    }

    pub fn get(&self, path: &str) -> Option<&Node> {
        self.map.get(path)
    }

    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.map.keys().map(AsRef::as_ref)
    }

    /// The deepest node that exists on the way to a path.
    pub fn nearest<'a>(&self, path: &'a str) -> &'a str {
        let mut path = path;
        while !self.map.contains_key(path) {
            path = parent(path).expect("the root exists");
        }
        path
    }

    /// The paths of the children, the eldest first.
    fn children(&self, path: &str) -> Vec<&str> {
        let mut children: Vec<&str> = self.paths().collect();
        children.retain(|child| parent(child) == Some(path));
        children.sort_by_key(|child| self.map[*child].born);
        children
    }

    /// When the nodes on the way to a path were made: in this order parents come before their
    /// children, and siblings by age.
    fn line(&self, path: &str) -> Vec<u64> {
        let mut line = vec![self.map[path].born];
        line.extend(
            parent(path)
                .into_iter()
                .flat_map(|above| self.line(above).into_iter().rev()),
        );
        line.reverse();
        line
    }

    /// The list of children's names, each with its NUL.
    pub fn names(&self, path: &str) -> Vec<u8> {
        let mut names = Vec::new();
        for child in self.children(path) {
            names.extend_from_slice(&child.as_bytes()[child.rfind('/').unwrap() + 1..]);
            names.push(0);
        }
        names
    }

    /// What the quota on a node's size counts: value, permissions, names of the children.
    pub fn size(&self, path: &str) -> usize {
        self.map[path].bytes() + self.names(path).len()
    }

    /// Number and bytes (own name, value, permissions) of the nodes of a domain.
    pub fn usage(&self, domid: Domid) -> (usize, usize) {
        let owned = self.map.iter().filter(|(_, node)| node.owner() == domid);
        owned.fold((0, 0), |(count, bytes), (path, node)| {
            let name = path.len() - path.rfind('/').unwrap() - 1;
            (count + 1, bytes + name + node.bytes())
        })
    }

    pub fn owners(&self) -> impl Iterator<Item = Domid> {
        self.map.values().map(Node::owner)
    }

    fn put(&mut self, path: &str, value: Rc<[u8]>, list: Rc<List>) {
        self.clock += 1;
        let version = self.clock;
        let node = Node {
            value,
            list,
            version,
            born: self.map.get(path).map_or(version, |node| node.born),
        };
        let is_new = self.map.insert(path.into(), node).is_none();
        if is_new && let Some(parent) = parent(path) {
            self.touch(parent);
        }
    }

    fn touch(&mut self, path: &str) {
        self.clock += 1;
        self.map.get_mut(path).expect("it exists").version = self.clock;
    }

    /// Performs a change for a domain. Nodes that are missing above are made, parents first; a new
    /// node has its parent's permissions, and a creator other than dom0 as its owner.
    pub fn edit(&mut self, creator: Domid, path: &str, edit: &Edit) -> Vec<Change> {
        let told = vec![(Rc::from(path), true)];
        match (edit, self.map.get(path).cloned()) {
            (Edit::Write(value), Some(node)) => self.put(path, value.clone(), node.list),
            (Edit::SetPerms(list), Some(node)) => self.put(path, node.value, list.clone()),
            (Edit::Rm, Some(_)) => return self.remove(path),
            (Edit::Write(value), None) => return self.create(creator, path, value),
            (Edit::Mkdir, None) => return self.create(creator, path, &Rc::from([])),
            (Edit::Mkdir, Some(_)) | (Edit::Rm | Edit::SetPerms(_), None) => return Vec::new(),
        }
        told
    }

    fn create(&mut self, creator: Domid, path: &str, value: &Rc<[u8]>) -> Vec<Change> {
        let nearest = self.nearest(path);
        let mut list = self.map[nearest].list.to_vec();
        if creator != 0 {
            list[0].1 = creator;
        }
        let list = Rc::new(list);
        let mut missing = vec![path];
        while let Some(above) = parent(missing[missing.len() - 1]).filter(|up| *up != nearest) {
            missing.push(above);
        }
        for above in missing.iter().skip(1).rev() {
            self.put(above, Rc::from([]), list.clone());
        }
        self.put(path, value.clone(), list);
        let told = missing
            .iter()
            .rev()
            .map(|made| (Rc::from(*made), *made == path));
        told.collect()
    }

    /// From the top to the bottom, siblings by age.
    fn remove(&mut self, path: &str) -> Vec<Change> {
        let mut gone: Vec<Rc<str>> = self.map.keys().cloned().collect();
        gone.retain(|other| levels_below(other, path).is_some());
        gone.sort_by_key(|path| self.line(path));
        gone.iter().for_each(|path| drop(self.map.remove(path)));
        self.touch(parent(path).expect("nobody removes the root"));
        gone.into_iter().map(|path| (path, true)).collect()
    }

    /// To others a commit is one step: a node that was not written, and has the very children that
    /// it had before, is the node that it was before, whatever came and went below it.
    pub fn forget_detours(&mut self, before: &Nodes, changes: &[Change]) {
        let paths: Vec<Rc<str>> = self.map.keys().cloned().collect();
        for path in paths {
            let written = changes.iter().any(|(written, _)| *written == path);
            let ages = |nodes: &Nodes| -> Vec<u64> {
                let children = nodes.children(&path).into_iter();
                children.map(|child| nodes.map[child].born).collect()
            };
            let steady = !written && ages(self) == ages(before);
            if let Some(old) = before.get(&path).filter(|_| steady) {
                self.map.get_mut(&path).expect("it exists").version = old.version;
            }
        }
    }

    /// Removes what a domain owns, and forgets it in the permissions of all other nodes. The root
    /// stays, and is dom0's then.
    pub fn disown(&mut self, domid: Domid) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut paths: Vec<Rc<str>> = self.map.keys().cloned().collect();
        paths.sort_by_key(|path| self.line(path));
        for path in paths {
            let Some(node) = self.map.get(&path).cloned() else {
                continue; // it went with one above it
            };
            if node.owner() == domid && *path != *"/" {
                changes.extend(self.remove(&path));
            } else if node.list.iter().any(|(_, listed)| *listed == domid) {
                let mut list = without(&node.list, domid);
                if node.owner() == domid {
                    list.insert(0, (node.list[0].0, 0));
                }
                self.put(&path, node.value, Rc::new(list));
            }
        }
        changes
    }
}

/// A list without the entries of a domain.
pub fn without(list: &List, domid: Domid) -> List {
    let entries = list.iter().copied();
    entries.filter(|(_, listed)| *listed != domid).collect()
}
