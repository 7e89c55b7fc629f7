//! Mirrors the article's multi-process version two: a grandchild serves each client.
//!
//! The child only forks and exits, so the parent can wait for it at once; the
//! grandchild is an orphan, which the system reaps. Compare `tcp_server_fork.rs`.

#![no_std]
#![no_main]

use core::ffi::c_int;

use tcp::c::{Args, errno, exit, fork, strerror};
use tcp::errata::{AS_PRINTED, close, waitpid};
use tcp::log_message::FATAL;
use tcp::tcp_server::{self, TcpServer};
use tcp::{FORK_ERR, WAIT_ERR, log_message};

tcp::program!(main);

fn start(usvr: &TcpServer) -> ! {
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
            let id = fork();
            if id > 0 {
                exit(0);
            }
            // Erratum 11: as printed, the child serves by itself, and all others wait.
            if id == -1 && !AS_PRINTED {
                log_message!(FATAL, "Server fork() failed:%s", strerror(errno()));
                exit(FORK_ERR);
            }
            usvr.to_upper(service_sock_fd, &peer_ip, peer_port);
            exit(0);
        }
        // The parent's copy: left open, it would be lost, a descriptor for every client.
        close(service_sock_fd);
        // Erratum 4: as printed, the port stands where the options belong.
        let ret = waitpid(id, None, if AS_PRINTED { c_int::from(peer_port) } else { 0 });
        if ret == -1 {
            log_message!(FATAL, "Server waitpid failed:%s", strerror(errno()));
            // Erratum 11: as printed, a failed wait ends the service, too.
            if AS_PRINTED {
                exit(WAIT_ERR);
            }
        }
    }
}

fn main(args: Args) -> c_int {
    tcp_server::main(args, start)
}
