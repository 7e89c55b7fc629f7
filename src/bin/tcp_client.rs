//! Mirrors `tcpClient.cc`: sends each line that is typed, shows what comes back, until `quit`.
//!
//! Its other half is any of the three servers.

#![no_std]
#![no_main]

use core::ffi::{CStr, c_int};

use tcp::c::{
    AF_INET, Args, SOCK_STREAM, STDIN_FILENO, STDOUT_FILENO, close, connect, errno, exit, htons, inet_aton,
    sa_family_t, socket, strcasecmp, strerror, zeroed,
};
use tcp::errata::{
    AS_PRINTED, c_str, ignore_sigpipe, is_address, pieces, port, read_back, shell_proof, write,
};
use tcp::iostream::{String, cerr, cin, cout, getline};
use tcp::log_message::{DEBUG, FATAL};
use tcp::{BUFFER_SIZE, CONNECT_ERR, LOST_ERR, SOCKET_ERR, USE_ERR, log_message};

tcp::program!(main);

fn usage(proc: &CStr) {
    // Erratum 16: as printed, the name and the first word are one.
    let proc_end: &[u8] = if AS_PRINTED { b"" } else { b" " };
    cerr().put(b"Usage::\n\t").put(proc.to_bytes()).put(proc_end).put(b"serverIp serverPort").endl();
    cerr().put(b"example::\n\t").put(proc.to_bytes()).put(proc_end).put(b"127.0.0.1 8080").endl();
}

fn main(args: Args) -> c_int {
    ignore_sigpipe();
    if args.argc() != 3 {
        usage(args.argv(0));
        exit(USE_ERR);
    }
    let server_ip = args.argv(1);
    let (true, Some(server_port)) = (is_address(server_ip), port(args.argv(2))) else {
        usage(args.argv(0));
        exit(USE_ERR);
    };

    let sock_fd = shell_proof(socket(AF_INET, SOCK_STREAM, 0));
    if sock_fd < 0 {
        log_message!(FATAL, "socket() failed::%s %d", strerror(errno()), sock_fd);
        exit(SOCKET_ERR);
    }
    log_message!(DEBUG, "socket() success::%d", sock_fd);

    let mut server = zeroed();
    server.sin_port = if AS_PRINTED { server_port } else { htons(server_port) }; // Erratum 1
    server.sin_family = AF_INET as sa_family_t;
    inet_aton(server_ip, &mut server.sin_addr);
    if connect(sock_fd, &server) == -1 {
        log_message!(FATAL, "connect() failed::%s: %d", strerror(errno()), sock_fd);
        exit(CONNECT_ERR);
    }
    log_message!(DEBUG, "connect() success.");

    let (mut cin, mut cout) = (cin(), cout());
    let mut message = String::default();
    let mut quit = false;
    'talk: while !quit {
        message.clear();
        checked(cout.put(b"Please enter").flush(), "write()", STDOUT_FILENO);
        let line = checked(getline(&mut cin, &mut message), "getline()", STDIN_FILENO);
        // Erratum 5: as printed, nobody looks at the end of input.
        if line == 0 && !AS_PRINTED {
            break;
        }
        if strcasecmp(c_str(&message), c"quit") == 0 {
            quit = true;
        }
        let mut echoed = false;
        for piece in pieces(&message) {
            let sw = write(sock_fd, piece);
            if sw > 0 {
                let mut reply = resized(piece);
                let sr = read_back(sock_fd, &mut reply[..BUFFER_SIZE], piece.len());
                checked(sr, "read()", sock_fd);
                if sr > 0 {
                    reply[sr as usize] = b'\0';
                }
                // Erratum 7: as printed, the user's own words pass for the echo.
                if sr == 0 && !AS_PRINTED {
                    if quit {
                        break 'talk;
                    }
                    lost("read()", sock_fd, b"The server has closed");
                }
                // Erratum 6: as printed, with all the NULs up to 1024.
                let reply = &reply[..if AS_PRINTED { BUFFER_SIZE } else { sr as usize }];
                if strcasecmp(c_str(reply), c"quit") != 0 {
                    cout.put(if echoed { b"" } else { b"Server Echo" }).put(reply);
                    echoed = true;
                }
            } else if sw < 0 {
                log_message!(FATAL, "Client write() failed: %d : %s", sock_fd, strerror(errno()));
                // Erratum 7: as printed, its exit status is 0.
                if !AS_PRINTED {
                    close(sock_fd);
                    exit(LOST_ERR);
                }
                break 'talk;
            }
        }
        if echoed {
            checked(cout.endl(), "write()", STDOUT_FILENO);
        }
    }
    checked(close(sock_fd) as isize, "close()", sock_fd);
    0
}

/// The article's `message.resize(BUFFER_SIZE)`: cut, or filled up with NULs. As
/// behind every C++ string, there is one more.
fn resized(message: &[u8]) -> [u8; BUFFER_SIZE + 1] {
    let mut resized = [0; BUFFER_SIZE + 1];
    let len = message.len().min(BUFFER_SIZE);
    resized[..len].copy_from_slice(&message[..len]);
    resized
}

/// Erratum 7: as printed, nobody looks at what `call` on `fd` returns.
fn checked(result: isize, call: &str, fd: c_int) -> isize {
    if result == -1 && !AS_PRINTED {
        lost(call, fd, &strerror(errno()));
    }
    result
}

fn lost(call: &str, fd: c_int, reason: &[u8]) -> ! {
    log_message!(FATAL, "Client %s failed: %d : %s", call, fd, reason);
    exit(LOST_ERR);
}
