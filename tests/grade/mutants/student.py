#!/usr/bin/env python3
"""A forking server; the name of a copy says how it differs from a right one.

right: it does not. latin: it takes bytes for letters of Latin-1, which has more letters than ASCII. lines: it answers
whole lines only. prefix: it greets, and puts a word before each answer. wait_once: one wait() for each SIGCHLD.
ignores: it ignores that accept() failed, and serves nobody. slow_refusal: it takes long to refuse an argument, as one does
that asks a name server.
"""
import os
import signal
import socket
import sys
import time

KIND = os.path.basename(sys.argv[0])


def upper(data):
    if KIND == "latin":
        return data.decode("latin-1").upper().encode("latin-1", "replace")
    return data.upper()


def serve(client):
    if KIND == "prefix":
        client.sendall(b"Welcome\n")
    messages = client.makefile("rb") if KIND == "lines" else iter(lambda: client.recv(1024), b"")
    for message in messages:
        if message.rstrip(b"\r\n" if KIND == "lines" else b"").lower() == b"quit":
            break
        client.sendall((b"Echo: " if KIND == "prefix" else b"") + upper(message))


def reap(*_):
    try:
        os.wait()
    except ChildProcessError:
        pass


try:
    port = int(sys.argv[1])
    if not sys.argv[1].isdigit() or not 1 <= port <= 65535:
        raise ValueError(sys.argv[1])
    ip = socket.inet_ntoa(socket.inet_aton(sys.argv[2]))
except (ValueError, OSError, IndexError) as error:
    if KIND == "slow_refusal":
        time.sleep(8)
    sys.exit(f"usage: {sys.argv[0]} port ip ({error})")
signal.signal(signal.SIGCHLD, reap if KIND == "wait_once" else signal.SIG_IGN)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((ip, port))
listener.listen(5)
while True:
    client = None
    try:
        client, _ = listener.accept()
    except OSError:
        if KIND != "ignores":
            time.sleep(0.02)
            continue
    try:
        if os.fork() == 0:
            listener.close()
            try:
                serve(client)
            except (OSError, AttributeError):
                pass
            os._exit(0)
    except OSError:
        pass
    if client:
        client.close()
