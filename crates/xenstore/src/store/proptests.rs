//! The store against a model that shares none of its mechanism.
//!
//! The model is a flat map that every transaction copies whole; a commit performs the transaction's
//! requests once more on the current map, and events are found by looking at every watch. Few
//! paths, two domains and two slots for transactions make requests collide often.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::test_cases;
use crate::wire::{Kind, terminated};

const PATHS: [&str; 10] = [
    "/",
    "/a",
    "/a/b",
    "/a/b/c",
    "/a/b/d",
    "/a/e",
    "/ab",
    "/local/domain/5",
    "k",
    "k/l",
];
const PERMS: [&str; 5] = ["n0", "b0", "n5", "r0|w5", "r5"];

/// Two connections of dom0 and one of a guest.
const DOMIDS: [Domid; 3] = [0, 0, 5];

#[derive(Clone, Debug)]
enum Act {
    Node {
        conn: usize,
        slot: Option<usize>,
        kind: Kind,
        path: usize,
        argument: usize,
    },
    Begin {
        conn: usize,
        slot: usize,
    },
    End {
        conn: usize,
        slot: usize,
        commit: bool,
    },
    Watch {
        conn: usize,
        path: usize,
        token: usize,
    },
    Unwatch {
        conn: usize,
        path: usize,
        token: usize,
    },
    Reset {
        conn: usize,
    },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let conn = 0..DOMIDS.len();
    let path = 0..PATHS.len();
    let kind = prop::sample::select(vec![
        Kind::Read,
        Kind::Directory,
        Kind::GetPerms,
        Kind::Write,
        Kind::Write,
        Kind::Mkdir,
        Kind::Rm,
        Kind::SetPerms,
    ]);
    let slot = prop_oneof![2 => Just(None), 1 => (0..2_usize).prop_map(Some)];
    let node = (conn.clone(), slot, kind, path.clone(), 0..5_usize).prop_map(
        |(conn, slot, kind, path, argument)| Act::Node {
            conn,
            slot,
            kind,
            path,
            argument,
        },
    );
    let act = prop_oneof![
        20 => node,
        3 => (conn.clone(), 0..2_usize).prop_map(|(conn, slot)| Act::Begin { conn, slot }),
        3 => (conn.clone(), 0..2_usize, prop::bool::weighted(0.8))
            .prop_map(|(conn, slot, commit)| Act::End { conn, slot, commit }),
        3 => (conn.clone(), path.clone(), 0..2_usize)
            .prop_map(|(conn, path, token)| Act::Watch { conn, path, token }),
        1 => (conn.clone(), path, 0..2_usize)
            .prop_map(|(conn, path, token)| Act::Unwatch { conn, path, token }),
        1 => conn.prop_map(|conn| Act::Reset { conn }),
    ];
    prop::collection::vec(act, 1..80)
}

#[derive(Clone, Debug, PartialEq)]
struct ModelNode {
    value: Vec<u8>,
    perms: Perms,
    generation: u64,
}

#[derive(Clone, Debug)]
struct Model {
    nodes: BTreeMap<String, ModelNode>,
    clock: u64,
}

/// A change: the path, whether only exact watches hear of it, and who could read it.
type Change = (String, bool, Vec<Perms>);

fn parent(path: &str) -> Option<String> {
    match path.rsplit_once('/') {
        _ if path == "/" => None,
        Some(("", _)) => Some("/".to_owned()),
        other => other.map(|(parent, _)| parent.to_owned()),
    }
}

fn is_below(path: &str, above: &str) -> bool {
    path == above || above == "/" || path.starts_with(&format!("{above}/"))
}

impl Model {
    fn new() -> Model {
        let node = ModelNode {
            value: vec![],
            perms: Perms::owned_by(0, Access::None),
            generation: 0,
        };
        let paths = ["/", "/tool", "/tool/xenstored"];
        Model {
            nodes: paths.map(|path| (path.to_owned(), node.clone())).into(),
            clock: 0,
        }
    }

