//! Open vSwitch, by its database (RFC 7047: JSON-RPC on a unix socket), without a program started.
//!
//! A port is one transaction: the old one goes and the new one comes, or nothing happens. Then
//! ovs-vswitchd is waited for, which says in the database what it has done (cur_cfg).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use xenwire_core::journal::Fault;
use xenwire_core::name::IfName;
use xenwire_core::state::{SwitchChange, SwitchPort, Switches};

use crate::journal::Announced;

/// How long Open vSwitch may take, as with ovs-vsctl's `--timeout=30` in Xen's script.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to the database.
pub struct Switch {
    stream: UnixStream,
    replies: serde_json::StreamDeserializer<'static, serde_json::de::IoRead<UnixStream>, Value>,
    requests: u64,
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

/// Where the database's socket is. `env` looks up a variable (ovs-vsctl(8), OVS_RUNDIR).
pub fn place(env: impl Fn(&str) -> Option<String>) -> PathBuf {
    let folder = env("OVS_RUNDIR").unwrap_or_else(|| "/run/openvswitch".into());
    Path::new(&folder).join("db.sock")
}

impl Switch {
    /// Connects.
    ///
    /// # Errors
    /// One sentence.
    pub fn connect(place: &Path) -> Result<Self, String> {
        let connected = || -> io::Result<Self> {
            let stream = UnixStream::connect(place)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            let reader = serde_json::Deserializer::from_reader(stream.try_clone()?);
            Ok(Self {
                stream,
                replies: reader.into_iter(),
                requests: 0,
            })
        };
        connected().map_err(|error| {
            format!(
                "Open vSwitch's database does not answer at {}: {error}; is openvswitch-switch running?",
                place.display()
            )
        })
    }

    /// What it knows of a bridge and of ports.
    ///
    /// # Errors
    /// One sentence.
    pub fn look(
        &mut self,
        bridge: Option<&IfName>,
        ports: &BTreeSet<IfName>,
    ) -> Result<Switches, String> {
        let mut found = Switches::default();
        if let Some(bridge) = bridge {
            let select = select(
                "Bridge",
                &json!([["name", "==", bridge.as_str()]]),
                &["name"],
            );
            let [rows] = self.transact(&[select])?;
            if !rows_of(&rows).is_empty() {
                found.bridges.insert(bridge.clone());
            }
        }
        for port in ports {
            if let Some(there) = self.port(port)? {
                found.ports.insert(port.clone(), there);
            }
        }
        Ok(found)
    }

    /// All its ports for whose texts (Interface, external_ids) this holds.
    ///
    /// # Errors
    /// One sentence.
    pub fn ports(
        &mut self,
        holds: impl Fn(&BTreeMap<String, String>) -> bool,
    ) -> Result<BTreeMap<IfName, SwitchPort>, String> {
        let every = select("Interface", &json!([]), &["name", "external_ids"]);
        let [rows] = self.transact(&[every])?;
        let mut ports = BTreeMap::new();
        for row in rows_of(&rows) {
            let name = row["name"].as_str().and_then(|name| name.parse().ok());
            let Some(name) = name.filter(|_| holds(&map_of(&row["external_ids"]))) else {
                continue;
            };
            if let Some(port) = self.port(&name)? {
                ports.insert(name, port);
            }
        }
        Ok(ports)
    }

    fn port(&mut self, name: &IfName) -> Result<Option<SwitchPort>, String> {
        let named = json!([["name", "==", name.as_str()]]);
        let [ports, interfaces] = self.transact(&[
            select("Port", &named, &["_uuid", "tag", "trunks"]),
            select("Interface", &named, &["external_ids"]),
        ])?;
        let Some(port) = rows_of(&ports).first() else {
            return Ok(None);
        };
        let holds = json!([["ports", "includes", port["_uuid"]]]);
        let [bridges] = self.transact(&[select("Bridge", &holds, &["name"])])?;
        let bridge = rows_of(&bridges)
            .first()
            .and_then(|row| row["name"].as_str());
        let Some(bridge) = bridge.and_then(|bridge| bridge.parse().ok()) else {
            return Ok(None);
        };
        let numbers = |column: &Value| -> BTreeSet<u16> {
            let numbers = set_of(column).into_iter();
            let numbers = numbers.filter_map(|value| u16::try_from(value.as_u64()?).ok());
            numbers.collect()
        };
        let ids = rows_of(&interfaces)
            .first()
            .map(|row| map_of(&row["external_ids"]));
        Ok(Some(SwitchPort {
            bridge,
            tag: numbers(&port["tag"]).into_iter().next(),
            trunks: numbers(&port["trunks"]),
            external_ids: ids.unwrap_or_default(),
        }))
    }

