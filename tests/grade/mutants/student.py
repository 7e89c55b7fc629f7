#!/usr/bin/env python3
"""A server with one mistake: it takes the bytes for letters of Latin-1, and has more of them than ASCII."""
import os
import signal
import socket
import sys
import time


def serve(client):
    while True:
        try:
            words = client.recv(1024)
        except OSError:
            break
        if not words or words.lower() == b"quit":
            break
        client.sendall(words.decode("latin-1").upper().encode("latin-1", "replace"))


try:
    port = int(sys.argv[1])
    if not sys.argv[1].isdigit() or not 1 <= port <= 65535:
        raise ValueError(sys.argv[1])
    ip = socket.inet_ntoa(socket.inet_aton(sys.argv[2]))
except (ValueError, OSError, IndexError) as error:
    sys.exit(f"usage: {sys.argv[0]} port ip ({error})")
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((ip, port))
listener.listen(5)
while True:
    try:
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            serve(client)
            client.close()
            os._exit(0)
        client.close()
    except OSError:
        client.close()
        time.sleep(0.02)