    fn nearest(&self, path: &str) -> String {
        let mut path = path.to_owned();
        while !self.nodes.contains_key(&path) {
            path = parent(&path).unwrap();
        }
        path
    }

    fn tick(&mut self, path: &str) {
        self.clock += 1;
        self.nodes.get_mut(path).unwrap().generation = self.clock;
    }

    fn names(&self, path: &str) -> Vec<u8> {
        let children = self
            .nodes
            .keys()
            .filter(|other| parent(other).as_deref() == Some(path));
        terminated(children.map(|child| child.rsplit_once('/').unwrap().1))
    }

    fn ask(
        &mut self,
        domid: Domid,
        kind: Kind,
        path: &str,
        argument: &[u8],
        touched: &mut BTreeSet<String>,
        changes: &mut Vec<Change>,
    ) -> Result<Vec<u8>, ErrorName> {
        if kind == Kind::Rm && path == "/" {
            return Err(ErrorName::Einval);
        }
        touched.insert(path.to_owned());
        let reads = matches!(kind, Kind::Read | Kind::Directory | Kind::GetPerms);
        let wanted = if reads { Access::Read } else { Access::Write };
        let nearest = self.nearest(path);
        if domid != 0 {
            touched.insert(nearest.clone());
        }
        let found = self.nodes[&nearest].clone();
        if !found.perms.access_of(domid).allows(wanted) {
            return Err(ErrorName::Eacces);
        }
        let exists = nearest == path;
        let above = parent(path);
        match kind {
            Kind::Write | Kind::Mkdir if !exists => {
                touched.insert(nearest.clone());
                let perms = found.perms.inherited_by(domid);
                let mut missing = vec![path.to_owned()];
                while let Some(up) = parent(missing.last().unwrap()).filter(|up| *up != nearest) {
                    missing.push(up);
                }
                for path in missing.iter().rev() {
                    touched.insert(path.clone());
                    let node = ModelNode {
                        value: vec![],
                        perms: perms.clone(),
                        generation: 0,
                    };
                    self.nodes.insert(path.clone(), node);
                    self.tick(path);
                    self.tick(&parent(path).unwrap());
                }
                if kind == Kind::Write {
                    self.nodes.get_mut(path).unwrap().value = argument.to_vec();
                }
                changes.push((path.to_owned(), false, vec![perms]));
                Ok(b"OK\0".to_vec())
            }
            Kind::Mkdir => Ok(b"OK\0".to_vec()),
            Kind::Rm if !exists => {
                touched.extend(above.clone());
                if above == Some(nearest) {
                    Ok(b"OK\0".to_vec())
                } else {
                    Err(ErrorName::Enoent)
                }
            }
            _ if !exists => Err(ErrorName::Enoent),
            Kind::Read => Ok(found.value),
            Kind::Directory => Ok(self.names(path)),
            Kind::GetPerms => Ok(terminated(
                found.perms.entries().map(|entry| entry.to_string()),
            )),
            Kind::Write => {
                self.nodes.get_mut(path).unwrap().value = argument.to_vec();
                self.tick(path);
                changes.push((path.to_owned(), false, vec![found.perms]));
                Ok(b"OK\0".to_vec())
            }
            Kind::Rm => {
                let above = above.unwrap();
                touched.insert(above.clone());
                for (gone, node) in self.nodes.clone() {
                    if is_below(&gone, path) {
                        touched.insert(gone.clone());
                        self.nodes.remove(&gone);
                        changes.push((gone.clone(), gone != path, vec![node.perms]));
                    }
                }
                self.tick(&above);
                Ok(b"OK\0".to_vec())
            }
            Kind::SetPerms => {
                let perms = Perms::parse(argument.split(|byte| *byte == 0)).unwrap();
                if domid != 0 && domid != found.perms.owner() {
                    return Err(ErrorName::Eacces);
                }
                if domid != 0 && perms.owner() != domid {
                    return Err(ErrorName::Eperm);
                }
                self.nodes.get_mut(path).unwrap().perms = perms.clone();
                self.tick(path);
                changes.push((path.to_owned(), false, vec![found.perms, perms]));
                Ok(b"OK\0".to_vec())
            }
            _ => unreachable!("no other kind is generated"),
        }
    }

