//! A TCP socket as the kernel describes it, and which process holds it.

/// Numbers of states, as in the kernel's `include/net/tcp_states.h`.
pub const SYN_SENT: u8 = 2;
pub const TIME_WAIT: u8 = 6;
pub const CLOSE_WAIT: u8 = 8;
pub const LISTEN: u8 = 10;

/// A TCP socket.
#[derive(PartialEq)]
pub struct Socket {
    pub address: String,
    pub port: u16,
    pub peer: u16,
    /// One of the states above.
    pub state: u8,
    pub inode: String,
}

impl Socket {
    pub fn is_held_by(&self, pid: u32) -> bool {
        held(pid).iter().any(|(_, inode)| *inode == self.inode)
    }
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
