//! A packet's payload, taken apart by the rule of its kind.
//!
//! This is the one place that counts NUL bytes: whoever holds a [`Request`] has the right number of
//! arguments. Whether a path, a domid or a permission is a valid one is the store's question.
//! Invariant: never panics; a payload of the wrong shape is EINVAL, an unknown kind ENOSYS.

use super::{ErrorName, Kind, Packet, split_terminated};

/// A request with its arguments, borrowed from the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Command and parameters.
    Control(Vec<&'a [u8]>),
    /// Path.
    Directory(&'a [u8]),
    /// Path and byte offset into the list of names.
    DirectoryPart(&'a [u8], &'a [u8]),
    /// Path.
    Read(&'a [u8]),
    /// Path.
    GetPerms(&'a [u8]),
    /// Path, then one text for each entry: at least one.
    SetPerms(&'a [u8], Vec<&'a [u8]>),
    /// Path and the value: all bytes after the path's NUL, NULs among them.
    Write(&'a [u8], &'a [u8]),
    /// Path.
    Mkdir(&'a [u8]),
    /// Path.
    Rm(&'a [u8]),
    /// Path, token, and how many levels below the path count, if that was said.
    Watch(&'a [u8], &'a [u8], Option<&'a [u8]>),
    /// Path and token.
    Unwatch(&'a [u8], &'a [u8]),
    /// No argument.
    TransactionStart,
    /// Whether to commit.
    TransactionEnd(bool),
    /// domid, frame and event channel of the shared ring.
    Introduce(&'a [u8], &'a [u8], &'a [u8]),
    /// domid.
    Release(&'a [u8]),
    /// domid.
    GetDomainPath(&'a [u8]),
    /// domid.
    IsDomainIntroduced(&'a [u8]),
    /// domid.
    Resume(&'a [u8]),
    /// domid, and the domid it may act for.
    SetTarget(&'a [u8], &'a [u8]),
    /// No argument.
    ResetWatches,
    /// The features of the server, or of a domid.
    GetFeature(Option<&'a [u8]>),
    /// domid and feature bits.
    SetFeature(&'a [u8], &'a [u8]),
    /// The domid it is about, or every new domain; and the quota's name, or which there are.
    GetQuota(Option<&'a [u8]>, Option<&'a [u8]>),
    /// The domid it is about, or every new domain; the quota's name; its value.
    SetQuota(Option<&'a [u8]>, &'a [u8], &'a [u8]),
}

impl<'a> Request<'a> {
    /// Takes a packet's payload apart.
    ///
    /// # Errors
    ///
    /// EINVAL for a payload of the wrong shape; ENOSYS for a kind that clients do not send or
    /// this version does not serve.
    pub fn parse(packet: &'a Packet) -> Result<Request<'a>, ErrorName> {
        let payload = packet.payload.as_slice();
        Ok(match packet.kind {
            Kind::Control => {
                let strings = strings(payload)?;
                if strings.is_empty() {
                    return Err(ErrorName::Einval);
                }
                Request::Control(strings)
            }
            Kind::Directory => Request::Directory(single(payload)?),
            Kind::DirectoryPart => {
                let [path, offset] = exactly(payload)?;
                Request::DirectoryPart(path, offset)
            }
            Kind::Read => Request::Read(single(payload)?),
            Kind::GetPerms => Request::GetPerms(single(payload)?),
            Kind::SetPerms => match strings(payload)?.as_slice() {
                [path, entries @ ..] if !entries.is_empty() => {
                    Request::SetPerms(path, entries.to_vec())
                }
                _ => return Err(ErrorName::Einval),
            },
            Kind::Write => {
                let end = payload
                    .iter()
                    .position(|byte| *byte == 0)
                    .ok_or(ErrorName::Einval)?;
                let (path, rest) = payload.split_at(end);
                Request::Write(path, rest.get(1..).unwrap_or_default())
            }
            Kind::Mkdir => Request::Mkdir(single(payload)?),
            Kind::Rm => Request::Rm(single(payload)?),
            Kind::Watch => match strings(payload)?.as_slice() {
                [path, token] => Request::Watch(path, token, None),
                [path, token, depth] => Request::Watch(path, token, Some(depth)),
                _ => return Err(ErrorName::Einval),
            },
            Kind::Unwatch => {
                let [path, token] = exactly(payload)?;
                Request::Unwatch(path, token)
            }
            // Both carry one NUL; some clients send no byte at all, and servers take either.
            Kind::TransactionStart => Request::TransactionStart,
            Kind::ResetWatches => Request::ResetWatches,
            Kind::TransactionEnd => match single(payload)? {
                b"T" => Request::TransactionEnd(true),
                b"F" => Request::TransactionEnd(false),
                _ => return Err(ErrorName::Einval),
            },
            Kind::Introduce => {
                let [domid, frame, port] = exactly(payload)?;
                Request::Introduce(domid, frame, port)
            }
            Kind::Release => Request::Release(single(payload)?),
            Kind::GetDomainPath => Request::GetDomainPath(single(payload)?),
            Kind::IsDomainIntroduced => Request::IsDomainIntroduced(single(payload)?),
            Kind::Resume => Request::Resume(single(payload)?),
            Kind::SetTarget => {
                let [domid, target] = exactly(payload)?;
                Request::SetTarget(domid, target)
            }
            Kind::GetFeature => match strings(payload)?.as_slice() {
                [] | [b""] => Request::GetFeature(None),
                [domid] => Request::GetFeature(Some(domid)),
                _ => return Err(ErrorName::Einval),
            },
            Kind::SetFeature => {
                let [domid, value] = exactly(payload)?;
                Request::SetFeature(domid, value)
            }
            Kind::GetQuota => match strings(payload)?.as_slice() {
                [] | [b""] => Request::GetQuota(None, None),
                [name] => Request::GetQuota(None, Some(name)),
                [domid, name] => Request::GetQuota(Some(domid), Some(name)),
                _ => return Err(ErrorName::Einval),
            },
            Kind::SetQuota => match strings(payload)?.as_slice() {
                [name, value] => Request::SetQuota(None, name, value),
                [domid, name, value] => Request::SetQuota(Some(domid), name, value),
                _ => return Err(ErrorName::Einval),
            },
            Kind::WatchEvent | Kind::Error | Kind::Unknown(_) => return Err(ErrorName::Enosys),
        })
    }
}

fn strings(payload: &[u8]) -> Result<Vec<&[u8]>, ErrorName> {
    split_terminated(payload).ok_or(ErrorName::Einval)
}

fn exactly<const N: usize>(payload: &[u8]) -> Result<[&[u8]; N], ErrorName> {
    strings(payload)?.try_into().map_err(|_| ErrorName::Einval)
}

/// The argument of a one-argument request: exactly one NUL, at the end.
fn single(payload: &[u8]) -> Result<&[u8], ErrorName> {
    let [argument] = exactly(payload)?;
    Ok(argument)
}