    fn may_see(&self, domid: Domid, path: &str, perms: &[Perms]) -> bool {
        let above = parent(path).map(|above| self.nodes[&self.nearest(&above)].perms.clone());
        perms
            .iter()
            .chain(&above)
            .any(|perms| perms.access_of(domid).allows(Access::Read))
    }
}

#[derive(Debug)]
struct ModelTransaction {
    base: Model,
    model: Model,
    touched: BTreeSet<String>,
    log: Vec<(Kind, String, Vec<u8>)>,
}

#[derive(Debug)]
struct ModelWatch {
    conn: usize,
    sent: String,
    full: String,
    token: String,
}

struct Pair {
    store: Store,
    conns: Vec<ConnId>,
    model: Model,
    watches: Vec<ModelWatch>,
    transactions: BTreeMap<(usize, usize), (u32, Option<ModelTransaction>)>,
}

type Events = Vec<(usize, String)>;

impl Pair {
    fn new() -> Pair {
        let mut store = Store::default();
        let conns = DOMIDS.map(|domid| store.connect(domid)).to_vec();
        let (watches, transactions) = (Vec::new(), BTreeMap::new());
        Pair {
            store,
            conns,
            model: Model::new(),
            watches,
            transactions,
        }
    }

    fn ask(
        &mut self,
        conn: usize,
        tx_id: u32,
        kind: Kind,
        payload: Vec<u8>,
    ) -> (Result<Vec<u8>, ErrorName>, Events) {
        let request = Packet {
            kind,
            req_id: 1,
            tx_id,
            payload,
        };
        let mut deliveries = self.store.request(self.conns[conn], &request).into_iter();
        let (_, reply) = deliveries.next().unwrap();
        let number = |id| self.conns.iter().position(|conn| *conn == id).unwrap();
        let text = |payload: &[u8]| String::from_utf8_lossy(payload).replace('\0', "|");
        let events = deliveries
            .map(|(id, event)| (number(id), text(&event.payload)))
            .collect();
        let result = match reply.kind {
            Kind::Error => Err(ErrorName::from_bytes(
                reply.payload.strip_suffix(&[0]).unwrap(),
            )),
            _ => Ok(reply.payload),
        };
        (result, events)
    }

    fn expected_events(&self, changes: &[Change]) -> Events {
        let mut events = Vec::new();
        for (path, exact, perms) in changes {
            for watch in &self.watches {
                let hit = if *exact {
                    *path == watch.full
                } else {
                    is_below(path, &watch.full)
                };
                if hit && self.model.may_see(DOMIDS[watch.conn], path, perms) {
                    let shown = format!(
                        "{}{}",
                        watch.sent,
                        &path[watch.full.len().min(path.len())..]
                    );
                    let shown = if watch.full == "/" {
                        path.clone()
                    } else {
                        shown
                    };
                    events.push((watch.conn, format!("{shown}|{}|", watch.token)));
                }
            }
        }
        events
    }

