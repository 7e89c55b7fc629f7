//! Mirrors the article's multi-process version two: a grandchild serves each client.
//!
//! `start` is all that sets the three servers apart; the rest stands in
//! `src/tcp_server.rs`. Their other half: `tcp_client.rs`.

#![no_std]
#![no_main]

use tcp::*;

program!(|argc, argv| tcp_server::main(argc, argv, start));

fn start(usvr: &tcp_server::TcpServer) -> ! {
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
            let id = fork();
            if id > 0 {
                exit(0); // child: the grandchild is an orphan now, and the system's
            }
            // Erratum 11: as printed, the child serves by itself, and all others wait.
            if id == -1 && !AS_PRINTED {
                log_message!(FATAL, "Server fork() failed:%s", strerror(errno()));
                exit(FORK_ERR);
            }
            usvr.to_upper(service_sock_fd, &peer_ip, peer_port);
            exit(0);
        }
        close(service_sock_fd); // parent: unneeded copy of the connected socket
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
