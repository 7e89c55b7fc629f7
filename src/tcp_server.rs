//! Mirrors `class tcpServer` of the article's `tcpServer.cc`, its `Usage` and its `main`.
//!
//! The two listings after it repeat all of this and change `start` alone, so a
//! server's own file under `bin/` is its `start`. What a `start` does to get a
//! client is the same in all three too: [`TcpServer::accept_client`].

use core::ffi::{CStr, c_int};

use crate::c::{
    AF_INET, Args, INADDR_ANY, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, Text, accept, bind, errno, exit,
    htonl, htons, inet_aton, inet_ntoa, isalpha, islower, listen, ntohs, sa_family_t, setsockopt, socket,
    strcasecmp, strerror, toupper, usleep, zeroed,
};
use crate::errata::{AS_PRINTED, c_str, close, ignore_sigpipe, is_address, port, read, shell_proof, write};
use crate::iostream::cerr;
use crate::log_message;
use crate::log_message::{DEBUG, FATAL, WARINING};
use crate::{BIND_ERR, BUFFER_SIZE, LISTEN_ERR, SOCKET_ERR, USE_ERR};

/// A server: where it listens, and its listening socket.
pub struct TcpServer {
    port: u16,
    ip: &'static CStr,
    /// The article's `_LiSockFd`.
    pub li_sock_fd: c_int,
}

impl TcpServer {
    /// A server for `port` at `ip`, at every address if `ip` is empty. It does not listen yet.
    pub fn new(port: u16, ip: &'static CStr) -> Self {
        TcpServer { port, ip, li_sock_fd: -1 }
    }

    /// The article's `Init`: makes the server listen, or ends the program.
    pub fn init(&mut self) {
        self.li_sock_fd = shell_proof(socket(AF_INET, SOCK_STREAM, 0));
        if self.li_sock_fd < 0 {
            log_message!(FATAL, "socket() failed::%s : %d", strerror(errno()), self.li_sock_fd);
            exit(SOCKET_ERR);
        }
        log_message!(DEBUG, "socket() success::%d", self.li_sock_fd);
        let mut local = zeroed();
        local.sin_family = AF_INET as sa_family_t;
        local.sin_port = htons(self.port);
        if self.ip.is_empty() {
            local.sin_addr.s_addr = htonl(INADDR_ANY);
        } else {
            inet_aton(self.ip, &mut local.sin_addr);
        }

        // Erratum 17: as printed, no restart within a minute of a client's quit. It is
        // part of binding, and so is the status when it fails.
        if !AS_PRINTED && setsockopt(self.li_sock_fd, SOL_SOCKET, SO_REUSEADDR, &1) == -1 {
            log_message!(FATAL, "setsockopt() failed::%s : %d", strerror(errno()), self.li_sock_fd);
            exit(BIND_ERR);
        }
        if bind(self.li_sock_fd, &local) == -1 {
            // Erratum 16: as printed, the line names the wrong call.
            const FAILED: &str =
                if AS_PRINTED { "socket() failed::%s : %d" } else { "bind() failed::%s : %d" };
            log_message!(FATAL, FAILED, strerror(errno()), self.li_sock_fd);
            exit(BIND_ERR);
        }
        log_message!(DEBUG, "bind() success::%d", self.li_sock_fd);

        if listen(self.li_sock_fd, 5) == -1 {
            log_message!(FATAL, "listen() failed::%s : %d", strerror(errno()), self.li_sock_fd);
            exit(LISTEN_ERR);
        }
        log_message!(DEBUG, "listen() success::%d", self.li_sock_fd);
    }

    /// Turns the client's letters to upper case until it quits, and closes `sock`.
    pub fn to_upper(&self, sock: c_int, client_ip: &[u8], client_port: u16) {
        assert!(sock > 0);
        assert!(!client_ip.is_empty());

        let mut inbuffer = [0; BUFFER_SIZE];
        loop {
            let s = read(sock, &mut inbuffer[..BUFFER_SIZE - 1]);
            if s > 0 {
                // Erratum 9: as printed, a message ends at its first NUL.
                let len = c_str(&inbuffer[..s as usize]).len();
                let inbuffer = &mut inbuffer[..len];
                if strcasecmp(inbuffer, c"quit") == 0 {
                    log_message!(DEBUG, "Client requests to quit: [%s: %d]", client_ip, client_port);
                    break;
                }
                log_message!(DEBUG, "to_upper before:[%s:%d]>> %s", client_ip, client_port, inbuffer);
                for c in inbuffer.iter_mut() {
                    if isalpha(*c) && islower(*c) {
                        *c = toupper(*c);
                    }
                }
                log_message!(DEBUG, "to_upper after:[%s:%d]>>%s", client_ip, client_port, inbuffer);
                // Erratum 9: as printed, nobody looks at what write returns.
                if write(sock, inbuffer) == -1 && !AS_PRINTED {
                    let reason = strerror(errno());
                    log_message!(DEBUG, "Client [%s:%d] write::%s", client_ip, client_port, reason);
                    break;
                }
            } else if s == 0 {
                // Erratum 2: as printed, it would not compile.
                log_message!(DEBUG, "Client has quited:[%s:%d]", client_ip, client_port);
                break;
            } else {
                let reason = strerror(errno());
                log_message!(DEBUG, "Client [%s:%d] read::%s", client_ip, client_port, reason);
                break;
            }
        }
        close(sock);
        log_message!(DEBUG, "Service close %d sockFd", sock);
    }

    /// The head of the article's `start`, as far as `accept() success`: waits for a
    /// client. Its socket, address and port.
    pub fn accept_client(&self) -> (c_int, Text<16>, u16) {
        let mut failed_before = false;
        loop {
            let mut peer = zeroed();

            let service_sock_fd = accept(self.li_sock_fd, &mut peer);
            if service_sock_fd == -1 {
                log_message!(WARINING, "accept() failed::%s : %d", strerror(errno()), self.li_sock_fd);
                // Erratum 12: as printed, it is tried again at once, however often it fails.
                if !AS_PRINTED && failed_before {
                    usleep(20_000);
                }
                failed_before = true;
                continue;
            }
            let peer_ip = inet_ntoa(peer.sin_addr);
            let peer_port = ntohs(peer.sin_port);
            log_message!(DEBUG, "accept() success:: [%s: %d] | %d", peer_ip, peer_port, service_sock_fd);
            return (service_sock_fd, peer_ip, peer_port);
        }
    }
}

/// The article's `Usage`.
pub fn usage(proc: &CStr) {
    // Erratum 16: as printed, the name and the first word are one.
    let proc_end: &[u8] = if AS_PRINTED { b"" } else { b" " };
    cerr().put(b"Usage::\n\t").put(proc.to_bytes()).put(proc_end).put(b"port ip").endl();
    cerr().put(b"example::\n\t").put(proc.to_bytes()).put(proc_end).put(b"8080 127.0.0.1").endl();
}

/// The article's `main`, for a server whose `start` is given.
pub fn main(args: Args, start: fn(&TcpServer) -> !) -> c_int {
    ignore_sigpipe();
    if args.argc() != 3 && args.argc() != 2 {
        usage(args.argv(0));
        exit(USE_ERR);
    }
    let Some(port) = port(args.argv(1)) else {
        usage(args.argv(0));
        exit(USE_ERR);
    };
    let mut ip = c"";
    if args.argc() == 3 {
        ip = args.argv(2);
        if !is_address(ip) {
            usage(args.argv(0));
            exit(USE_ERR);
        }
    }
    let mut usvr = TcpServer::new(port, ip);
    usvr.init();
    start(&usvr)
}