    fn perform(&mut self, act: &Act) -> Result<(), TestCaseError> {
        match *act {
            Act::Node {
                conn,
                slot,
                kind,
                path,
                argument,
            } => self.node(conn, slot, kind, path, argument),
            Act::Begin { conn, slot } => {
                let (reply, events) = self.ask(conn, 0, Kind::TransactionStart, vec![0]);
                prop_assert!(events.is_empty());
                let reply = reply.unwrap();
                let id = std::str::from_utf8(&reply)
                    .unwrap()
                    .trim_end_matches('\0')
                    .parse()
                    .unwrap();
                let (base, model) = (self.model.clone(), self.model.clone());
                let transaction = ModelTransaction {
                    base,
                    model,
                    touched: BTreeSet::new(),
                    log: vec![],
                };
                let old = self
                    .transactions
                    .insert((conn, slot), (id, Some(transaction)));
                if let Some((id, Some(_))) = old {
                    prop_assert!(
                        self.ask(conn, id, Kind::TransactionEnd, b"F\0".to_vec())
                            .0
                            .is_ok()
                    );
                }
                Ok(())
            }
            Act::End { conn, slot, commit } => self.end(conn, slot, commit),
            Act::Watch { conn, path, token } => {
                let (sent, full) = (PATHS[path].to_owned(), full(path, conn));
                let token = token.to_string();
                let known = self.position(conn, &full, &token).is_some();
                let (reply, events) = self.ask(conn, 0, Kind::Watch, terminated([&sent, &token]));
                prop_assert_eq!(reply.is_err(), known);
                let first = vec![(conn, format!("{sent}|{token}|"))];
                prop_assert_eq!(events, if known { vec![] } else { first });
                if !known {
                    self.watches.push(ModelWatch {
                        conn,
                        sent,
                        full,
                        token,
                    });
                }
                Ok(())
            }
            Act::Unwatch { conn, path, token } => {
                let token = token.to_string();
                let position = self.position(conn, &full(path, conn), &token);
                let (reply, _) =
                    self.ask(conn, 0, Kind::Unwatch, terminated([PATHS[path], &token]));
                prop_assert_eq!(reply.is_ok(), position.is_some());
                position.map(|position| self.watches.remove(position));
                Ok(())
            }
            Act::Reset { conn } => {
                prop_assert!(self.ask(conn, 0, Kind::ResetWatches, vec![0]).0.is_ok());
                self.watches.retain(|watch| watch.conn != conn);
                for ((owner, _), (_, transaction)) in &mut self.transactions {
                    if *owner == conn {
                        *transaction = None;
                    }
                }
                Ok(())
            }
        }
    }

    fn position(&self, conn: usize, full: &str, token: &str) -> Option<usize> {
        let same =
            |watch: &ModelWatch| watch.conn == conn && watch.full == full && watch.token == token;
        self.watches.iter().position(same)
    }

    fn node(
        &mut self,
        conn: usize,
        slot: Option<usize>,
        kind: Kind,
        path: usize,
        argument: usize,
    ) -> Result<(), TestCaseError> {
        let argument = match kind {
            Kind::Write => argument.to_string().into_bytes(),
            Kind::SetPerms => PERMS[argument].replace('|', "\0").into_bytes(),
            _ => Vec::new(),
        };
        let mut payload = terminated([PATHS[path]]);
        payload.extend_from_slice(&argument);
        if kind == Kind::SetPerms {
            payload.push(0);
        }
        let path = full(path, conn);
        let (domid, mut changes) = (DOMIDS[conn], Vec::new());
        let Some(slot) = slot else {
            let (reply, events) = self.ask(conn, 0, kind, payload);
            let expected = self.model.ask(
                domid,
                kind,
                &path,
                &argument,
                &mut BTreeSet::new(),
                &mut changes,
            );
            prop_assert_eq!(reply, expected);
            prop_assert_eq!(events, self.expected_events(&changes));
            return Ok(());
        };
        let Some((id, _)) = self.transactions.get(&(conn, slot)) else {
            return Ok(());
        };
        let (reply, events) = self.ask(conn, *id, kind, payload);
        prop_assert!(events.is_empty(), "before the commit");
        let expected = match &mut self.transactions.get_mut(&(conn, slot)).unwrap().1 {
            Some(transaction) => {
                transaction.log.push((kind, path.clone(), argument.clone()));
                let ModelTransaction { model, touched, .. } = transaction;
                model.ask(domid, kind, &path, &argument, touched, &mut changes)
            }
            None => Err(ErrorName::Enoent),
        };
        prop_assert_eq!(reply, expected);
        Ok(())
    }

