"""The server as Python's library has it, a process for each client. Its one argument is the port."""
import socketserver
import sys


class ToUpper(socketserver.BaseRequestHandler):
    def handle(self):
        while True:
            message = self.request.recv(1023)
            if not message or message.lower() == b"quit":
                break
            self.request.sendall(message.upper())


class Server(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    max_children = 2000


Server(("127.0.0.1", int(sys.argv[1])), ToUpper).serve_forever()
