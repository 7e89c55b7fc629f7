//! Mirrors the article's multi-process version one: a child serves each client.
//!
//! Children are reaped by the kernel, because SIGCHLD is ignored. Compare
//! `tcp_server.rs`, which has no child, and `tcp_server_double_fork.rs`.

#![no_std]
#![no_main]

use core::ffi::c_int;

use tcp::c::{Args, SIG_IGN, SIGCHLD, errno, exit, fork, strerror};
use tcp::errata::{AS_PRINTED, close, signal};
use tcp::log_message::FATAL;
use tcp::tcp_server::{self, TcpServer};
use tcp::{FORK_ERR, log_message};

tcp::program!(main);

fn start(usvr: &TcpServer) -> ! {
    signal(SIGCHLD, SIG_IGN);
    loop {
        let (service_sock_fd, peer_ip, peer_port) = usvr.accept_client();
        let id = fork();
        if id == -1 {
            log_message!(FATAL, "Server fork() failed:%s", strerror(errno()));
            // Erratum 11: as printed, one refused fork ends the service for all.
            if AS_PRINTED {
                exit(FORK_ERR);
            }
            close(service_sock_fd);
            continue;
        } else if id == 0 {
            // The child has no use for the listening socket: only the parent accepts.
            close(usvr.li_sock_fd);
            usvr.to_upper(service_sock_fd, &peer_ip, peer_port);
            exit(0);
        }
        // The parent's copy: left open, it would be lost, a descriptor for every client.
        close(service_sock_fd);
    }
}

fn main(args: Args) -> c_int {
    tcp_server::main(args, start)
}
