//! Mirrors `tcpClient.cc`: sends each typed line and prints the answer, until `quit`.
//! Its peer is any of the three servers.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tcp::*;

program!(main);

/// The article's `volatile bool quit`.
static QUIT: AtomicBool = AtomicBool::new(false);

fn usage(proc: &CStr) {
    cerr().put(b"Usage::\n\t").put(proc.to_bytes()).put(SPACE).put(b"serverIp serverPort").endl(); // Erratum 16
    cerr().put(b"example::\n\t").put(proc.to_bytes()).put(SPACE).put(b"127.0.0.1 8080").endl();
}

/// Erratum 7: `call` on `fd` failed, which ends the session.
fn lost(sock_fd: c_int, call: &CStr, fd: c_int, reason: &[u8]) -> ! {
    cout().flush(); // the chunks that were echoed
    log_message!(FATAL, "Client %s failed: %d : %s", call, fd, reason);
    close(sock_fd);
    exit(LOST_ERR);
}

fn main(argc: c_int, argv: &[&CStr]) -> c_int {
    ignore_sigpipe(); // Erratum 10
    if argc != 3 {
        usage(argv[0]);
        exit(USE_ERR);
    }
    // Erratum 13: as printed, the arguments are not checked.
    if !check_ip(argv[1]) || !check_port(argv[2]) {
        usage(argv[0]);
        exit(USE_ERR);
    }
    let server_ip = argv[1];
    let server_port = atoi(argv[2]) as u16;

    let sock_fd = errata::socket(AF_INET, SOCK_STREAM, 0); // not 0 to 2, the standard streams
    if sock_fd < 0 {
        log_message!(FATAL, "socket() failed::%s %d", strerror(errno()), sock_fd);
        exit(SOCKET_ERR);
    }
    log_message!(DEBUG, "socket() success::%d", sock_fd);

    let mut server = zeroed();
    server.sin_port = if AS_PRINTED { server_port } else { htons(server_port) }; // Erratum 1
    server.sin_family = AF_INET as sa_family_t;
    inet_aton(server_ip, &mut server.sin_addr);
    if connect(sock_fd, &server, sizeof(&server)) == -1 {
        log_message!(FATAL, "connect() failed::%s: %d", strerror(errno()), sock_fd);
        exit(CONNECT_ERR);
    }
    log_message!(DEBUG, "connect() success.");

    let talk = if AS_PRINTED { talk_as_printed } else { talk_fixed }; // Errata 5 to 8
    talk(sock_fd);
    0
}

/// The article's loop, and the `close` after it, with errata 5 to 8.
fn talk_as_printed(sock_fd: c_int) {
    let (cin, cout) = (cin(), cout());
    let mut message = Line::EMPTY;
    while !QUIT.load(Relaxed) {
        message.clear();
        cout.put(b"Please enter");
        if !feof(&cin) {
            cout.flush(); // In C++ `cin` does it, as long as it has not met its end.
        }
        getline(&mut message, &cin);
        if strcasecmp(c_str(&message), c"quit") == 0 {
            QUIT.store(true, Relaxed);
        }
        let sw = write(sock_fd, &message);
        if sw > 0 {
            let mut message = resized(&message);
            let sr = read(sock_fd, &mut message[..BUFFER_SIZE]);
            if sr > 0 {
                message[sr as usize] = b'\0';
            }
            if strcasecmp(c_str(&message), c"quit") != 0 {
                cout.put(b"Server Echo").put(&message[..BUFFER_SIZE]).endl();
            }
        } else if sw < 0 {
            log_message!(FATAL, "Client write() failed: %d : %s", sock_fd, strerror(errno()));
            break;
        }
    }
    close(sock_fd);
}

/// The article's `message.resize(BUFFER_SIZE)`: cut, or padded with NULs. As in C++, one more NUL follows.
fn resized(message: &[u8]) -> [u8; BUFFER_SIZE + 1] {
    core::array::from_fn(|at| if at < message.len().min(BUFFER_SIZE) { message[at] } else { 0 })
}

/// The same loop with errata 5 to 8 fixed.
fn talk_fixed(sock_fd: c_int) {
    let (cin, cout) = (cin(), cout());
    let mut message = Line::EMPTY;
    while !QUIT.load(Relaxed) {
        message.clear();
        // Erratum 7: a terminal that is gone; this also reports a failed echo.
        if ferror(cout.put(b"Please enter").flush()) {
            lost(sock_fd, c"write()", STDOUT_FILENO, &strerror(errno()));
        }
        // Erratum 5: the end of input ends the line on the terminal, and the session.
        if getline(&mut message, &cin) == -1 {
            if !feof(&cin) {
                lost(sock_fd, c"getline()", STDIN_FILENO, &strerror(errno()));
            }
            cout.endl();
            break;
        }
        if strcasecmp(&message, c"quit") == 0 {
            QUIT.store(true, Relaxed);
        }
        let mut echoed = false;
        let mut sent = 0;
        // Erratum 8: a long line is sent in chunks, and each is read back completely.
        loop {
            let n = chunk(message.len() - sent, BUFFER_SIZE - 1);
            let sw = writen(sock_fd, &message[sent..sent + n]);
            if sw > 0 {
                let mut reply = [0; BUFFER_SIZE];
                let sr = read_at_least(sock_fd, &mut reply, n);
                // Erratum 7: without a reply nothing is echoed. After quit none is expected.
                if sr < 0 {
                    lost(sock_fd, c"read()", sock_fd, &strerror(errno()));
                } else if (sr as usize) < n && !QUIT.load(Relaxed) {
                    lost(sock_fd, c"read()", sock_fd, b"The server has closed");
                }
                // Erratum 6: only what was received is printed.
                let reply = &reply[..sr as usize];
                if sr > 0 && strcasecmp(reply, c"quit") != 0 {
                    cout.put(if echoed { b"" } else { b"Server Echo" });
                    cout.put(reply);
                    echoed = true;
                }
            } else if sw < 0 {
                lost(sock_fd, c"write()", sock_fd, &strerror(errno()));
            }
            sent += n;
            if sent == message.len() {
                break;
            }
        }
        if echoed {
            cout.endl();
        }
    }
    close(sock_fd);
}