    fn end(&mut self, conn: usize, slot: usize, commit: bool) -> Result<(), TestCaseError> {
        let Some((id, transaction)) = self.transactions.remove(&(conn, slot)) else {
            return Ok(());
        };
        let verdict = if commit { b"T\0" } else { b"F\0" };
        let (reply, events) = self.ask(conn, id, Kind::TransactionEnd, verdict.to_vec());
        let Some(transaction) = transaction else {
            prop_assert_eq!(reply, Err(ErrorName::Enoent));
            return Ok(());
        };
        let generation =
            |model: &Model, path: &String| model.nodes.get(path).map(|node| node.generation);
        let steady = |path| generation(&transaction.base, path) == generation(&self.model, path);
        if !commit || !transaction.touched.iter().all(steady) {
            prop_assert_eq!(reply.err(), commit.then_some(ErrorName::Eagain));
            prop_assert!(events.is_empty());
            return Ok(());
        }
        prop_assert_eq!(reply, Ok(b"OK\0".to_vec()));
        let before = self.model.clone();
        let mut changes = Vec::new();
        for (kind, path, argument) in &transaction.log {
            let _ = self.model.ask(
                DOMIDS[conn],
                *kind,
                path,
                argument,
                &mut BTreeSet::new(),
                &mut changes,
            );
        }
        // Sound: each event is one that the changes, made one by one, could have caused. Removed
        // nodes may be told more widely, when something came in their place afterwards.
        let wide: Vec<Change> = changes
            .iter()
            .map(|(path, _, perms)| (path.clone(), false, self.readers(&before, path, perms)))
            .collect();
        let possible = self.expected_events(&wide);
        for event in &events {
            prop_assert!(possible.contains(event), "unexpected {:?}", event);
        }
        // Complete: whoever watches a node that is different now, and may read it, was told.
        for (path, node) in &self.model.nodes {
            let content = |node: &ModelNode| (node.value.clone(), node.perms.clone());
            let told = changes.iter().any(|(other, ..)| other == path);
            if told && before.nodes.get(path).map(content) != Some(content(node)) {
                for event in
                    self.expected_events(&[(path.clone(), false, vec![node.perms.clone()])])
                {
                    prop_assert!(events.contains(&event), "missing {:?}", event);
                }
            }
        }
        for (path, node) in &before.nodes {
            if !self.model.nodes.contains_key(path) {
                for event in self.expected_events(&[(path.clone(), true, vec![node.perms.clone()])])
                {
                    prop_assert!(events.contains(&event), "missing {:?}", event);
                }
            }
        }
        Ok(())
    }

    fn readers(&self, before: &Model, path: &str, perms: &[Perms]) -> Vec<Perms> {
        let ends = [before, &self.model];
        let ends = ends.into_iter().filter_map(|model| model.nodes.get(path));
        perms
            .iter()
            .cloned()
            .chain(ends.map(|node| node.perms.clone()))
            .collect()
    }

    /// The whole tree is the model's, and the count of each owner's nodes is right.
    fn compare(&mut self) -> Result<(), TestCaseError> {
        let mut owned: BTreeMap<Domid, usize> = BTreeMap::new();
        let root = NodePath::root();
        let paths = self.store.tree.get(&root).unwrap().paths(&root);
        prop_assert_eq!(paths.len(), self.model.nodes.len());
        for path in paths {
            let node = self.store.tree.get(&path).unwrap();
            let expected = self
                .model
                .nodes
                .get(path.as_str())
                .expect("in the model too");
            prop_assert_eq!(node.value().as_ref(), expected.value.as_slice());
            prop_assert_eq!(node.perms().as_ref(), &expected.perms);
            prop_assert_eq!(node.names_len(), self.model.names(path.as_str()).len());
            *owned.entry(node.perms().owner()).or_default() += 1;
        }
        prop_assert_eq!(
            self.store
                .tree
                .owners()
                .map(|(domid, usage)| (domid, usage.nodes))
                .collect::<BTreeMap<_, _>>(),
            owned
        );
        Ok(())
    }
}

fn full(path: usize, conn: usize) -> String {
    NodePath::resolve(PATHS[path].as_bytes(), DOMIDS[conn])
        .unwrap()
        .as_str()
        .to_owned()
}

proptest! {
    #![proptest_config(test_cases())]

    #[test]
    fn the_store_does_what_the_model_does(acts in acts()) {
        let mut pair = Pair::new();
        for act in &acts {
            pair.perform(act)?;
            pair.compare()?;
        }
    }
}
