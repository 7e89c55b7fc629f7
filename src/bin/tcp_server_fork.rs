//! Mirrors the article's multi-process version one: a child serves each client.
//!
//! The three servers differ only in `start`; the rest is in `src/tcp_server.rs`. Their peer: `tcp_client.rs`.

#![no_std]
#![no_main]

use tcp::*;

program!(|argc, argv| tcp_server::main(argc, argv, start));

fn start(usvr: &tcp_server::TcpServer) -> ! {
    signal(SIGCHLD, SIG_IGN); // The kernel reaps the children.
    loop {
        let mut peer = zeroed();
        let mut peerlen = sizeof(&peer);

        let service_sock_fd = accept(usvr.li_sock_fd, &mut peer, &mut peerlen);
        if service_sock_fd == -1 {
            log_message!(WARINING, "accept() failed::%s : %d", strerror(errno()), usvr.li_sock_fd);
            pause_before_retry(); // Erratum 12
            continue;
        }
        let peer_ip = inet_ntoa(peer.sin_addr);
        let peer_port = ntohs(peer.sin_port);
        log_message!(DEBUG, "accept() success:: [%s: %d] | %d", peer_ip, peer_port, service_sock_fd);
        let id = fork();
        if id == -1 {
            log_message!(FATAL, "Server fork() failed:%s", strerror(errno()));
            // Erratum 11: as printed, a failed fork ends the server.
            if AS_PRINTED {
                exit(FORK_ERR);
            }
            close(service_sock_fd); // only this client is not served
            continue;
        } else if id == 0 {
            close(usvr.li_sock_fd); // The child has copies of all descriptors; it accepts nothing.
            usvr.to_upper(service_sock_fd, &peer_ip, peer_port);
            exit(0);
        }
        close(service_sock_fd); // The child has its own copy. The connection ends when both are closed.
    }
}
