//! The kernel's tables of TCP sockets, of IPv4 and IPv6, and which process holds which.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A row of the kernel's tables of TCP sockets.
pub struct Socket {
    pub address: String,
    pub port: u16,
    pub peer: u16,
    /// In hexadecimal: `0A` is LISTEN, `08` is CLOSE_WAIT.
    pub state: String,
    pub inode: String,
}

impl Socket {
    pub fn is_held_by(&self, pid: u32) -> bool {
        held(pid).iter().any(|(_, inode)| *inode == self.inode)
    }
}

/// The sockets whose row contains `text`. There may be thousands: only these rows are parsed.
fn rows(text: &str) -> Vec<Socket> {
    let table = |name| std::fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default();
    let tables = table("tcp") + &table("tcp6");
    tables.lines().filter(|row| row.contains(text)).filter_map(socket).collect()
}

/// Those with this port at either end.
pub fn of(port: u16) -> Vec<Socket> {
    rows(&format!(":{port:04X} "))
}

/// Those in this state, as two hexadecimal digits.
pub fn in_state(state: &str) -> Vec<Socket> {
    rows(&format!(" {state} "))
}

pub fn listening() -> Vec<Socket> {
    rows(" 0A ")
}

fn socket(row: &str) -> Option<Socket> {
    let words: Vec<&str> = row.split_whitespace().collect();
    let &[_, here, there, state, _, _, _, _, _, inode, ..] = &words[..] else { return None };
    let (address, port) = here.split_once(':')?;
    let (_, peer) = there.split_once(':')?;
    let number = |hex| u16::from_str_radix(hex, 16).ok();
    let (port, peer) = (number(port)?, number(peer)?);
    Some(Socket { address: notation(address)?, port, peer, state: state.into(), inode: inode.into() })
}

/// An address in dotted or colon notation; an IPv4 address mapped into IPv6 as IPv4.
fn notation(hex: &str) -> Option<String> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    if hex.len() == 8 {
        return Some(Ipv4Addr::from(word(0)?).to_string());
    }
    let bytes = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
    Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical().to_string())
}

/// The descriptors of `pid` that are sockets, and their inodes.
pub fn held(pid: u32) -> Vec<(String, String)> {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let socket = |entry: std::fs::DirEntry| {
        let link = std::fs::read_link(entry.path()).ok()?;
        let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
        Some((entry.file_name().into_string().ok()?, inode.to_string()))
    };
    open.filter_map(socket).collect()
}