    /// Does a change, whole or not at all.
    ///
    /// # Errors
    /// A [`Fault`].
    pub fn perform(&mut self, _announced: &Announced, change: &SwitchChange) -> Result<(), Fault> {
        self.change(change).map_err(|reason| Fault {
            operation: change.to_string(),
            errno: None,
            reason,
        })
    }

    fn change(&mut self, change: &SwitchChange) -> Result<(), String> {
        let number = self.put(&change.port, change.to.as_ref())?;
        if change.to.is_none() {
            // Letting go of a link, ovs-vswitchd gives it the flags that it last saw there
            // (netdev_restore_flags, lib/netdev.c): whoever takes it down must come after that. The
            // port is gone in any case, and a switch that does not act keeps no guest.
            let _ = self.wait_for(number);
            return Ok(());
        }
        let done = self
            .wait_for(number)
            .and_then(|()| self.accepted(&change.port));
        if done.is_err() {
            // ovs-vswitchd would try again whenever such a link comes.
            self.put(&change.port, change.from.as_ref())?;
        }
        done
    }

    /// One transaction; returns the number of the configuration that it makes.
    fn put(&mut self, port: &IfName, to: Option<&SwitchPort>) -> Result<u64, String> {
        let named = json!([["name", "==", port.as_str()]]);
        let [found] = self.transact(&[select("Port", &named, &["_uuid"])])?;
        let mut operations = Vec::new();
        // Rows that nothing refers to go by themselves.
        for row in rows_of(&found) {
            operations.push(json!({
                "op": "mutate", "table": "Bridge",
                "where": [["ports", "includes", row["_uuid"]]],
                "mutations": [["ports", "delete", row["_uuid"]]],
            }));
        }
        if let Some(to) = to {
            let ids: Vec<_> = to.external_ids.iter().map(|(k, v)| json!([k, v])).collect();
            operations.push(json!({
                "op": "insert", "table": "Interface", "uuid-name": "interface",
                "row": {"name": port.as_str(), "external_ids": ["map", ids]},
            }));
            let trunks: Vec<u16> = to.trunks.iter().copied().collect();
            let tag: Vec<u16> = to.tag.into_iter().collect();
            operations.push(json!({
                "op": "insert", "table": "Port", "uuid-name": "port",
                "row": {
                    "name": port.as_str(), "interfaces": ["named-uuid", "interface"],
                    "tag": ["set", tag], "trunks": ["set", trunks],
                },
            }));
            // A bridge that has gone meanwhile makes the whole fail, not only this line.
            let bridge = json!([["name", "==", to.bridge.as_str()]]);
            operations.push(json!({
                "op": "wait", "table": "Bridge", "timeout": 0, "where": bridge,
                "columns": ["name"], "until": "==", "rows": [{"name": to.bridge.as_str()}],
            }));
            operations.push(json!({
                "op": "mutate", "table": "Bridge", "where": bridge,
                "mutations": [["ports", "insert", ["named-uuid", "port"]]],
            }));
        }
        operations.push(json!({
            "op": "mutate", "table": "Open_vSwitch", "where": [],
            "mutations": [["next_cfg", "+=", 1]],
        }));
        operations.push(select("Open_vSwitch", &json!([]), &["next_cfg"]));
        let results = self.results(&operations)?;
        let last = results.get(operations.len() - 1);
        let number = last.and_then(|rows| rows_of(rows).first()?["next_cfg"].as_u64());
        number.ok_or_else(|| format!("Open vSwitch's answer has no next_cfg: {results:?}"))
    }

