//! Mirrors `class tcpServer` of the article's `tcpServer.cc`, its `Usage` and its `main`.
//!
//! The article's two forking servers repeat all of it and change only `start`, which is in each server's own
//! file under `bin/`. The struct comes last, as the `private:` part does in the article.

use crate::*;

impl<'a> TcpServer<'a> {
    /// A server for `port` at `ip`, or at every address if `ip` is empty. It does not listen yet.
    pub fn new(port: u16, ip: &'a CStr) -> Self {
        TcpServer { port, ip, li_sock_fd: -1 }
    }

    /// The article's `Init`: makes the server listen, or ends the program.
    pub fn init(&mut self) {
        self.li_sock_fd = errata::socket(AF_INET, SOCK_STREAM, 0); // not 0 to 2, the standard streams
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

        let on = 1;
        // Erratum 17: as printed, the port is in use for a minute after a client's quit.
        if !AS_PRINTED && setsockopt(self.li_sock_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(&on)) == -1 {
            log_message!(FATAL, "setsockopt() failed::%s : %d", strerror(errno()), self.li_sock_fd);
            exit(BIND_ERR);
        }
        if bind(self.li_sock_fd, &local, sizeof(&local)) == -1 {
            // Erratum 16: as printed, the line names the wrong call.
            const BIND: &str = if AS_PRINTED { "socket() failed::%s : %d" } else { "bind() failed::%s : %d" };
            log_message!(FATAL, BIND, strerror(errno()), self.li_sock_fd);
            exit(BIND_ERR);
        }
        log_message!(DEBUG, "bind() success::%d", self.li_sock_fd);

        if listen(self.li_sock_fd, 5) == -1 {
            log_message!(FATAL, "listen() failed::%s : %d", strerror(errno()), self.li_sock_fd);
            exit(LISTEN_ERR);
        }
        log_message!(DEBUG, "listen() success::%d", self.li_sock_fd);
    }

    /// Converts what the client sends to upper case until it quits; then closes `sock`.
    pub fn to_upper(&self, sock: c_int, client_ip: &[u8], client_port: u16) {
        assert!(sock > 0);
        assert!(!client_ip.is_empty());

        let mut inbuffer = [0; BUFFER_SIZE];
        loop {
            // To `read` and `write`, a connected socket is a descriptor like that of a file.
            let s = read(sock, &mut inbuffer[..BUFFER_SIZE - 1]);
            if s > 0 {
                // Erratum 9: as printed, the message ends at its first NUL.
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
                // The answer. Erratum 9: as printed, it is written once, and the result is not checked.
                if AS_PRINTED {
                    write(sock, inbuffer);
                } else if writen(sock, inbuffer) == -1 {
                    log_message!(DEBUG, "Client [%s:%d] write::%s", client_ip, client_port, strerror(errno()));
                    break;
                }
            } else if s == 0 {
                // Erratum 2: the article's arguments are inside the string; `log_message!` rejects that.
                log_message!(DEBUG, "Client has quited:[%s:%d]", client_ip, client_port);
                break;
            } else {
                log_message!(DEBUG, "Client [%s:%d] read::%s", client_ip, client_port, strerror(errno()));
                break;
            }
        }
        close(sock); // Otherwise each client uses up one of the descriptors that a process may have.
        log_message!(DEBUG, "Service close %d sockFd", sock);
    }
}

/// A server: where it listens, and its listening socket.
pub struct TcpServer<'a> {
    port: u16,
    ip: &'a CStr,
    /// The article's `_LiSockFd`.
    pub li_sock_fd: c_int,
}

/// The article's `Usage`.
pub fn usage(proc: &CStr) {
    cerr().put(b"Usage::\n\t").put(proc.to_bytes()).put(SPACE).put(b"port ip").endl(); // Erratum 16
    cerr().put(b"example::\n\t").put(proc.to_bytes()).put(SPACE).put(b"8080 127.0.0.1").endl();
}

/// The article's `main`, for a server whose `start` is given.
pub fn main(argc: c_int, argv: &[&CStr], start: fn(&TcpServer) -> !) -> c_int {
    ignore_sigpipe(); // Erratum 10
    if argc != 3 && argc != 2 {
        usage(argv[0]);
        exit(USE_ERR);
    }
    // Erratum 13: as printed, the arguments are not checked.
    if (argc == 3 && !check_ip(argv[2])) || !check_port(argv[1]) {
        usage(argv[0]);
        exit(USE_ERR);
    }
    let port = atoi(argv[1]) as u16;
    let mut ip = c"";
    if argc == 3 {
        ip = argv[2];
    }
    let mut usvr = TcpServer::new(port, ip);
    usvr.init();
    start(&usvr)
}
