//! Whom a machine would ask to carry a packet: one RTM_GETROUTE to the kernel of the calling
//! thread's namespace (rtnetlink(7)). Only the next hop is read from the answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};

/// From linux/rtnetlink.h and linux/netlink.h.
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const NLM_F_REQUEST: u16 = 1;
const RTA_DST: u16 = 1;
const RTA_GATEWAY: u16 = 5;
const RTA_VIA: u16 = 18;
/// Lengths of nlmsghdr and rtmsg.
const HEADERS: usize = 16 + 12;

/// The gateway, or the address itself where it is on a link; nothing where there is no route.
pub(super) fn next_hop(to: IpAddr) -> Result<Option<IpAddr>, Errno> {
    let flags = SocketFlags::CLOEXEC;
    // NETLINK_ROUTE is protocol 0.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    sendto(
        &socket,
        &request(to),
        SendFlags::empty(),
        &SocketAddrNetlink::new(0, 0),
    )?;
    let mut answer = [0; 4096];
    let (length, _) = recv(&socket, &mut answer, RecvFlags::empty())?;
    Ok(answer.get(..length).and_then(|answer| gateway(answer, to)))
}

fn request(to: IpAddr) -> Vec<u8> {
    let (family, bits, address) = match to {
        IpAddr::V4(v4) => (libc::AF_INET, 32, v4.octets().to_vec()),
        IpAddr::V6(v6) => (libc::AF_INET6, 128, v6.octets().to_vec()),
    };
    let attribute = 4 + address.len();
    let mut message = Vec::new();
    // Both lengths are below 100 and both families below 256.
    message.extend(
        u32::try_from(HEADERS + attribute)
            .unwrap_or(0)
            .to_ne_bytes(),
    );
    message.extend(RTM_GETROUTE.to_ne_bytes());
    message.extend(NLM_F_REQUEST.to_ne_bytes());
    message.extend([0; 8]);
    message.extend([u8::try_from(family).unwrap_or(0), bits]);
    message.extend([0; 10]);
    message.extend(u16::try_from(attribute).unwrap_or(0).to_ne_bytes());
    message.extend(RTA_DST.to_ne_bytes());
    message.extend(address);
    message
}

/// Reads the answer; an error message in it means that there is no route.
fn gateway(answer: &[u8], to: IpAddr) -> Option<IpAddr> {
    let half =
        |bytes: &[u8], at: usize| Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    if half(answer, 4)? != RTM_NEWROUTE {
        return None;
    }
    let mut rest = answer.get(HEADERS..)?;
    while let (Some(length), Some(kind)) = (half(rest, 0), half(rest, 2)) {
        let length = usize::from(length);
        let value = rest.get(4..length)?;
        match kind {
            RTA_GATEWAY => return address(value),
            // An address of the other family follows the two bytes of its family (RFC 5549 routes).
            RTA_VIA => return address(value.get(2..)?),
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(to)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(v4).into());
    }
    <[u8; 16]>::try_from(bytes)
        .ok()
        .map(|v6| Ipv6Addr::from(v6).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(attributes: &[&[u8]]) -> Vec<u8> {
        let mut message = vec![0; HEADERS];
        message[4..6].copy_from_slice(&RTM_NEWROUTE.to_ne_bytes());
        message.extend(attributes.concat());
        message
    }

    #[test]
    fn a_gateway_is_the_next_hop() {
        let to = IpAddr::from([192, 0, 2, 1]);
        let oif = [8, 0, 4, 0, 2, 0, 0, 0];
        assert_eq!(gateway(&answer(&[&oif]), to), Some(to));
        let via = [8, 0, 5, 0, 10, 0, 0, 1];
        assert_eq!(
            gateway(&answer(&[&oif, &via]), to),
            Some([10, 0, 0, 1].into())
        );
        assert_eq!(gateway(&[0; 40], to), None);
        assert_eq!(
            gateway(&answer(&[&[2, 0, 0, 0]]), to),
            None,
            "an attribute shorter than itself"
        );
    }

    #[test]
    fn a_request_has_the_length_it_says() {
        for to in [IpAddr::from([192, 0, 2, 1]), Ipv6Addr::LOCALHOST.into()] {
            let message = request(to);
            assert_eq!(
                message[..4],
                u32::try_from(message.len()).expect("short").to_ne_bytes()
            );
        }
    }
}