    /// Waits until ovs-vswitchd has acted on a configuration.
    fn wait_for(&mut self, number: u64) -> Result<(), String> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let [rows] = self.transact(&[select("Open_vSwitch", &json!([]), &["cur_cfg"])])?;
            let now = rows_of(&rows)
                .first()
                .and_then(|row| row["cur_cfg"].as_u64());
            if now.is_some_and(|now| now >= number) {
                return Ok(());
            }
            let left = give_up.saturating_duration_since(Instant::now());
            let late = || {
                format!(
                    "ovs-vswitchd has not acted within {} s; is it running?",
                    PATIENCE.as_secs()
                )
            };
            if left.is_zero() {
                return Err(late());
            }
            let changes = json!({
                "op": "wait", "table": "Open_vSwitch", "where": [], "columns": ["cur_cfg"],
                "timeout": u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
                "until": "!=", "rows": [{"cur_cfg": now}],
            });
            self.results(&[changes]).map_err(|_| late())?;
        }
    }

    /// Whether ovs-vswitchd could take the link.
    fn accepted(&mut self, port: &IfName) -> Result<(), String> {
        let named = json!([["name", "==", port.as_str()]]);
        let [rows] = self.transact(&[select("Interface", &named, &["error"])])?;
        let error = rows_of(&rows).first().map(|row| set_of(&row["error"]));
        match error.unwrap_or_default().first() {
            None => Ok(()),
            Some(error) => Err(format!("Open vSwitch: {}", error.as_str().unwrap_or("?"))),
        }
    }

    fn transact<const N: usize>(&mut self, operations: &[Value; N]) -> Result<[Value; N], String> {
        let results = self.results(operations)?;
        let results: Result<[Value; N], _> = results.try_into();
        results.map_err(|results| format!("Open vSwitch's database answered {results:?}"))
    }

    fn results(&mut self, operations: &[Value]) -> Result<Vec<Value>, String> {
        self.requests += 1;
        let mut params = vec![json!("Open_vSwitch")];
        params.extend_from_slice(operations);
        let request = json!({"method": "transact", "params": params, "id": self.requests});
        self.say(&request)?;
        let reply = loop {
            let reply = match self.replies.next() {
                Some(reply) => {
                    reply.map_err(|error| format!("Open vSwitch's database: {error}"))?
                }
                None => return Err("Open vSwitch's database has hung up".into()),
            };
            if reply["id"] == json!(self.requests) && reply.get("method").is_none() {
                break reply;
            }
            // It asks whether we are there (RFC 7047, 4.1.11).
            if reply["method"] == "echo" {
                self.say(&json!({"result": reply["params"], "error": null, "id": reply["id"]}))?;
            }
        };
        let results = reply["result"].as_array().cloned().unwrap_or_default();
        let wrong = results
            .iter()
            .chain([&reply])
            .find(|r| r["error"].is_string() || r["error"].is_object());
        match wrong {
            Some(wrong) => Err(format!(
                "Open vSwitch's database refuses: {} {}",
                wrong["error"],
                wrong["details"].as_str().unwrap_or_default()
            )),
            None => Ok(results),
        }
    }

    fn say(&mut self, message: &Value) -> Result<(), String> {
        let sent = self.stream.write_all(message.to_string().as_bytes());
        sent.map_err(|error| format!("Open vSwitch's database: {error}"))
    }
}

fn select(table: &str, condition: &Value, columns: &[&str]) -> Value {
    json!({"op": "select", "table": table, "where": condition, "columns": columns})
}

fn rows_of(result: &Value) -> &[Value] {
    result["rows"].as_array().map_or(&[], Vec::as_slice)
}

/// A column of several values: `["set", […]]`, or the one that it has (RFC 7047, 5.1).
fn set_of(column: &Value) -> Vec<&Value> {
    match column.as_array().map(Vec::as_slice) {
        Some([kind, Value::Array(values)]) if kind == "set" => values.iter().collect(),
        _ => vec![column],
    }
}

/// A column of pairs: `["map", [[key, value] …]]`.
fn map_of(column: &Value) -> BTreeMap<String, String> {
    let pairs = column[1].as_array().map_or(&[][..], Vec::as_slice);
    pairs
        .iter()
        .filter_map(|pair| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned())))
        .collect()
}
