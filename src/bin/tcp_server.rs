//! Mirrors `tcpServer.cc`: the server of one process, which serves one client after another.
//!
//! `start` is all that sets it apart from `tcp_server_fork.rs` and
//! `tcp_server_double_fork.rs`; the rest stands in `src/tcp_server.rs`.

#![no_std]
#![no_main]

use core::ffi::c_int;

use tcp::c::Args;
use tcp::tcp_server::{self, TcpServer};

tcp::program!(main);

fn start(usvr: &TcpServer) -> ! {
    loop {
        let (service_sock_fd, peer_ip, peer_port) = usvr.accept_client();
        usvr.to_upper(service_sock_fd, &peer_ip, peer_port);
    }
}

fn main(args: Args) -> c_int {
    tcp_server::main(args, start)
}
