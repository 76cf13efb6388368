"""A proxy before a TCP server that can swallow an answer: the server has done its work, the client never learns it."""

import contextlib
import socket
import threading


class Proxy:
    """Forwards to `port`. While `swallowing`, a message that contains those bytes is forwarded, its answer awaited and
    thrown away, and the connection cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.swallowing = b""
        self.swallowed = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Accept nobody any more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._target))
        is_swallowing = threading.Event()
        back = threading.Thread(target=self._answer, args=(server, client, is_swallowing), daemon=True)
        back.start()
        with client, server, contextlib.suppress(OSError):
            while asked := client.recv(65536):
                if self.swallowing and self.swallowing in asked:
                    is_swallowing.set()
                server.sendall(asked)
            server.shutdown(socket.SHUT_RDWR)
            back.join()

    def _answer(self, server: socket.socket, client: socket.socket, is_swallowing: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while answered := server.recv(65536):
                if is_swallowing.is_set():
                    self.swallowed += 1
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(answered)
