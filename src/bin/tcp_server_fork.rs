//! Mirrors the article's multi-process version one: a child serves each client.
//!
//! `start` is all that sets the three servers apart; the rest stands in
//! `src/tcp_server.rs`. Their other half: `tcp_client.rs`.

#![no_std]
#![no_main]

use tcp::*;

program!(|argc, argv| tcp_server::main(argc, argv, start));

fn start(usvr: &tcp_server::TcpServer) -> ! {
    signal(SIGCHLD, SIG_IGN); // the kernel reaps the children
    loop {
        let mut peer = zeroed();

        let service_sock_fd = accept(usvr.li_sock_fd, &mut peer);
        if service_sock_fd == -1 {
            log_message!(WARINING, "accept() failed::%s : %d", strerror(errno()), usvr.li_sock_fd);
            continue;
        }
        let peer_ip = inet_ntoa(peer.sin_addr);
        let peer_port = ntohs(peer.sin_port);
        log_message!(DEBUG, "accept() success:: [%s: %d] | %d", peer_ip, peer_port, service_sock_fd);
        let id = fork();
        if id == -1 {
            log_message!(FATAL, "Server fork() failed:%s", strerror(errno()));
            // Erratum 11: as printed, one refused fork ends the service for all.
            if AS_PRINTED {
                exit(FORK_ERR);
            }
            close(service_sock_fd); // give up on this client
            continue;
        } else if id == 0 {
            close(usvr.li_sock_fd); // child: unneeded copy of the listening socket
            usvr.to_upper(service_sock_fd, &peer_ip, peer_port);
            exit(0);
        }
        close(service_sock_fd); // parent: unneeded copy of the connected socket
    }
}
