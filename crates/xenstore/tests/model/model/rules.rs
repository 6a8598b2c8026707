//! Texts by the letter of the protocol: payloads, paths, numbers, permission lists.
//!
//! Source: `docs/misc/xenstore.txt` for what a request carries, `xs_wire.h` for the lengths.

use xenwire_xenstore::Domid;
use xenwire_xenstore::wire::ErrorName;

/// Letter and domid of every entry, the owner's first.
pub type List = Vec<(u8, Domid)>;

/// The strings of a payload, each ended by a NUL; EINVAL if the last one is not.
pub fn strings(payload: &[u8]) -> Result<Vec<&[u8]>, ErrorName> {
    match payload {
        [] => Ok(Vec::new()),
        [strings @ .., 0] => Ok(strings.split(|byte| *byte == 0).collect()),
        _ => Err(ErrorName::Einval),
    }
}

/// So many strings and no others.
pub fn exactly<const N: usize>(payload: &[u8]) -> Result<[&[u8]; N], ErrorName> {
    strings(payload)?.try_into().map_err(|_| ErrorName::Einval)
}

/// A decimal number without a sign.
pub fn number<T: TryFrom<u64>>(text: &[u8]) -> Result<T, ErrorName> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| digits);
    let number: Option<u64> = text.and_then(|text| text.parse().ok());
    let number = number.and_then(|number| T::try_from(number).ok());
    number.ok_or(ErrorName::Einval)
}

/// The absolute form of a path that a domain sends.
pub fn absolute(path: &[u8], caller: Domid) -> Result<String, ErrorName> {
    let text = std::str::from_utf8(path).map_err(|_| ErrorName::Einval)?;
    let named = |c: char| c.is_ascii_alphanumeric() || "-_@".contains(c);
    let names = text.strip_prefix('/').unwrap_or(text);
    let is_root = text == "/";
    let well_formed = is_root
        || names
            .split('/')
            .all(|n| !n.is_empty() && n.chars().all(named));
    if !well_formed || text.starts_with('@') {
        return Err(ErrorName::Einval);
    }
    if !text.starts_with('/') {
        let fits = text.len() <= 2048;
        let full = format!("{}/{text}", home(caller));
        return fits.then_some(full).ok_or(ErrorName::Einval);
    }
    // What follows the place where a domain's relative paths start may not be longer than they are.
    let mut parts = text.splitn(5, '/').skip(1);
    let in_domain = parts.next() == Some("local") && parts.next() == Some("domain");
    let of_number = parts
        .next()
        .is_some_and(|n| n.bytes().all(|byte| byte.is_ascii_digit()));
    let rest = parts
        .next()
        .filter(|_| in_domain && of_number)
        .unwrap_or("");
    let fits = text.len() <= 3072 && rest.len() <= 2048;
    fits.then(|| text.to_owned()).ok_or(ErrorName::Einval)
}

/// Where the relative paths of a domain start.
pub fn home(domid: Domid) -> String {
    format!("/local/domain/{domid}")
}

/// The path above; the root has none.
pub fn parent(path: &str) -> Option<&str> {
    let slash = path.rfind('/').filter(|_| path != "/")?;
    Some(if slash == 0 { "/" } else { &path[..slash] })
}

/// How many levels below a path another is; `None` if it is elsewhere.
pub fn levels_below(path: &str, above: &str) -> Option<usize> {
    let rest = if above == "/" {
        if path == "/" { "" } else { path }
    } else {
        path.strip_prefix(above)?
    };
    let below = rest.is_empty() || rest.starts_with('/');
    below.then(|| rest.matches('/').count())
}

/// The entries of SET_PERMS.
pub fn list(entries: &[&[u8]]) -> Result<List, ErrorName> {
    let entry = |text: &&[u8]| match text.split_first() {
        Some((letter @ (b'n' | b'r' | b'w' | b'b'), domid)) => Ok((*letter, number(domid)?)),
        _ => Err(ErrorName::Einval),
    };
    entries.iter().map(entry).collect()
}

/// A list as GET_PERMS shows it.
pub fn shown(list: &List) -> Vec<u8> {
    let entries = list.iter();
    let texts = entries.map(|(letter, domid)| format!("{}{domid}\0", char::from(*letter)));
    texts.collect::<String>().into_bytes()
}

/// Whether a list lets a domain read (`r`) or write (`w`): the owner and dom0 always, the others as
/// their first entry says, or else as the owner's letter does.
pub fn allows(list: &List, domid: Domid, wanted: u8) -> bool {
    let (default, owner) = list[0];
    let own = list.iter().skip(1).find(|(_, listed)| *listed == domid);
    let letter = own.map_or(default, |(letter, _)| *letter);
    domid == 0 || domid == owner || letter == wanted || letter == b'b'
}
