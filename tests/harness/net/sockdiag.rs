//! What the kernel says of one TCP connection, without a list of all: `sock_diag(7)`.

use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;

/// Bytes that either side of `stream` has written and the other side's kernel has not acknowledged: they may still be
/// on their way. Where the kernel does not tell of the other side, only ours count.
pub fn in_flight(stream: &TcpStream) -> usize {
    let mut ours = 0;
    unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut ours) };
    ours as usize + unacknowledged_by_us(stream).unwrap_or(0) as usize
}

/// Has delayed acknowledgements sent now.
pub fn acknowledge(stream: &TcpStream) {
    let (on, size) = (1, size_of::<libc::c_int>() as libc::socklen_t);
    let (tcp, quick, value) = (libc::IPPROTO_TCP, libc::TCP_QUICKACK, &raw const on);
    unsafe { libc::setsockopt(stream.as_raw_fd(), tcp, quick, value.cast::<libc::c_void>(), size) };
}

fn unacknowledged_by_us(stream: &TcpStream) -> Option<u32> {
    let (SocketAddr::V4(ours), SocketAddr::V4(theirs)) =
        (stream.local_addr().ok()?, stream.peer_addr().ok()?)
    else {
        return None;
    };
    // struct nlmsghdr, then struct inet_diag_req_v2, for the socket at the other side.
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const LENGTH: u32 = 72;
    let mut request = Vec::new();
    request.extend(LENGTH.to_ne_bytes());
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend((libc::NLM_F_REQUEST as u16).to_ne_bytes());
    request.extend([0; 8]); // sequence number, port
    request.extend([libc::AF_INET as u8, libc::IPPROTO_TCP as u8, 0, 0]);
    request.extend(u32::MAX.to_ne_bytes()); // every state
    request.extend(theirs.port().to_be_bytes());
    request.extend(ours.port().to_be_bytes());
    for address in [theirs, ours] {
        request.extend(address.ip().octets());
        request.extend([0; 12]);
    }
    request.extend([0; 4]); // any interface
    request.extend([0xff; 8]); // no cookie
    // struct nlmsghdr, then struct inet_diag_msg: its idiag_wqueue.
    const WQUEUE: usize = 16 + 4 + 48 + 4 + 4;
    let mut reply = [0; 512];
    let length = unsafe {
        let socket =
            libc::socket(libc::AF_NETLINK, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, libc::NETLINK_SOCK_DIAG);
        if socket == -1 {
            return None;
        }
        let sent = libc::send(socket, request.as_ptr().cast(), request.len(), 0);
        let length =
            if sent == -1 { -1 } else { libc::recv(socket, reply.as_mut_ptr().cast(), reply.len(), 0) };
        libc::close(socket);
        length
    };
    let answered = length >= (WQUEUE + 4) as isize && reply[4..6] == SOCK_DIAG_BY_FAMILY.to_ne_bytes();
    // No such connection: nothing is on its way.
    let queue = reply[WQUEUE..WQUEUE + 4].try_into().expect("four bytes");
    (length > 0).then(|| if answered { u32::from_ne_bytes(queue) } else { 0 })
}
