"""A relay between a client and the emulator."""

import socket
import threading
from contextlib import suppress


class Relay:
    """Forwards traffic until it is asked to cut all connections; while it is down, new clients wait."""

    def __init__(self, target):
        self.target, self.accepted = target, 0
        self.ends, self.up = set(), threading.Event()
        self.up.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            self.up.wait()
            self.accepted += 1
            host, port = self.target.split(":")
            far = socket.create_connection((host, int(port)))
            self.ends |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    def copy(self, source, sink):
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        self.end(source, sink)

    def cut(self):
        self.up.clear()
        self.end(*self.ends)

    def end(self, *ends):
        for end in ends:
            self.ends.discard(end)
            # The other thread sits in `recv`, which a mere close would not end.
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
