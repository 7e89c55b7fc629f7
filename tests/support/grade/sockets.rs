//! Who holds which socket, as the kernel tells it, of IPv4 and of IPv6.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A row of the kernel's tables of TCP sockets.
pub struct Socket {
    pub address: String,
    pub port: u16,
    pub peer: u16,
    pub listens: bool,
    /// Its peer has ended; it has not.
    pub left_alone: bool,
    pub inode: String,
}

/// The TCP sockets with this port at either end.
pub fn of(port: u16) -> Vec<Socket> {
    rows(&format!(":{port:04X} "))
}

/// The listening sockets.
pub fn listening() -> Vec<Socket> {
    rows(" 0A ")
}

/// There may be thousands: only those of interest are looked at closely.
fn rows(with: &str) -> Vec<Socket> {
    let table = |name| std::fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default();
    let text = table("tcp") + &table("tcp6");
    text.lines().filter(|row| row.contains(with)).filter_map(socket).collect()
}

fn socket(row: &str) -> Option<Socket> {
    let words: Vec<&str> = row.split_whitespace().collect();
    let (address, port) = words.get(1)?.split_once(':')?;
    let (_, peer) = words.get(2)?.split_once(':')?;
    Some(Socket {
        address: written(address)?,
        port: u16::from_str_radix(port, 16).ok()?,
        peer: u16::from_str_radix(peer, 16).ok()?,
        listens: words[3] == "0A",
        left_alone: words[3] == "08",
        inode: words.get(9)?.to_string(),
    })
}

/// An address as people write it; one of IPv4 within IPv6 as one of IPv4.
fn written(hex: &str) -> Option<String> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    if hex.len() == 8 {
        return Some(Ipv4Addr::from(word(0)?).to_string());
    }
    let bytes = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
    Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical().to_string())
}

/// The descriptors of `pid` that are one of these sockets.
pub fn descriptors(pid: u32, inodes: &[String]) -> BTreeSet<u32> {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let one_of_these = |link: &std::path::Path| {
        let link = link.to_string_lossy();
        inodes.iter().any(|inode| *link == format!("socket:[{inode}]"))
    };
    let found = open.filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|link| one_of_these(&link)));
    found.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Those of `pids` that hold this socket.
pub fn holders(pids: &[u32], inode: &str) -> Vec<u32> {
    let inode = [inode.to_string()];
    pids.iter().copied().filter(|&pid| !descriptors(pid, &inode).is_empty()).collect()
}
